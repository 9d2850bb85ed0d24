//! The same totals in each output, over random recordings.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use wasmscope_model::{Event, LineOrigin, LocationId, Marker, PcKind, Recording};
use wasmscope_profiler::export::{TableLayout, function_totals, write_folded, write_pprof, write_svg, write_table};
use wasmscope_profiler::import::read_pprof;

use super::handmade::Builder;
use super::round_trip::decoded_by_crate_pprof;

/// Self and total by name.
type Totals = BTreeMap<String, (u64, u64)>;

/// The sum of all samples, and the totals.
type Seen = (u64, Totals);

/// Which locations a stack consists of, and how often it was seen.
type RandomStack = (Vec<usize>, u64);

/// Locations as chains of function numbers, and stacks of them. Counts are such that no frame of the flame graph is
/// too narrow to be drawn.
fn recordings() -> impl Strategy<Value = Recording> {
    let chains = prop::collection::vec(prop::collection::vec(0..12usize, 1..4), 1..12);
    let stacks = prop::collection::vec((prop::collection::vec(0..100usize, 1..12), 1..40u64), 1..20);
    (chains, stacks, any::<bool>()).prop_map(|(chains, stacks, marked)| build(&chains, &stacks, marked))
}

fn build(chains: &[Vec<usize>], stacks: &[RandomStack], marked: bool) -> Recording {
    let mut builder = Builder::default();
    let mut locations: Vec<LocationId> = Vec::new();
    for (offset, chain) in (0..).zip(chains) {
        let names: Vec<String> = chain.iter().map(|number| format!("f{number}")).collect();
        let chain: Vec<_> = names.iter().zip(1..).map(|(name, line)| (name.as_str(), "a.c", line)).collect();
        locations.push(builder.code(offset, PcKind::Interrupted, LineOrigin::Exact, &chain));
    }
    if marked {
        locations.push(builder.marker(Marker::Truncated));
    }
    for (stack, count) in stacks {
        let stack: Vec<_> = stack.iter().map(|number| locations[number % locations.len()]).collect();
        builder.sample(&stack, *count);
    }
    builder.finish()
}

fn of_recording(recording: &Recording) -> Seen {
    let name = |id: wasmscope_model::FunctionId| recording.profile.functions[id.0 as usize].name.clone();
    let totals = function_totals(recording, Event::Cpu);
    let totals = totals.into_iter().map(|total| (name(total.function), (total.own, total.total)));
    (recording.total_count(Event::Cpu), totals.collect())
}

fn add_stack<'a>(totals: &mut Totals, frames: impl DoubleEndedIterator<Item = &'a str>, count: u64) {
    let mut seen = BTreeSet::new();
    for (depth, frame) in frames.rev().enumerate() {
        let sums = totals.entry(frame.to_owned()).or_default();
        sums.0 += if depth == 0 { count } else { 0 };
        sums.1 += if seen.insert(frame) { count } else { 0 };
    }
}

fn of_folded(recording: &Recording) -> Seen {
    let mut out = Vec::new();
    write_folded(recording, Event::Cpu, &mut out).unwrap();
    let (mut sum, mut totals) = (0, Totals::new());
    for line in String::from_utf8(out).unwrap().lines() {
        let (stack, count) = line.rsplit_once(' ').unwrap();
        let count: u64 = count.parse().unwrap();
        add_stack(&mut totals, stack.split(';').map(|frame| frame.trim_end_matches("_[i]")), count);
        sum += count;
    }
    (sum, totals)
}

fn of_table(recording: &Recording) -> Seen {
    let mut out = Vec::new();
    write_table(recording, &[Event::Cpu], TableLayout { rows: usize::MAX, ..TableLayout::default() }, &mut out)
        .unwrap();
    let text = String::from_utf8(out).unwrap();
    let rows = text.lines().skip(1).take_while(|line| line.contains('%'));
    let totals = rows.map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[4].to_owned(), (words[1].parse().unwrap(), words[3].parse().unwrap()))
    });
    let samples = text.lines().find_map(|line| line.strip_prefix("samples   ")).unwrap();
    (samples.split(' ').next().unwrap().parse().unwrap(), totals.collect())
}

