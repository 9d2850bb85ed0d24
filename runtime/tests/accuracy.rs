//! Whether recordings tell the truth about guests that count themselves.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wasi_guest;

use std::path::PathBuf;

use wasi_guest::{WasiGuest, counter, dense, physical_stacks, samples_with};
use wasmscope_model::{Event, Recording};
use wasmscope_profiler::export::{function_totals, write_folded, write_pprof, write_svg};
use wasmscope_profiler::import::read_pprof;
use wasmscope_testkit::edges::StackReport;
use wasmscope_testkit::exclusive::exclusive;
use wasmscope_testkit::guests::{Counts, example_guest, test_guest};
use wasmscope_testkit::shares::Shares;

const PARTS: [&str; 3] = ["seventy", "twenty", "ten"];
/// With so many samples one point is more than four standard deviations of the largest share.
const SPLIT_SAMPLES: u64 = 40_000;
const FIB_SAMPLES: u64 = 20_000;

fn totals(recording: &Recording) -> Shares {
    let name = |total: &wasmscope_profiler::export::FunctionTotal| {
        (recording.profile.functions[total.function.0 as usize].name.clone(), total.total)
    };
    let totals = function_totals(recording, Event::Cpu);
    Shares::from_counts(recording.total_count(Event::Cpu), totals.iter().map(name))
}

fn folded(recording: &Recording) -> Shares {
    let mut text = Vec::new();
    write_folded(recording, Event::Cpu, &mut text).unwrap();
    Shares::from_folded(std::str::from_utf8(&text).unwrap())
}

fn svg(recording: &Recording) -> Shares {
    let mut text = Vec::new();
    write_svg(recording, Event::Cpu, "split", &mut text).unwrap();
    Shares::from_svg(std::str::from_utf8(&text).unwrap())
}

#[test]
fn a_split_of_70_20_10_shows_in_every_output_within_a_point() {
    let _exclusive = exclusive();
    let guest = WasiGuest::load(&example_guest("split.wasm"));
    let (recording, printed) = guest.record(dense(), SPLIT_SAMPLES, &["10000"]);
    let counts = Counts::parse(&printed);

    let mut file = Vec::new();
    write_pprof(&recording, &mut file).unwrap();
    let read_back = read_pprof(&file).unwrap();
    let outputs = [
        ("table", totals(&recording)),
        ("pprof", totals(&read_back)),
        ("folded", folded(&recording)),
        ("svg", svg(&recording)),
        ("svg of the pprof file", svg(&read_back)),
    ];
    for (output, shares) in &outputs {
        assert!(shares.total() >= SPLIT_SAMPLES, "{output} has {} samples", shares.total());
        assert_eq!(shares.total(), outputs[0].1.total(), "{output}");
        for part in PARTS {
            let (seen, truth) = (shares.of(part), counts.share(part, &PARTS));
            assert!((seen - truth).abs() < 0.01, "{output}: {part} has {seen:.4} instead of {truth:.4}");
        }
    }
    assert_eq!(recording.losses.dropped_ring_full, 0);
}

#[test]
fn no_caller_is_lost_where_prologues_and_epilogues_are_most_of_the_time() {
    let _exclusive = exclusive();
    let guest = WasiGuest::load(&test_guest("fib.wasm"));
    let (recording, _) = guest.record(dense(), FIB_SAMPLES, &["32"]);
    let mut in_fib = 0;
    for (stack, count) in physical_stacks(&recording) {
        let frames: Vec<&str> = stack.split(';').collect();
        let Some(first) = frames.iter().position(|frame| *frame == "fib") else { continue };
        assert_eq!(frames[first - 1], "run", "{stack}");
        let fibs = frames[first..].iter().take_while(|frame| **frame == "fib").count();
        // Only glue may be inside: fib calls nothing but itself, and at most as deep as its argument.
        assert!(first + fibs == frames.len() && fibs <= 32, "{stack}");
        in_fib += count;
    }
    assert!(in_fib >= FIB_SAMPLES * 9 / 10, "{in_fib} samples in fib");
    assert_holds("fib.wasm", &guest.check_stacks(&recording, &["_start"]));
}

fn assert_holds(guest: &str, report: &StackReport) {
    assert_eq!(report.impossible_edges(), 0, "{guest}: {:?}", report.impossible);
    assert_eq!(report.unplaced, 0, "{guest}");
    assert!(report.rooted_share() >= 0.999, "{guest}: {:?}", report.unrooted);
}

