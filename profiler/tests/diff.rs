//! Comparisons of recordings whose truth is known: drawn at random from shares that are the same, or that differ.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]

use wasmscope_model::{
    Event, Function, FunctionId, Line, Location, LocationId, Place, Profile, Recording, SampleRow, StackTable,
};
use wasmscope_profiler::diff::{Comparison, DiffLayout, Scale, Verdict, write_diff_svg, write_diff_table};

const PERIOD: u64 = 1_000_000;

/// Shares of 40 functions: a few large ones, many small ones.
fn shares() -> Vec<f64> {
    let raw: Vec<f64> = (1..=40).map(|rank| 1.0 / f64::from(rank)).collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|share| share / sum).collect()
}

/// Makes a recording in which function `i`, called by `main`, has `counts[i]` samples.
fn recording(counts: &[u64]) -> Recording {
    let names = std::iter::once("main".to_owned()).chain((0..counts.len()).map(|index| format!("f{index}")));
    let function = |name: String| Function { system_name: name.clone(), name, file: "src/f.c".into(), start_line: 1 };
    let functions: Vec<Function> = names.map(function).collect();
    let location = |index| {
        let line = Line { function: FunctionId(index), line: 3, column: 0 };
        Location { place: Place::Unknown, origin: None, lines: vec![line] }
    };
    let locations = (0..).take(functions.len()).map(location).collect();
    let mut stacks = StackTable::with_max_stacks(1000);
    let samples = (1..).zip(counts).map(|(index, count)| SampleRow {
        stack: stacks.intern(&[LocationId(index), LocationId(0)]).unwrap(),
        event: Event::Cpu,
        count: *count,
        amount: count * PERIOD,
    });
    let samples = samples.collect();
    let profile = Profile { modules: Vec::new(), functions, locations, stacks, samples, period_nanos: PERIOD };
    let (host_calls, losses) = (Vec::new(), Default::default());
    Recording {
        profile,
        host_calls,
        timeline: None,
        requests: None,
        losses,
        run: None,
        started: None,
        notes: Vec::new(),
    }
}

/// A small generator with a seed, so that a failure can be seen again: xorshift64*.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// Draws samples of functions that cost `costs`, each run to run as much as real ones.
    fn draw(&mut self, samples: usize, costs: &[f64]) -> Recording {
        let costs: Vec<f64> = costs.iter().map(|cost| cost * (1.0 + 0.005 * self.normal())).collect();
        let all: f64 = costs.iter().sum();
        let mut counts = vec![0; costs.len()];
        for _ in 0..samples {
            let mut left = self.uniform() * all;
            let found = costs.iter().position(|cost| {
                left -= cost;
                left < 0.0
            });
            counts[found.unwrap_or(0)] += 1;
        }
        recording(&counts)
    }
}

fn compared(before: &Recording, after: &Recording) -> Comparison {
    Comparison::of(before, after, Event::Cpu, Scale::Typical)
}

#[test]
fn the_same_program_never_regresses_in_a_hundred_comparisons_of_any_length() {
    let shares = shares();
    let mut random = Random(20_261_126);
    for samples in [100, 1_000, 20_000] {
        for round in 0..100 {
            let (before, after) = (random.draw(samples, &shares), random.draw(samples * 3 / 2, &shares));
            let comparison = compared(&before, &after);
            assert_eq!(comparison.regressions(0.05), [], "round {round} of {samples}");
        }
    }
}

#[test]
fn a_function_that_costs_a_tenth_more_regresses_in_a_hundred_of_a_hundred_and_no_other_does() {
    let shares = shares();
    let mut slower = shares.clone();
    slower[0] *= 1.1;
    let mut random = Random(7);
    for round in 0..100 {
        let (before, after) = (random.draw(120_000, &shares), random.draw(120_000, &slower));
        let comparison = compared(&before, &after);
        let found: Vec<_> = comparison.regressions(0.05).iter().map(|found| (found.name, found.what)).collect();
        assert_eq!(found, [("f0", "self"), ("f0", "total")], "round {round}: {:?}", comparison.functions[0]);
    }
}

