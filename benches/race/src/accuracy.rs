//! `accuracy`: whether recordings tell the truth, over more samples than a test may take.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use wasmscope::{Guest, ProfileSession, SamplerConfig};
use wasmscope_model::{Event, Recording};
use wasmscope_profiler::export::{function_totals, write_folded, write_pprof, write_svg};
use wasmscope_profiler::import::read_pprof;
use wasmscope_testkit::edges::{StackCheck, StackReport};
use wasmscope_testkit::guests::{Counts, example_guest, fetched_guest, test_guest};
use wasmscope_testkit::shares::Shares;

use crate::command::Command;
use crate::results::Results;

const RATE_HZ: u32 = 9973;
const PARTS: [&str; 3] = ["seventy", "twenty", "ten"];
const MAX_ERROR: f64 = 0.01;
const MIN_ROOTED: f64 = 0.999;

/// Options of `accuracy`.
#[derive(Parser, Debug)]
pub struct Options {
    /// Samples over all guests.
    #[arg(long, default_value_t = 1_000_000)]
    samples: u64,

    /// Samples of `fib`.
    #[arg(long, default_value_t = 100_000)]
    fib_samples: u64,
}

/// A guest in a session of its own.
struct Sampled {
    guest: Guest,
    session: ProfileSession,
    command: Command,
    args: Vec<String>,
}

impl Sampled {
    fn new(path: PathBuf, args: &[&str]) -> Result<Self> {
        let guest = Guest::load(&path)?;
        let session = ProfileSession::builder().build()?;
        let command = Command::load(&session, &guest)?;
        Ok(Self { guest, session, command, args: args.iter().map(|&arg| arg.to_owned()).collect() })
    }

    /// Runs the guest until there are enough samples; returns the recording and what the last run printed.
    fn record(&self, samples: u64) -> Result<(Recording, String)> {
        let recorder = self.session.record(SamplerConfig { rate_hz: RATE_HZ, ..SamplerConfig::default() })?;
        loop {
            let mut ready = self.command.prepare(&self.args, |context| self.session.new_store(context))?;
            ready.call()?;
            let counters = recorder.counters();
            let taken = counters.iter().find(|counter| counter.name == "samples").map_or(0, |counter| counter.value);
            if taken >= samples {
                return Ok((recorder.stop()?, ready.printed()));
            }
        }
    }

    fn check(&self, recording: &Recording) -> StackReport {
        let mut check = StackCheck::new();
        for image in self.guest.modules() {
            check.add_module(image, &["_start", "_initialize"]);
        }
        check.check(&recording.profile);
        check.report().clone()
    }
}

/// Takes all figures; tells whether each meets its target.
pub fn run(options: &Options, results: &Results) -> Result<bool> {
    let mut body = format!("Sampled at {RATE_HZ} Hz of CPU time.\n");
    let met = [split(&mut body)?, fib(options.fib_samples, &mut body)?, edges(options.samples, &mut body)?];
    let met = met.into_iter().all(|met| met);
    let _ = writeln!(body, "\n{}", if met { "Every target is met." } else { "A target is **missed**." });
    results.summarize("accuracy.md", "Whether recordings tell the truth", &body)?;
    Ok(met)
}

fn totals(recording: &Recording) -> Shares {
    let name = |function: wasmscope_model::FunctionId| recording.profile.functions[function.0 as usize].name.clone();
    let totals = function_totals(recording, Event::Cpu).into_iter().map(|total| (name(total.function), total.total));
    Shares::from_counts(recording.total_count(Event::Cpu), totals)
}

/// Checks that the split of 70/20/10 shows in each output.
fn split(body: &mut String) -> Result<bool> {
    let guest = Sampled::new(example_guest("split.wasm"), &["30000"])?;
    let (recording, printed) = guest.record(100_000)?;
    let (mut pprof, mut folded, mut svg) = (Vec::new(), Vec::new(), Vec::new());
    write_pprof(&recording, &mut pprof)?;
    write_folded(&recording, Event::Cpu, &mut folded)?;
    write_svg(&recording, Event::Cpu, "split", &mut svg)?;
    let outputs = [
        ("table", totals(&recording)),
        ("pprof", totals(&read_pprof(&pprof)?)),
        ("folded", Shares::from_folded(std::str::from_utf8(&folded)?)),
        ("svg", Shares::from_svg(std::str::from_utf8(&svg)?)),
    ];
    let counts = Counts::parse(&printed);
    let _ = writeln!(body, "\n## split.wasm, {} samples\n", recording.total_count(Event::Cpu));
    let _ = writeln!(body, "| output | {} |\n|---|---|---|---|", PARTS.map(|part| format!("{part} %")).join(" | "));
    let truth = PARTS.map(|part| format!("{:.2}", counts.share(part, &PARTS) * 100.0));
    let _ = writeln!(body, "| counted by the guest | {} |", truth.join(" | "));
    let mut met = true;
    for (output, shares) in outputs {
        let seen = PARTS.map(|part| format!("{:.2}", shares.of(part) * 100.0));
        let _ = writeln!(body, "| {output} | {} |", seen.join(" | "));
        met &= PARTS.iter().all(|part| (shares.of(part) - counts.share(part, &PARTS)).abs() < MAX_ERROR);
    }
    Ok(met)
}