#[test]
fn every_sampled_edge_is_in_the_guests_own_code_and_every_stack_has_its_root() {
    let _exclusive = exclusive();
    let guests: [(PathBuf, &[&str]); 7] = [
        (example_guest("split.wasm"), &["3000"]),
        (example_guest("orders.wasm"), &[]),
        (test_guest("c-dwarf5.wasm"), &["200"]),
        (test_guest("cpp-clang.wasm"), &["2000"]),
        (test_guest("cpp-zig.wasm"), &["2000"]),
        (test_guest("hostcalls.wasm"), &["100000"]),
        (test_guest("as.wasm"), &[]),
    ];
    for (path, args) in guests {
        let guest = WasiGuest::load(&path);
        let (recording, _) = guest.record(dense(), 4000, args);
        let report = guest.check_stacks(&recording, &["_start"]);
        assert!(report.edges > 3000, "{}: {report:?}", path.display());
        assert_holds(guest.guest().name(), &report);
    }
}

#[test]
fn host_calls_show_as_the_import_under_the_function_that_called_it() {
    let _exclusive = exclusive();
    let guest = WasiGuest::load(&test_guest("hostcalls.wasm"));
    let (recording, printed) = guest.record(dense(), 10_000, &["200000"]);
    let calls = Counts::parse(&printed);
    let pairs = [
        ("read_clock", "wasi_snapshot_preview1.clock_time_get", "clock"),
        ("draw", "wasi_snapshot_preview1.random_get", "random"),
        ("write_nothing", "wasi_snapshot_preview1.fd_write", "write"),
        ("move_block", "memory.copy", "copy"),
        ("move_block", "memory.fill", "fill"),
    ];
    for (caller, import, counted) in pairs {
        assert!(calls.of(counted) > 0, "{printed}");
        // At its end the guest prints, and flushes what it printed: these writes are another caller's.
        let in_call = samples_with(&recording, |stack| stack.contains(import) && !stack.contains("__stdio_write"));
        // libc may have a function of its own around the import.
        let under_caller = format!(";{caller};");
        let rightly = samples_with(&recording, |stack| stack.ends_with(import) && stack.contains(&under_caller));
        assert!(in_call > 20, "{import} has {in_call} samples");
        assert_eq!(in_call, rightly, "{import}");
    }
    let unnamed = samples_with(&recording, |stack| stack.contains("[host]"));
    let total = recording.total_count(Event::Cpu);
    assert!(unnamed * 100 <= total, "{unnamed} of {total} samples are in host calls without a name");
}

#[test]
fn counters_of_a_recorder_agree_with_its_recording() {
    let _exclusive = exclusive();
    let guest = WasiGuest::load(&example_guest("split.wasm"));
    let recorder = guest.session().record(dense()).unwrap();
    guest.run(&["2000"]);
    let first = recorder.cut().unwrap();
    guest.run(&["2000"]);
    let samples = counter(&recorder, "samples");
    let second = recorder.stop().unwrap();
    let recorded = first.total_count(Event::Cpu) + second.total_count(Event::Cpu);
    assert!(recorded >= samples && samples > 100, "{recorded} of {samples}");
    // What was counted by the handler is in one of the two recordings, or counted as lost or outside.
    let kept = |recording: &Recording| {
        let losses = &recording.losses;
        recording.total_count(Event::Cpu) + losses.outside_guest + losses.dropped_ring_full
    };
    let signals = |recording: &Recording| recording.run.as_ref().unwrap().signals;
    assert_eq!(kept(&first) + kept(&second), signals(&first) + signals(&second));
}

#[test]
fn host_calls_are_counted_exactly_and_timed() {
    let _exclusive = exclusive();
    let guest = WasiGuest::load(&test_guest("hostcalls.wasm"));
    let recorder = guest.session().record(dense()).unwrap();
    let printed = guest.run(&["200"]);
    let recording = recorder.stop().unwrap();
    let counts = Counts::parse(&printed);
    let calls = |name: &str| recording.host_calls.iter().find(|calls| calls.name.ends_with(name)).cloned();
    for (word, name) in [("clock", "clock_time_get"), ("random", "random_get")] {
        let calls = calls(name).unwrap_or_else(|| panic!("{name} in {:?}", recording.host_calls));
        assert_eq!(calls.count, counts.of(word), "{name}: {printed}");
        assert!(calls.p99 <= calls.max && calls.max <= calls.total, "{calls:?}");
    }
    // Nothing is counted while nothing is recorded, and a second recording begins anew.
    guest.run(&["50"]);
    let recorder = guest.session().record(dense()).unwrap();
    assert!(recorder.stop().unwrap().host_calls.is_empty());
}
