//! `perf-ring`: the kernel's own ring of samples against our signal engine, in cost and in what their stacks hold.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use wasmscope::{Guest, ProfileSession, SamplerConfig};
use wasmscope_model::{Event, Recording};
use wasmscope_profiler::export::function_totals;
use wasmscope_testkit::cpu_clock::Stopwatch;
use wasmscope_testkit::guests::{example_guest, test_guest};
use wasmscope_testkit::race::{Mode, race};
use wasmtime::Module;

use crate::command::{Command, wrapped};
use crate::cost_modes::{Alone, Wasmscope};
use crate::handler::Deep;
use crate::perf_event::PerfRing;
use crate::results::Results;

const RATES_HZ: [u32; 3] = [99, 997, 4999];
const ACCURACY_RATE_HZ: u32 = 997;

/// Options of `perf-ring`.
#[derive(Parser, Debug)]
pub struct Options {
    /// How many rounds are kept.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
}

const HOW: &str = "Both sample the same thread by the kernel's task clock. The signal engine is wasmscope as it is; for the ring \
    the kernel walks the stack by frame pointers and writes it into memory that another thread reads every 5 ms, and no \
    signal is sent. Cost: CPU time of the guest's thread, every mode in every round, in rotated order; the slope over the \
    rates is the cost of a sample, mean over rounds and 95 % bounds by Student's t. The rest: one run each at 997 Hz.\n";

/// What the ring's samples of one run hold.
#[derive(Debug, Default)]
struct Chains {
    samples: u64,
    lost: u64,
    with_guest: u64,
    rooted: u64,
    deepest: usize,
    by_function: HashMap<String, u64>,
}

/// Which addresses are code of which guest function.
struct Code {
    /// Start, end and name.
    functions: Vec<(usize, usize, String)>,
}

impl Code {
    fn of(module: &Module) -> Self {
        let base = module.text().as_ptr().addr();
        let function = |function: wasmtime::ModuleFunction| {
            let start = base + function.offset;
            (start, start + function.len, function.name.unwrap_or_default())
        };
        let mut functions: Vec<_> = module.functions().map(function).collect();
        functions.sort();
        Self { functions }
    }

    fn name(&self, address: u64) -> Option<&str> {
        let address = usize::try_from(address).ok()?;
        let index = self.functions.partition_point(|(start, ..)| *start <= address).checked_sub(1)?;
        let (_, end, name) = &self.functions[index];
        // A return address may be that behind the function's last instruction.
        (address <= *end).then_some(name)
    }
}

impl Chains {
    fn add(&mut self, chain: &[u64], code: &Code, root: &str) {
        self.samples += 1;
        let mut names: Vec<&str> = chain.iter().filter_map(|address| code.name(*address)).collect();
        self.with_guest += u64::from(!names.is_empty());
        self.rooted += u64::from(names.last().is_some_and(|name| name.starts_with(root)));
        self.deepest = self.deepest.max(names.len());
        names.sort_unstable();
        names.dedup();
        for name in names {
            *self.by_function.entry(name.to_owned()).or_default() += 1;
        }
    }
}

/// Runs `work` on this thread while a ring samples it, and another thread reads the ring.
fn with_ring(rate_hz: u32, take: impl FnMut(&[u64]) + Send, work: impl FnOnce() -> Result<()>) -> Result<u64> {
    let ring = Mutex::new((PerfRing::start(1_000_000_000 / u64::from(rate_hz))?, take, 0));
    let is_over = AtomicBool::new(false);
    let drain = || {
        if let Ok(mut ring) = ring.lock() {
            let (ring, take, lost) = &mut *ring;
            *lost += ring.drain(take);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                drain();
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let result = work();
        is_over.store(true, Ordering::Relaxed);
        result
    })?;
    drain();
    Ok(ring.into_inner().map_or(0, |(_, _, lost)| lost))
}

/// Races and compares; there is no target.
pub fn run(options: &Options, results: &Results) -> Result<bool> {
    let mut body = String::from(HOW);
    if let Err(error) = PerfRing::start(1_000_000) {
        let _ = writeln!(body, "\nThis kernel does not let us sample into a ring: {error}.");
    } else {
        cost(options, &mut body)?;
        accuracy(&mut body)?;
    }
    results.summarize("perf-ring.md", "The kernel's ring against our signal engine", &body)?;
    Ok(true)
}