/// Counts samples of `fib` that lack a caller.
fn fib(samples: u64, body: &mut String) -> Result<bool> {
    let guest = Sampled::new(test_guest("fib.wasm"), &["36"])?;
    let (recording, _) = guest.record(samples)?;
    let (mut lost, mut in_fib) = (0, 0);
    for row in recording.rows(Event::Cpu) {
        let names = recording.stack(row.stack).rev().filter_map(|location| location.lines.last());
        let names: Vec<&str> =
            names.map(|line| recording.profile.functions[line.function.0 as usize].name.as_str()).collect();
        let Some(first) = names.iter().position(|name| *name == "fib") else { continue };
        in_fib += row.count;
        let chain = names[first..].iter().all(|name| *name == "fib");
        lost += if chain && first > 0 && names[first - 1] == "run" { 0 } else { row.count };
    }
    let report = guest.check(&recording);
    let _ = writeln!(
        body,
        "\n## fib.wasm\n\n{in_fib} samples in fib, **{lost} with a lost caller**; {} impossible edges.",
        report.impossible_edges()
    );
    Ok(lost == 0 && report.impossible_edges() == 0 && in_fib > samples / 2)
}

fn guests() -> Result<Vec<Sampled>> {
    let python = "import json\nrows = [{'id': n, 'name': 'n%d' % n} for n in range(2000)]\n\
        for _ in range(20): rows = json.loads(json.dumps(rows))";
    let checked_in: [(PathBuf, &[&str]); 8] = [
        (example_guest("split.wasm"), &["20000"]),
        (example_guest("orders.wasm"), &[]),
        (test_guest("fib.wasm"), &["36"]),
        (test_guest("c-dwarf5.wasm"), &["500"]),
        (test_guest("cpp-clang.wasm"), &["8000"]),
        (test_guest("cpp-zig.wasm"), &["8000"]),
        (test_guest("hostcalls.wasm"), &["400000"]),
        (test_guest("as.wasm"), &[]),
    ];
    let fetched: [(&str, &[&str]); 3] =
        [("sqlite.wasm", &["60"]), ("go-cmd.wasm", &["60"]), ("python-3.12.0.wasm", &["-c", python])];
    let fetched = fetched.into_iter().filter_map(|(name, args)| Some((fetched_guest(name)?, args)));
    checked_in.into_iter().chain(fetched).map(|(path, args)| Sampled::new(path, args)).collect()
}

/// Holds every stack of every guest against the guest's own code.
fn edges(samples: u64, body: &mut String) -> Result<bool> {
    let guests = guests()?;
    let each = samples.div_ceil(guests.len() as u64);
    let _ = writeln!(body, "\n## Edges and roots\n");
    let _ = writeln!(body, "| guest | samples | edges | impossible | rooted | marked | neither | no guest frame |");
    let _ = writeln!(body, "|---|---|---|---|---|---|---|---|");
    let (mut met, mut all) = (true, StackReport::default());
    for guest in &guests {
        let (recording, _) = guest.record(each)?;
        let report = guest.check(&recording);
        row(body, guest.guest.name(), &report);
        for (edge, count) in report.impossible.iter().chain(&report.unrooted) {
            println!("{}: {count} at {edge}", guest.guest.name());
        }
        met &= report.impossible_edges() == 0 && report.rooted_share() >= MIN_ROOTED;
        add(&mut all, &report);
    }
    row(body, "**all**", &all);
    let share = all.rooted_share() * 100.0;
    let _ = writeln!(body, "\n{share:.4} % of the samples with guest frames are rooted or marked.");
    Ok(met && all.samples >= samples)
}

fn row(body: &mut String, guest: &str, report: &StackReport) {
    let StackReport { samples, edges, rooted, marked, without_guest, .. } = report;
    let (impossible, neither) = (report.impossible_edges(), report.unrooted.values().sum::<u64>());
    let _ = writeln!(
        body,
        "| {guest} | {samples} | {edges} | {impossible} | {rooted} | {marked} | {neither} | {without_guest} |"
    );
}

fn add(all: &mut StackReport, report: &StackReport) {
    all.samples += report.samples;
    all.edges += report.edges;
    all.rooted += report.rooted;
    all.marked += report.marked;
    all.without_guest += report.without_guest;
    for (edge, count) in &report.impossible {
        *all.impossible.entry(edge.clone()).or_default() += count;
    }
    for (root, count) in &report.unrooted {
        *all.unrooted.entry(root.clone()).or_default() += count;
    }
}
