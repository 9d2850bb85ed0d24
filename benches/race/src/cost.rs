//! `cost`: the race.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result};
use clap::Parser;
use wasmscope::Guest;
use wasmscope_testkit::cpu_clock::Stopwatch;
use wasmscope_testkit::guests::{example_guest, fetched_guest, test_guest};
use wasmscope_testkit::race::{Mode, RaceTimes, race};
use wasmscope_testkit::statistics::Estimate;

use crate::cost_modes::{Alone, UnderGuestProfiler, Wasmscope};
use crate::results::Results;

/// The rate at which the target is stated.
const TARGET_RATE_HZ: f64 = 99.0;
const TARGET_COST: f64 = 0.005;
const RATES_HZ: [u32; 5] = [0, 99, 997, 4999, 9973];
const GUEST_PROFILER_RATES_HZ: [u32; 2] = [99, 997];
const ALONE: &str = "alone";

/// Options of `cost`.
#[derive(Parser, Debug)]
pub struct Options {
    /// How many rounds are kept.
    #[arg(long, default_value_t = 21)]
    rounds: usize,

    /// Race only guests whose name contains this.
    #[arg(long, value_name = "NAME")]
    guest: Option<String>,
}

/// A guest, with arguments that make it run for about a quarter of a second.
struct Runner {
    kind: &'static str,
    path: PathBuf,
    args: Vec<String>,
}

fn runners() -> Vec<Runner> {
    let runner = |kind, path, args: &[&str]| Runner { kind, path, args: args.iter().map(|&arg| arg.into()).collect() };
    vec![
        runner("loops", example_guest("split.wasm"), &["6000"]),
        runner("calls", test_guest("fib.wasm"), &["37"]),
        match fetched_guest("sqlite.wasm") {
            Some(path) => runner("a real program", path, &["30"]),
            None => runner("a real program", example_guest("orders.wasm"), &[]),
        },
    ]
}

/// Races the guests; tells whether the target is met for each.
pub fn run(options: &Options, results: &Results) -> Result<bool> {
    let mut body = String::from(HOW);
    let mut met = true;
    for runner in runners() {
        let guest = Guest::load(&runner.path)?;
        if options.guest.as_ref().is_some_and(|wanted| !guest.name().contains(wanted)) {
            continue;
        }
        let wasmscope = Wasmscope::new(&guest)?;
        let times = race_guest(&runner, &guest, &wasmscope, options.rounds)?;
        results.write(&format!("cost-{}.csv", guest.name().trim_end_matches(".wasm")), &times.to_csv())?;
        met &= describe(&runner, &guest, &times, &wasmscope, &mut body)?;
    }
    let _ = writeln!(body, "\n{}", if met { "The target is met." } else { "The target is **missed**." });
    results.summarize("cost.md", "What sampling costs", &body)?;
    Ok(met)
}

const HOW: &str = "CPU time of the guest's thread around the guest's call, every mode in every round, in rotated order. \
    A mode is compared with `alone` (plain wasmtime) of the same round: median over rounds, in brackets the 95 % bounds of \
    the median. `cost per sample` is the slope, over the rates, of the part of the CPU time that is not the guest's: a \
    least-squares line for each round, then the mean over rounds and its 95 % bounds by Student's t. Raw times in \
    microseconds are in the CSV files. The target: slope × 99 Hz at most 0.5 % at its upper bound.\n";

fn wasmscope_mode(rate_hz: u32) -> String {
    format!("wasmscope {rate_hz} Hz")
}

fn race_guest(runner: &Runner, guest: &Guest, wasmscope: &Wasmscope, rounds: usize) -> Result<RaceTimes> {
    let (alone, profiler) = (Alone::new(guest)?, UnderGuestProfiler::new(guest)?);
    let args = &runner.args;
    let mut modes = vec![Mode::new(ALONE, |watch: &mut Stopwatch| alone.run(args, watch))];
    for rate in RATES_HZ {
        modes.push(Mode::new(wasmscope_mode(rate), move |watch: &mut Stopwatch| wasmscope.run(args, rate, watch)));
    }
    let profiler = &profiler;
    for rate in GUEST_PROFILER_RATES_HZ {
        let name = format!("guest profiler {rate} Hz");
        modes.push(Mode::new(name, move |watch: &mut Stopwatch| profiler.run(args, rate, watch)));
    }
    race(&mut modes, rounds, |round| eprint!("\r{}: round {round} of {rounds} ", guest.name())).inspect(|_| eprintln!())
}

fn percent(estimate: Estimate) -> String {
    format!("{:.2}", estimate.scaled(100.0))
}

fn describe(
    runner: &Runner,
    guest: &Guest,
    times: &RaceTimes,
    wasmscope: &Wasmscope,
    body: &mut String,
) -> Result<bool> {
    let base = times.mode(ALONE).context("the race has no base")?;
    let (kind, rounds, args) = (runner.kind, times.rounds.len(), runner.args.join(" "));
    // Writing to a String does not fail.
    let _ = writeln!(body, "\n## {} {args} ({kind}), {rounds} rounds\n", guest.name());
    let _ = writeln!(body, "| mode | median ms | cost over alone, % |\n|---|---|---|");
    for (mode, name) in times.modes.iter().enumerate() {
        let mut millis: Vec<f64> = times.rounds.iter().map(|round| round[mode].as_secs_f64() * 1e3).collect();
        millis.sort_by(f64::total_cmp);
        let cost = times.cost(mode, base).map_or_else(|| "too few rounds".to_owned(), percent);
        let _ = writeln!(body, "| {name} | {:.1} | {} |", millis[rounds / 2], if mode == base { "-" } else { &cost });
    }
    let rates = RATES_HZ.iter().filter_map(|rate| Some((times.mode(&wasmscope_mode(*rate))?, f64::from(*rate))));
    let slope = times.slope(&rates.collect::<Vec<_>>(), base).context("a slope needs two rounds")?;
    let at_target = slope.scaled(TARGET_RATE_HZ);
    let samples = wasmscope.samples.load(Ordering::Relaxed);
    let drain = wasmscope.drain_nanos.load(Ordering::Relaxed) as f64 / 1e3 / samples.max(1) as f64;
    let _ = writeln!(body, "\ncost per sample: {:.2} µs on the guest's thread", slope.scaled(1e6));
    let _ = writeln!(body, "slope × {TARGET_RATE_HZ} Hz: **{} %**", format_args!("{:.3}", at_target.scaled(100.0)));
    let _ =
        writeln!(body, "besides, on the thread that drains: {drain:.2} µs a sample over all rates ({samples} samples)");
    Ok(at_target.high <= TARGET_COST)
}
