//! The table of wasmtime's options against the crate that parses them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::process::Command;

use wasmscope::{CommonOptions, GuestRun, OPTIONS, Verdict};

/// The crate prints its help and ends the process, so a second process asks for it.
const ASK: &str = "WASMSCOPE_TEST_ASK_FOR_HELP";

fn keys_in_help(letter: char) -> BTreeSet<String> {
    let test = std::env::current_exe().unwrap();
    let asked = Command::new(test)
        .args(["--exact", "the_table_covers_every_option", "--nocapture", "--test-threads=1"])
        .env(ASK, letter.to_string())
        .output()
        .unwrap();
    let help = String::from_utf8(asked.stdout).unwrap();
    let prefix = format!("-{letter}");
    let mut keys = BTreeSet::new();
    for line in help.lines() {
        let mut words = line.split_whitespace();
        if words.next() == Some(prefix.as_str())
            && let Some(option) = words.next()
        {
            keys.insert(option.split(['[', '=']).next().unwrap().to_owned());
        }
    }
    keys
}

fn parsed(args: &[&str]) -> CommonOptions {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: CommonOptions,
    }
    <Line as clap::Parser>::try_parse_from(std::iter::once("test").chain(args.iter().copied())).unwrap().options
}

#[test]
fn the_table_covers_every_option() {
    if let Ok(letter) = std::env::var(ASK) {
        let _ = parsed(&[&format!("-{letter}"), "help"]).config(None);
        unreachable!("the crate ends the process after its help");
    }
    for letter in ['O', 'C', 'D', 'W', 'S'] {
        let listed: Vec<&str> =
            OPTIONS.iter().filter(|option| option.group.letter() == letter).map(|option| option.key).collect();
        let table: BTreeSet<String> = listed.iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(table.len(), listed.len(), "-{letter}: a key stands in the table twice");
        let mut help = keys_in_help(letter);
        assert!(help.len() > 5, "-{letter}: {help:?}");
        // A hidden option of the crate's, for its own fuzzing.
        help.extend((letter == 'O').then(|| "gc-zeal-alloc-counter".to_owned()));
        assert_eq!(table, help, "-{letter}");
    }
}

#[test]
fn refused_options_are_refused_with_their_reason_and_others_are_not() {
    let refused = |args: &[&str], sampling: bool| {
        let mut run = GuestRun { wasmtime: parsed(args), ..GuestRun::default() };
        run.session(sampling).and_then(|builder| builder.user_cache(false).build()).map(drop).map_err(|e| e.to_string())
    };
    let reason = |args: &[&str]| refused(args, false).unwrap_err();
    assert!(reason(&["-S", "nn"]).starts_with("-S nn: no machine learning"), "{}", reason(&["-S", "nn"]));
    assert!(reason(&["-D", "debugger=x.wasm"]).starts_with("-D debugger: "));
    assert!(refused(&["-C", "inlining=y"], true).unwrap_err().starts_with("-C inlining: "));
    assert_eq!(refused(&["-C", "inlining=y"], false), Ok(()));
    assert_eq!(refused(&["-O", "opt-level=0", "-W", "fuel=100", "-S", "http"], true), Ok(()));
    let refusals = OPTIONS.iter().filter(|option| matches!(option.verdict, Verdict::Refused(..))).count();
    assert!(refusals > 0 && refusals < OPTIONS.len() / 4);
}

#[test]
fn a_timeout_ends_a_guest_that_spins_and_the_recording_says_what_it_cost() {
    let _exclusive = wasmscope_testkit::exclusive::exclusive();
    let guest = wasmscope::Guest::from_bytes(
        "spin.wat",
        br#"(module (func $spin (loop (br 0))) (func (export "_start") (call $spin)))"#,
    )
    .unwrap();
    let mut run = GuestRun { wasmtime: parsed(&["-W", "timeout=200ms"]), ..GuestRun::default() };
    let session = run.session(true).unwrap().user_cache(false).build().unwrap();
    let ready = run.prepare(&session, &guest).unwrap();
    let recorder = session.record(wasmscope::SamplerConfig { rate_hz: 997, ..Default::default() }).unwrap();
    let end = ready.run().unwrap();
    let recording = recorder.stop().unwrap();
    let wasmscope::GuestEnd::Trapped(report) = &end else { panic!("{end:?}") };
    assert!(report.message.contains("wasm trap: interrupt"), "{report}");
    assert_eq!(end.exit_code(), 134);
    assert!(recording.total_count(wasmscope_model::Event::Cpu) > 50);
    let notes = &recording.run.unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("-W timeout")), "{notes:?}");
}