fn cost(options: &Options, body: &mut String) -> Result<()> {
    let _ = writeln!(body, "\n## Cost\n\n| guest | µs a sample, signal engine | µs a sample, ring |\n|---|---|---|");
    for (path, arg) in [(example_guest("split.wasm"), "6000"), (test_guest("hostcalls.wasm"), "60000")] {
        let guest = Guest::load(&path)?;
        let (alone, wasmscope, args) = (Alone::new(&guest)?, Wasmscope::new(&guest)?, vec![arg.to_owned()]);
        let (alone, wasmscope, args) = (&alone, &wasmscope, &args);
        let mut modes = vec![Mode::new("alone", |watch: &mut Stopwatch| wasmscope.run(args, 0, watch))];
        for rate in RATES_HZ {
            modes.push(Mode::new(format!("signal {rate}"), move |watch: &mut Stopwatch| {
                wasmscope.run(args, rate, watch)
            }));
            modes.push(Mode::new(format!("ring {rate}"), move |watch: &mut Stopwatch| {
                with_ring(rate, |_| (), || alone.run(args, watch)).map(drop)
            }));
        }
        let times = race(&mut modes, options.rounds, |round| eprint!("\rround {round} of {} ", options.rounds))?;
        eprintln!();
        let base = times.mode("alone").context("the race has no base")?;
        let slope = |engine: &str| {
            let rates =
                RATES_HZ.iter().filter_map(|rate| Some((times.mode(&format!("{engine} {rate}"))?, f64::from(*rate))));
            times.slope(&rates.collect::<Vec<_>>(), base).context("a slope needs two rounds")
        };
        let [signal, ring] = [slope("signal")?.scaled(1e6), slope("ring")?.scaled(1e6)];
        let _ = writeln!(body, "| {} {arg} | {signal:.2} | {ring:.2} |", guest.name());
    }
    Ok(())
}

fn accuracy(body: &mut String) -> Result<()> {
    let _ = writeln!(
        body,
        "\n## Stacks\n\n| guest | engine | samples | with a guest frame | that reach its entry | seen |"
    );
    let _ = writeln!(body, "|---|---|---|---|---|---|");
    let session = ProfileSession::builder().build()?;
    let config = || SamplerConfig { rate_hz: ACCURACY_RATE_HZ, ..SamplerConfig::default() };
    for (path, arg, parts) in [
        (example_guest("split.wasm"), "60000", &["seventy", "twenty", "ten"][..]),
        (test_guest("hostcalls.wasm"), "400000", &["read_clock", "draw", "write_nothing", "move_block"][..]),
    ] {
        let guest = Guest::load(&path)?;
        let command = Command::load(&session, &guest)?;
        let code = Code::of(command.module());
        let ready = || command.prepare(&[arg.to_owned()], |context| session.new_store(context));
        let mut chains = Chains::default();
        let mut run = ready()?;
        chains.lost = with_ring(ACCURACY_RATE_HZ, |chain| chains.add(chain, &code, "_start"), || run.call())?;
        let recorder = session.record(config())?;
        ready()?.call()?;
        let recording = recorder.stop()?;
        signal_row(body, guest.name(), &shares(&recording, parts), &recording);
        let share = |part: &&str| {
            format!("{part} {:.1} %", percent(*chains.by_function.get(*part).unwrap_or(&0), chains.samples))
        };
        let seen: Vec<String> = parts.iter().map(share).collect();
        ring_row(body, guest.name(), &chains, &seen.join(", "));
    }
    let mut deep = Deep::new(&session)?;
    let (steps, depth) = (1_000_000_000, 500);
    let code = Code::of(&deep.module);
    let mut chains = Chains::default();
    let take = |chain: &[u64]| chains.add(chain, &code, "run");
    with_ring(ACCURACY_RATE_HZ, take, || deep.run.call(&mut deep.store, (steps, depth)).map(drop).map_err(wrapped))?;
    let recorder = session.record(config())?;
    deep.run.call(&mut deep.store, (steps, depth)).map_err(wrapped)?;
    let recording = recorder.stop()?;
    let deepest = recording.rows(Event::Cpu).map(|row| recording.stack(row.stack).count()).max().unwrap_or(0);
    signal_row(body, "500 frames", &format!("{deepest} frames"), &recording);
    ring_row(body, "500 frames", &chains, &format!("{} frames", chains.deepest));
    Ok(())
}

fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// Names parts of all samples, those without a guest frame included.
fn shares(recording: &Recording, parts: &[&str]) -> String {
    let all = recording.total_count(Event::Cpu) + recording.losses.outside_guest;
    let totals = function_totals(recording, Event::Cpu);
    let share = |part: &&str| {
        let named = totals.iter().filter(|total| recording.profile.functions[total.function.0 as usize].name == **part);
        format!("{part} {:.1} %", percent(named.map(|total| total.total).sum(), all))
    };
    parts.iter().map(share).collect::<Vec<_>>().join(", ")
}

fn signal_row(body: &mut String, guest: &str, seen: &str, recording: &Recording) {
    let (with_guest, losses) = (recording.total_count(Event::Cpu), &recording.losses);
    let all = with_guest + losses.outside_guest;
    let unrooted = losses.outer_unknown + losses.broken_stack + losses.truncated_at_max_depth;
    let (with_guest, rooted) = (percent(with_guest, all), percent(with_guest.saturating_sub(unrooted), all));
    let _ = writeln!(body, "| {guest} | signal | {all} | {with_guest:.1} % | {rooted:.1} % | {seen} |");
}

fn ring_row(body: &mut String, guest: &str, chains: &Chains, seen: &str) {
    let Chains { samples, lost, with_guest, rooted, .. } = chains;
    let (with_guest, rooted) = (percent(*with_guest, *samples), percent(*rooted, *samples));
    let _ = writeln!(body, "| {guest} | ring | {samples}, {lost} lost | {with_guest:.1} % | {rooted:.1} % | {seen} |");
}
