//! `handler`: how long the signal handler takes.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use wasmscope::{Guest, ProfileSession, SamplerConfig};
use wasmscope_profiler::{CodeRegistry, RawRecording, RunningSampler, Sampler};
use wasmscope_testkit::guests::fetched_guest;
use wasmtime::{Instance, Module, Store, TypedFunc};

use crate::command::{Command, wrapped};
use crate::results::Results;

const TARGET_DEPTH: i32 = 15;
const TARGET_MEDIAN: Duration = Duration::from_nanos(300);
const RATE_HZ: u32 = 4999;

/// Options of `handler`.
#[derive(Parser, Debug)]
pub struct Options {
    /// Samples at each depth.
    #[arg(long, default_value_t = 20_000)]
    samples: u64,
}

/// `run(steps, depth)` spins at the bottom of a stack that is `depth` frames deep: wasmtime's entry, `run`, `$down` again
/// and again, `$spin`.
const DEEP: &str = r#"(module
    (func $spin (param $steps i32) (result i32) (local $x i32)
        (loop $again
            (local.set $x (i32.mul (i32.xor (local.get $x) (local.get $steps)) (i32.const 16777619)))
            (br_if $again (local.tee $steps (i32.sub (local.get $steps) (i32.const 1)))))
        (local.get $x))
    (func $down (param $steps i32) (param $left i32) (result i32)
        (i32.add (local.get $left) (if (result i32) (local.get $left)
            (then (call $down (local.get $steps) (i32.sub (local.get $left) (i32.const 1))))
            (else (call $spin (local.get $steps))))))
    (func $run (export "run") (param $steps i32) (param $depth i32) (result i32)
        (i32.add (i32.const 1) (call $down (local.get $steps) (i32.sub (local.get $depth) (i32.const 4))))))"#;

pub struct Deep {
    pub module: Module,
    pub store: Store<()>,
    pub run: TypedFunc<(i32, i32), i32>,
}

impl Deep {
    pub fn new(session: &ProfileSession) -> Result<Self> {
        let module = session.load(&Guest::from_bytes("deep.wat", DEEP.as_bytes())?)?;
        let mut store = session.new_store(());
        let instance = Instance::new(&mut store, &module, &[]).map_err(wrapped)?;
        let run = instance.get_typed_func(&mut store, "run").map_err(wrapped)?;
        Ok(Self { module, store, run })
    }
}

/// Samples `work` until there are enough samples; returns the recording and how deep the deepest stack was that was
/// looked at.
///
/// The sampler has a registry of its own, since only the handler's work matters here, and not what the frames mean.
fn sample(samples: u64, mut work: impl FnMut() -> Result<()>) -> Result<(RawRecording, usize)> {
    let config = SamplerConfig { rate_hz: RATE_HZ, ..SamplerConfig::default() };
    let sampler = Sampler::start(config, CodeRegistry::new())?;
    let mut depth = 0;
    while taken(&sampler) < samples {
        work()?;
        depth = sampler.last_samples().iter().map(|sample| sample.frames.len()).fold(depth, usize::max);
    }
    Ok((sampler.stop().context("sampling has stopped")?, depth))
}

fn taken(sampler: &RunningSampler) -> u64 {
    sampler.counters().iter().find(|counter| counter.name == "samples").map_or(0, |counter| counter.value)
}

fn quantiles(raw: &RawRecording) -> [Duration; 3] {
    [0.5, 0.9, 0.99].map(|quantile| raw.handler_time(quantile).unwrap_or_default())
}

/// Measures at several depths; tells whether the target is met.
pub fn run(options: &Options, results: &Results) -> Result<bool> {
    let mut body = String::from(HOW);
    let _ = writeln!(body, "\n| stack | samples | median ns | 90 % below | 99 % below |\n|---|---|---|---|---|");
    let mut at_target = None;
    let session = ProfileSession::builder().build()?;
    let mut deep = Deep::new(&session)?;
    for depth in [7, TARGET_DEPTH, 100, 500] {
        let steps = 20_000_000;
        let (raw, seen) =
            sample(options.samples, || deep.run.call(&mut deep.store, (steps, depth)).map(drop).map_err(wrapped))?;
        anyhow::ensure!(usize::try_from(depth).ok() == Some(seen), "a stack of {depth} frames was seen as {seen}");
        row(&mut body, &format!("{depth} frames"), &raw);
        if depth == TARGET_DEPTH {
            at_target = Some(quantiles(&raw)[0]);
        }
    }
    if let Some(path) = fetched_guest("sqlite.wasm") {
        let command = Command::load(&session, &Guest::load(&path)?)?;
        let (raw, _) = sample(options.samples, || {
            command.prepare(&["20".to_owned()], |context| session.new_store(context))?.call()
        })?;
        row(&mut body, "SQLite at work", &raw);
    }
    let met = at_target.is_some_and(|median| median <= TARGET_MEDIAN);
    let _ = writeln!(body, "\nThe target is {}.", if met { "met" } else { "**missed**" });
    results.summarize("handler.md", "How long the signal handler takes", &body)?;
    Ok(met)
}

fn row(body: &mut String, stack: &str, raw: &RawRecording) {
    let [median, ninety, ninety_nine] = quantiles(raw).map(|time| time.as_nanos());
    let _ = writeln!(body, "| {stack} | {} | {median} | {ninety} | {ninety_nine} |", raw.samples());
}

const HOW: &str = "Time between the first and the last instruction of our handler on CLOCK_MONOTONIC, reading the clock \
    included, in buckets of 20 ns (upper ends; 2560 stands for that and more). Sampled at 4999 Hz. The kernel's share of a \
    signal is not in it: see cost.md. The target: a median of at most 300 ns at 15 frames.\n";
