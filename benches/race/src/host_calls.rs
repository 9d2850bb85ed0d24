//! `host-calls`: what it costs to count and time a host call, and how right the counts and times are.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use wasmscope::{Guest, ProfileSession, SamplerConfig};
use wasmscope_testkit::cpu_clock::Stopwatch;
use wasmscope_testkit::race::{Mode, RaceTimes, race};
use wasmscope_testkit::statistics::{Estimate, median};
use wasmtime::{Engine, Linker, Module, Store, TypedFunc};

use crate::command::wrapped;
use crate::results::Results;

/// Calls the host so often from one place.
const GUEST: &str = r#"(module
  (import "host" "call" (func $call (param i32)))
  (func (export "run") (param $calls i32)
    (loop
      (call $call (local.get $calls))
      (br_if 0 (local.tee $calls (i32.sub (local.get $calls) (i32.const 1)))))))"#;

const NO_HOOK: &str = "no hook";
const BASE: &str = "an empty hook";
const OFF: &str = "attached, nothing recorded";
const ON: &str = "counted, timed, waits known";
/// Nanoseconds a call over no hook.
const TARGET_ON: f64 = 80.0;
/// Nanoseconds a call over an empty hook.
const TARGET_OFF: f64 = 2.0;
/// Per cent.
const TARGET_TIMES: f64 = 2.0;
/// How many steps the host works in each of the calls that are checked, and how often it is called.
const CHECKED: [(u32, u32); 3] = [(400, 10_000_000), (2000, 2_000_000), (20_000, 200_000)];
const CHECK_ROUNDS: u32 = 50;

/// Options of `host-calls`.
#[derive(Parser, Debug)]
pub struct Options {
    /// How many rounds are kept.
    #[arg(long, default_value_t = 21)]
    rounds: usize,

    /// How many calls each mode makes in each round.
    #[arg(long, default_value_t = 500_000)]
    calls: u32,
}

const HOW: &str = "A guest calls an empty host function over and over from one place. CPU time of its thread, every mode in \
    every round, in rotated order; differences to modes of the same round, by the calls: median over rounds, in brackets the \
    95 % bounds of the median. wasmtime itself asks more for a call once there is a hook, empty or not. The targets, at the \
    upper bounds: at most 80 ns a call over no hook; at most 2 ns over an empty hook when nothing is recorded.\n";

const TRUTH: &str = "\n## Counts and times\n\nThe host function does a fixed piece of work. What a call of it takes is known from a store \
    without a hook: the time of its run, less that of a run with an empty function. The recording's total is held against \
    that, run after run: median and its 95 % bounds. What lies between the \
    readings of the clock when a call does nothing is left out of each call; it is known to some nanoseconds, as is what a \
    call takes without a hook. The target: the count exact, the median difference of the total at most 2 %.\n";

/// A store whose guest calls the host.
struct Caller {
    store: Store<()>,
    run: TypedFunc<i32, ()>,
}

impl Caller {
    fn new(module: &Module, mut store: Store<()>, host: impl Fn() + Send + Sync + 'static) -> Result<Self> {
        let mut linker = Linker::new(module.engine());
        linker.func_wrap("host", "call", move |_: i32| host()).map_err(wrapped)?;
        let instance = linker.instantiate(&mut store, module).map_err(wrapped)?;
        let run = instance.get_typed_func(&mut store, "run").map_err(wrapped)?;
        Ok(Self { store, run })
    }

    fn call(&mut self, calls: u32) -> Result<()> {
        self.run.call(&mut self.store, i32::try_from(calls)?).map_err(wrapped)
    }
}

/// Measures; tells whether the targets are met.
pub fn run(options: &Options, results: &Results) -> Result<bool> {
    let session = ProfileSession::builder().build()?;
    let guest = Guest::from_bytes("calls.wat", GUEST.as_bytes())?;
    let module = session.load(&guest)?;
    let mut body = String::from(HOW);
    let times = race_hooks(options, &session, &module)?;
    results.write("host-calls.csv", &times.to_csv())?;
    let bases = [NO_HOOK, BASE].map(|base| times.mode(base).context("the race has no base"));
    let [no_hook, empty_hook] = bases;
    let (no_hook, empty_hook) = (no_hook?, empty_hook?);
    let _ = writeln!(body, "\n{} rounds of {} calls\n", times.rounds.len(), options.calls);
    let _ = writeln!(
        body,
        "| mode | ns a call | over no hook, ns a call | over an empty hook, ns a call |\n|---|---|---|---|"
    );
    let mut met = true;
    for (mode, name) in times.modes.iter().enumerate() {
        let nanos = |of: &dyn Fn(&[Duration]) -> f64| -> Result<Estimate> {
            let rounds: Vec<f64> =
                times.rounds.iter().map(|round| of(round) * 1e9 / f64::from(options.calls)).collect();
            median(&rounds).context("too few rounds")
        };
        let took = nanos(&|round| round[mode].as_secs_f64())?;
        let over = |base: usize| nanos(&|round| round[mode].as_secs_f64() - round[base].as_secs_f64());
        let (over_none, over_empty) = (over(no_hook)?, over(empty_hook)?);
        let _ = writeln!(body, "| {name} | {:.1} | {over_none:.1} | {over_empty:.1} |", took.value);
        met &= match name.as_str() {
            ON => over_none.high <= TARGET_ON,
            OFF => over_empty.high <= TARGET_OFF,
            _ => true,
        };
    }
    body.push_str(TRUTH);
    let _ = writeln!(body, "\n| takes ns | calls | counted | recorded total, difference in % | in ns a call |");
    let _ = writeln!(body, "|---|---|---|---|---|");
    for (steps, calls) in CHECKED {
        met &= check(&session, &module, steps, calls, &mut body)?;
    }
    let _ = writeln!(body, "\n{}", if met { "The targets are met." } else { "A target is **missed**." });
    results.summarize("host-calls.md", "What counting and timing a host call costs", &body)?;
    Ok(met)
}