#[test]
fn the_numbers_of_a_comparison_are_those_of_the_recordings() {
    let before = recording(&[400, 300, 200, 100, 0]);
    let after = recording(&[400, 600, 200, 0, 50]);
    let comparison = Comparison::of(&before, &after, Event::Cpu, Scale::Absolute);
    let all = comparison.all;
    assert_eq!((all.before, all.after, all.samples_before, all.samples_after), (1e9, 1.25e9, 1000.0, 1250.0));
    let of = |name: &str| comparison.functions.iter().find(|function| function.name == name).unwrap();
    assert_eq!((of("f1").own.growth(), of("f1").own.verdict), (Some(1.0), Verdict::More));
    assert_eq!((of("f0").own.growth(), of("f0").own.verdict), (Some(0.0), Verdict::Noise));
    assert_eq!((of("f3").own.growth(), of("f3").own.verdict), (Some(-1.0), Verdict::Less));
    assert_eq!((of("f4").own.growth(), of("f4").own.verdict), (None, Verdict::More));
    assert_eq!((of("main").own.before, of("main").total.growth()), (0.0, Some(0.25)));
    let names: Vec<_> =
        comparison.regressions(0.05).iter().map(|found| (found.name, found.what, found.growth)).collect();
    // What is new is measured by the whole: 50 of 1000.
    let expected = [("", "everything", 0.25), ("f1", "self", 1.0), ("f1", "total", 1.0), ("main", "total", 0.25)];
    assert_eq!(names, expected);
    let first: Vec<_> = comparison.stacks[0].frames.iter().map(|name| &**name).collect();
    assert_eq!(first, ["main", "f1"]);
    // Of shares, what everything else lost is gained by all that stayed.
    let shared = Comparison::of(&before, &after, Event::Cpu, Scale::Share);
    assert_eq!((shared.pace.factor, shared.all.difference()), (1.25, 0.0));
}

#[test]
fn functions_are_the_same_by_name_and_by_file_only_where_a_name_has_two() {
    let mut after = recording(&[400, 300, 300]);
    after.profile.functions.iter_mut().for_each(|function| function.file = "/other/folder/g.c".into());
    let comparison = compared(&recording(&[400, 300, 300]), &after);
    assert_eq!(comparison.functions.len(), 4, "{:?}", comparison.functions);
    let twice = |mut recording: Recording| {
        recording.profile.functions[2] =
            Function { file: "src/other.c".into(), ..recording.profile.functions[1].clone() };
        recording
    };
    let comparison = compared(&twice(recording(&[400, 300, 300])), &twice(recording(&[400, 900, 300])));
    let of_f0 = comparison.functions.iter().filter(|function| function.name == "f0");
    let of_f0: Vec<_> = of_f0.map(|function| (function.file.as_str(), function.own.verdict)).collect();
    assert_eq!(of_f0, [("other.c", Verdict::More), ("f.c", Verdict::Noise)]);
}

#[test]
fn a_file_that_does_not_tell_its_samples_shows_no_change() {
    let without_counts = |counts: &[u64]| {
        let mut recording = recording(counts);
        recording.profile.period_nanos = 0;
        recording.profile.samples.iter_mut().for_each(|row| row.count = row.amount);
        recording
    };
    let comparison = compared(&without_counts(&[100, 100, 100]), &without_counts(&[100, 100, 900]));
    assert!(!comparison.counts_known);
    assert!(comparison.functions.iter().all(|function| function.own.verdict == Verdict::Noise));
    let mut table = Vec::new();
    write_diff_table(&comparison, DiffLayout { rows: 5, columns: 100, stacks: false }, &mut table).unwrap();
    assert!(String::from_utf8(table).unwrap().contains("nothing can be told from chance"));
}

#[test]
fn the_picture_has_the_second_recording_s_widths_and_no_script_of_a_name() {
    let mut after = recording(&[400, 600]);
    after.profile.functions[1].name = "<script>;\u{1b}[31m\nx 12".into();
    let comparison = compared(&recording(&[400, 300]), &after);
    let mut svg = Vec::new();
    write_diff_svg(&comparison, "a\u{1b} against b", &mut svg).unwrap();
    let svg = String::from_utf8(svg).unwrap();
    assert!(svg.contains("main (1,000,000 µs, 100.00%"), "{svg}");
    assert!(svg.contains("f1 (600,000 µs, 60.00%"));
    assert!(!svg.contains("<script>;") && !svg.contains('\u{1b}'));
    let empty = compared(&recording(&[1]), &recording(&[0]));
    assert!(write_diff_svg(&empty, "t", Vec::new()).is_err());
}