fn of_pprof(file: &[u8]) -> Seen {
    let profile = decoded_by_crate_pprof(file);
    let (mut sum, mut totals) = (0, Totals::new());
    for sample in &profile.sample {
        let locations = sample.location_id.iter().map(|id| &profile.location[*id as usize - 1]);
        let functions = locations.flat_map(|location| &location.line).map(|line| line.function_id);
        let names: Vec<&str> = functions
            .map(|id| profile.string_table[profile.function[id as usize - 1].name as usize].as_str())
            .collect();
        add_stack(&mut totals, names.iter().rev().copied(), sample.value[0] as u64);
        sum += sample.value[0] as u64;
    }
    (sum, totals)
}

/// A frame of a flame graph: its name, and its place in samples from the left and in rows.
struct Drawn {
    name: String,
    from: u64,
    to: u64,
    y: u64,
}

fn drawn(svg: &str) -> Vec<Drawn> {
    let frames = svg.split("<title>").skip(1).map(|frame| {
        let attribute = |name: &str| -> u64 {
            let start = frame.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
            frame[start..].split('"').next().unwrap().parse().unwrap()
        };
        let name = frame.split(['\n', '<']).next().unwrap().to_owned();
        let from = attribute("fg:x");
        Drawn { name, from, to: from + attribute("fg:w"), y: attribute("y") }
    });
    frames.collect()
}

fn of_svg(recording: &Recording) -> Seen {
    let mut out = Vec::new();
    write_svg(recording, Event::Cpu, "t", &mut out).unwrap();
    let frames = drawn(&String::from_utf8(out).unwrap());
    let (mut sum, mut totals) = (0, Totals::new());
    for frame in &frames {
        if frame.name.starts_with("all (") {
            sum = frame.to - frame.from;
            continue;
        }
        let within = |other: &&Drawn| frame.from <= other.from && other.to <= frame.to;
        let children = frames.iter().filter(within).filter(|other| other.y + 16 == frame.y);
        let own = frame.to - frame.from - children.map(|child| child.to - child.from).sum::<u64>();
        let recursive = frames.iter().any(|other| {
            other.name == frame.name && other.y > frame.y && other.from <= frame.from && frame.to <= other.to
        });
        let sums = totals.entry(frame.name.clone()).or_default();
        sums.0 += own;
        sums.1 += if recursive { 0 } else { frame.to - frame.from };
    }
    (sum, totals)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_output_has_the_same_totals(recording in recordings()) {
        let expected = of_recording(&recording);
        let mut file = Vec::new();
        write_pprof(&recording, &mut file).unwrap();
        prop_assert_eq!(&of_table(&recording), &expected, "table");
        prop_assert_eq!(&of_folded(&recording), &expected, "folded");
        prop_assert_eq!(&of_pprof(&file), &expected, "pprof, read by the crate pprof");
        prop_assert_eq!(&of_recording(&read_pprof(&file).unwrap()), &expected, "pprof, read back");
        prop_assert_eq!(&of_svg(&recording), &expected, "svg");
    }
}

#[test]
fn inferno_draws_the_folded_stacks() {
    let mut folded = Vec::new();
    write_folded(&super::handmade::recording(), Event::Cpu, &mut folded).unwrap();
    let folded = String::from_utf8(folded).unwrap();
    let mut svg = Vec::new();
    let mut options = inferno::flamegraph::Options::default();
    inferno::flamegraph::from_lines(&mut options, folded.lines(), &mut svg).unwrap();
    let svg = String::from_utf8(svg).unwrap();
    assert!(svg.contains("<title>all (100 samples, 100%)</title>"));
    assert!(svg.contains("<title>rotate (70 samples, 70.00%)</title>"), "{svg}");
}