fn race_hooks(options: &Options, session: &ProfileSession, module: &Module) -> Result<RaceTimes> {
    let caller = |store| Caller::new(module, store, || {});
    let plain_store = |engine: &Engine| Store::new(engine, ());
    let mut plain = caller(plain_store(module.engine()))?;
    let mut store = plain_store(module.engine());
    store.call_hook(|_, _| Ok(()));
    let mut hooked = caller(store)?;
    let mut off = caller(session.new_store(()))?;
    let mut counted = caller(session.new_store(()))?;
    let mut on = caller(session.new_store(()))?;
    let calls = options.calls;
    let recording = |waits| SamplerConfig { rate_hz: 1, waits, ..SamplerConfig::default() };
    let mut modes = vec![
        Mode::new(NO_HOOK, |watch: &mut Stopwatch| watch.measure(|| plain.call(calls))),
        Mode::new(BASE, |watch: &mut Stopwatch| watch.measure(|| hooked.call(calls))),
        Mode::new(OFF, |watch: &mut Stopwatch| watch.measure(|| off.call(calls))),
        Mode::new("counted and timed", |watch: &mut Stopwatch| {
            let recorder = session.record(recording(false))?;
            watch.measure(|| counted.call(calls))?;
            drop(recorder.stop()?);
            Ok(())
        }),
        Mode::new(ON, |watch: &mut Stopwatch| {
            let recorder = session.record(recording(true))?;
            watch.measure(|| on.call(calls))?;
            drop(recorder.stop()?);
            Ok(())
        }),
    ];
    race(&mut modes, options.rounds, |round| eprint!("\rround {round} of {} ", options.rounds)).inspect(|_| eprintln!())
}

/// Holds the recorded count and total of calls against what they take without a hook.
fn check(session: &ProfileSession, module: &Module, steps: u32, calls: u32, body: &mut String) -> Result<bool> {
    let work = move || {
        for step in 0..steps {
            std::hint::black_box(step);
        }
    };
    let mut empty = Caller::new(module, Store::new(module.engine(), ()), || {})?;
    let mut plain = Caller::new(module, Store::new(module.engine(), ()), work)?;
    let mut recorded = Caller::new(module, session.new_store(()), work)?;
    let (mut counted, mut truths, mut excesses, mut differences) = (0, Vec::new(), Vec::new(), Vec::new());
    let of_round = calls / CHECK_ROUNDS;
    for _ in 0..CHECK_ROUNDS {
        let wall = |caller: &mut Caller| -> Result<Duration> {
            let began = Instant::now();
            caller.call(of_round)?;
            Ok(began.elapsed())
        };
        let around = wall(&mut empty)?;
        let truth = wall(&mut plain)?.saturating_sub(around).as_secs_f64();
        let recorder = session.record(SamplerConfig { rate_hz: 1, ..SamplerConfig::default() })?;
        recorded.call(of_round)?;
        let recording = recorder.stop()?;
        ensure!(recording.host_calls.len() == 1, "{:?}", recording.host_calls);
        counted += recording.host_calls[0].count;
        let excess = recording.host_calls[0].total.as_secs_f64() - truth;
        truths.push(truth * 1e9 / f64::from(of_round));
        excesses.push(excess * 1e9 / f64::from(of_round));
        differences.push(excess / truth * 100.0);
    }
    let of = |values: &[f64]| median(values).context("too few rounds");
    let (truth, excess, difference) = (of(&truths)?, of(&excesses)?, of(&differences)?);
    let _ = writeln!(body, "| {:.1} | {calls} | {counted} | {difference:.2} | {excess:.1} |", truth.value,);
    Ok(counted == u64::from(of_round * CHECK_ROUNDS) && difference.value.abs() <= TARGET_TIMES)
}
