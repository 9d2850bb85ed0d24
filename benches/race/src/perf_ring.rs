//! `perf-ring`: the kernel's own ring of samples against our signal engine, in cost and in what their stacks hold.

use std::cell::Cell;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use wasmscope::Guest;
use wasmscope_testkit::cpu_clock::Stopwatch;
use wasmscope_testkit::guests::{example_guest, test_guest};
use wasmscope_testkit::race::{Mode, RaceTimes, race};

use crate::cost_modes::Wasmscope;
use crate::perf_event::PerfRing;
use crate::results::Results;
use crate::ring_stacks;

const RATES_HZ: [u32; 3] = [99, 997, 4999];
const ENGINES: [&str; 2] = ["signal", "ring"];
const ALONE: &str = "alone";

/// Options of `perf-ring`.
#[derive(Parser, Debug)]
pub struct Options {
    /// How many rounds are kept.
    #[arg(long, default_value_t = 21)]
    rounds: usize,
}

const HOW: &str = "Both sample the guest's thread by the kernel's task clock, in system calls as well. The signal engine is \
    wasmscope as it is: a signal, and a handler that walks the stack. For the ring the kernel walks the stack by frame \
    pointers and writes it into memory that another thread reads every 5 ms; no signal is sent.\n";

const HOW_COST: &str = "CPU time of the guest's thread, every mode in every round, in rotated order, the same code in each. What other \
    threads do with the samples is not in it. Costs are medians over rounds with their 95 % bounds; the slope over the \
    rates is what one sample costs, the mean over rounds with 95 % bounds by Student's t. The signal engine counts and times \
    host calls besides, which the ring does not: in hostcalls.wasm that is most of its cost at the low rates, and none \
    of its slope.\n";

/// Races and compares; there is no target.
pub fn run(options: &Options, results: &Results) -> Result<bool> {
    let mut body = String::from(HOW);
    if let Err(error) = PerfRing::start(1_000_000) {
        let _ = writeln!(body, "\nThis kernel does not let us sample into a ring: {error}.");
    } else {
        cost(options, results, &mut body)?;
        ring_stacks::compare(&mut body)?;
        body.push_str(CONCLUSION);
    }
    results.summarize("perf-ring.md", "The kernel's ring against our signal engine", &body)?;
    Ok(true)
}

/// What all runs of one mode add up to.
#[derive(Default)]
struct Taken {
    samples: Cell<u64>,
    cpu: Cell<Duration>,
}

impl Taken {
    fn add(&self, samples: u64, cpu: Duration) {
        self.samples.set(self.samples.get() + samples);
        self.cpu.set(self.cpu.get() + cpu);
    }
}

fn cost(options: &Options, results: &Results, body: &mut String) -> Result<()> {
    let _ = writeln!(body, "\n## Cost\n\n{HOW_COST}\n{} rounds\n", options.rounds);
    let _ = writeln!(body, "| guest | mode | samples a CPU second | cost % |\n|---|---|---|---|");
    let mut slopes = String::from("\n| guest | µs a sample, signal | µs a sample, ring |\n|---|---|---|\n");
    for (path, arg) in [(example_guest("split.wasm"), "6000"), (test_guest("hostcalls.wasm"), "60000")] {
        let guest = Guest::load(&path)?;
        let (times, taken) = race_engines(&guest, arg, options.rounds)?;
        results.write(&format!("perf-ring-{}.csv", guest.name().trim_end_matches(".wasm")), &times.to_csv())?;
        let base = times.mode(ALONE).context("the race has no base")?;
        for (mode, taken) in (base + 1..).zip(&taken) {
            let hz = taken.samples.get() as f64 / taken.cpu.get().as_secs_f64();
            let cost = times.cost(mode, base).context("too few rounds")?.scaled(100.0);
            let _ = writeln!(body, "| {} {arg} | {} | {hz:.0} | {cost:.2} |", guest.name(), times.modes[mode]);
        }
        let slope = |engine| {
            let rate = |rate: &u32| Some((times.mode(&format!("{engine} {rate}"))?, f64::from(*rate)));
            let rates: Vec<_> = RATES_HZ.iter().filter_map(rate).collect();
            times.slope(&rates, base).context("a slope needs two rounds")
        };
        let [signal, ring] = [slope("signal")?.scaled(1e6), slope("ring")?.scaled(1e6)];
        let _ = writeln!(slopes, "| {} {arg} | {signal:.2} | {ring:.2} |", guest.name());
    }
    body.push_str(&slopes);
    Ok(())
}

/// Races a guest alone and under each engine at each rate; returns the times, and for each mode but the first what it took.
fn race_engines(guest: &Guest, arg: &str, rounds: usize) -> Result<(RaceTimes, Vec<Taken>)> {
    let (wasmscope, args) = (&Wasmscope::new(guest)?, &[arg.to_owned()]);
    let under: Vec<_> = RATES_HZ.iter().flat_map(|&rate| ENGINES.map(|engine| (engine, rate))).collect();
    let taken: Vec<_> = under.iter().map(|_| Taken::default()).collect();
    let mut modes = vec![Mode::new(ALONE, |watch: &mut Stopwatch| wasmscope.run(args, 0, watch))];
    for (&(engine, rate), taken) in under.iter().zip(&taken) {
        modes.push(Mode::new(format!("{engine} {rate}"), move |watch: &mut Stopwatch| {
            let mut samples = 0;
            if engine == "ring" {
                with_ring(rate, |_| samples += 1, || wasmscope.run(args, 0, watch))?;
            } else {
                let before = wasmscope.samples.load(Ordering::Relaxed);
                wasmscope.run(args, rate, watch)?;
                samples = wasmscope.samples.load(Ordering::Relaxed) - before;
            }
            taken.add(samples, watch.measured());
            Ok(())
        }));
    }
    let times = race(&mut modes, rounds, |round| eprint!("\rround {round} of {rounds} "))?;
    eprintln!();
    drop(modes);
    Ok((times, taken))
}

/// Runs `work` on this thread while a ring samples it, and another thread reads the ring; returns how many samples the ring
/// had no room for.
pub fn with_ring(rate_hz: u32, take: impl FnMut(&[u64]) + Send, work: impl FnOnce() -> Result<()>) -> Result<u64> {
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

const CONCLUSION: &str = "\n## Conclusion\n\nThe ring saves what it costs to deliver a signal: two fifths of the cost of a sample, and shares of guest code \
    are as right. What it loses is what wasmscope is for: host code keeps no frame pointers, so most samples in host calls have no \
    guest to count for; stacks deeper than the kernel's limit lose their entry; and its samples carry no store, request or \
    trace. The signal engine stays the only one of its kind. A ring would be worth a second look for guests that hardly call \
    the host, at rates of thousands a second.\n";
