//! Samples by the guest's own checks, in place of signals.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use wasmscope::{CommonOptions, Guest, GuestEnd, GuestRun, ProfileSession, Recorder, SamplerConfig};
use wasmscope_model::{EngineKind, Event, Recording};
use wasmscope_profiler::export::{TableLayout, function_totals, write_pprof, write_table};
use wasmscope_profiler::import::read_pprof;
use wasmscope_testkit::cpu_clock::thread_cpu_time;
use wasmscope_testkit::exclusive::exclusive;
use wasmscope_testkit::guests::{example_guest, test_guest};
use wasmscope_testkit::patience::until;

fn session(run: &mut GuestRun) -> ProfileSession {
    run.session(true).unwrap().user_cache(false).sampled_by(EngineKind::Epoch).build().unwrap()
}

fn quiet_run(args: &[&str]) -> GuestRun {
    let mut wasmtime = CommonOptions::new();
    wasmtime.wasi.inherit_stdout = Some(false);
    GuestRun { wasmtime, args: args.iter().map(|arg| (*arg).to_owned()).collect(), ..GuestRun::default() }
}

fn counted(recorder: &Recorder, name: &str) -> u64 {
    recorder.counters().iter().find(|counter| counter.name == name).unwrap().value
}

/// Runs a guest again and again until so many checks have found time passed. On a busy machine each stands for more.
fn recorded(name: &std::path::Path, args: &[&str], wanted: u64) -> Recording {
    let guest = Guest::load(name).unwrap();
    let mut run = quiet_run(args);
    let session = session(&mut run);
    let recorder = session.record(SamplerConfig { rate_hz: 4999, ..SamplerConfig::default() }).unwrap();
    until("checks", || {
        let end = quiet_run(args).prepare(&session, &guest).unwrap().run().unwrap();
        assert!(matches!(end, GuestEnd::Returned(_) | GuestEnd::Exited(0)), "{end:?}");
        counted(&recorder, "signals") >= wanted
    });
    recorder.stop().unwrap()
}

#[test]
fn a_known_split_of_loops_shows_as_it_is_and_says_how_it_was_found() {
    let _exclusive = exclusive();
    let recording = recorded(&example_guest("split.wasm"), &["2000"], 3000);
    let total = recording.total_count(Event::Cpu) as f64;
    let totals = function_totals(&recording, Event::Cpu);
    let share = |name: &str| {
        let function = totals.iter().find(|total| recording.profile.functions[total.function.0 as usize].name == name);
        function.map_or(0.0, |function| function.total as f64 / total)
    };
    for (name, truth) in [("seventy", 0.7), ("twenty", 0.2), ("ten", 0.1)] {
        let found = share(name);
        assert!((found - truth).abs() < 0.06, "{name} {found}");
    }
    let losses = &recording.losses;
    assert_eq!((losses.outer_unknown, losses.broken_stack, losses.unknown_code), (0, 0, 0), "{losses:?}");
    let mut table = Vec::new();
    write_table(&recording, &[Event::Cpu], TableLayout::default(), &mut table).unwrap();
    let table = String::from_utf8(table).unwrap();
    assert!(table.contains("engine    epoch") && table.contains("biased: "), "{table}");
    let mut file = Vec::new();
    write_pprof(&recording, &mut file).unwrap();
    assert_eq!(read_pprof(&file).unwrap().run, recording.run);
}

#[test]
fn what_the_host_does_between_runs_is_no_guests() {
    let _exclusive = exclusive();
    let guest = Guest::load(&example_guest("split.wasm")).unwrap();
    let session = session(&mut quiet_run(&[]));
    let recorder = session.record(SamplerConfig { rate_hz: 997, ..SamplerConfig::default() }).unwrap();
    let run = || quiet_run(&["1"]).prepare(&session, &guest).unwrap().run().unwrap();
    assert!(matches!(run(), GuestEnd::Returned(_)));
    let until = thread_cpu_time() + Duration::from_millis(200);
    while thread_cpu_time() < until {}
    assert!(matches!(run(), GuestEnd::Returned(_)));
    let recording = recorder.stop().unwrap();
    assert!(recording.losses.outside_guest >= 190, "{:?}", recording.losses);
    assert!(recording.total_count(Event::Cpu) < 100, "{}", recording.total_count(Event::Cpu));
}

#[test]
fn checks_are_no_host_calls_and_host_calls_are_still_counted() {
    let _exclusive = exclusive();
    let recording = recorded(&test_guest("hostcalls.wasm"), &["20000"], 300);
    let names: Vec<&str> = recording.host_calls.iter().map(|calls| calls.name.as_str()).collect();
    assert!(names.contains(&"wasi_snapshot_preview1.clock_time_get"), "{names:?}");
    let unknown = recording.host_calls.iter().find(|calls| calls.name == "[host]").map_or(0, |calls| calls.count);
    assert_eq!(unknown, 0, "{:?}", recording.host_calls);
}

#[test]
fn guests_on_fibers_have_whole_stacks_and_waits() {
    let _exclusive = exclusive();
    let recording = recorded(&test_guest("waits-p2.wasm"), &["2", "1", "20000000"], 200);
    let losses = &recording.losses;
    assert_eq!((losses.outer_unknown, losses.broken_stack, losses.unknown_code), (0, 0, 0), "{losses:?}");
    assert!(recording.total_amount(Event::Wait) > 40_000_000);
}

#[test]
fn a_timeout_still_ends_the_guest() {
    let _exclusive = exclusive();
    let guest = Guest::from_bytes("spin.wat", br#"(module (func (export "_start") (loop (br 0))))"#).unwrap();
    let mut run = quiet_run(&[]);
    run.wasmtime.wasm.timeout = Some(Duration::from_millis(100));
    let session = session(&mut run);
    let recorder = session.record(SamplerConfig { rate_hz: 997, ..SamplerConfig::default() }).unwrap();
    let end = run.prepare(&session, &guest).unwrap().run().unwrap();
    assert!(matches!(end, GuestEnd::Trapped(_)), "{end:?}");
    assert!(recorder.stop().unwrap().total_count(Event::Cpu) > 0);
}

#[test]
fn two_samplers_at_a_time_are_refused_whatever_takes_their_samples() {
    let _exclusive = exclusive();
    let by_epochs = ProfileSession::builder().sampled_by(EngineKind::Epoch).build().unwrap();
    let by_signals = ProfileSession::builder().build().unwrap();
    for (first, second) in [(&by_epochs, &by_signals), (&by_signals, &by_epochs)] {
        let recorder = first.record(SamplerConfig::default()).unwrap();
        let refused = second.record(SamplerConfig::default()).unwrap_err().to_string();
        assert!(refused.contains("already"), "{refused}");
        drop(recorder.stop().unwrap());
    }
}
