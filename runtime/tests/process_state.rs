//! What the library does to the process that it is in: nothing by being linked, and nothing that stays.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::Command;

use wasmscope::{Guest, ProfileSession, SamplerConfig};
use wasmscope_testkit::exclusive::exclusive;
use wasmtime::Instance;

const GUEST: &[u8] = br#"(module (func $spin (export "run") (local $n i32)
    (loop (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 50000000))))))"#;
/// Set for the copy of this program that begins with SIGPROF ignored.
const IGNORED: &str = "WASMSCOPE_TEST_SIGPROF_IGNORED";

/// What the kernel says that the process does about SIGPROF, and what it has open.
#[derive(PartialEq, Eq, Debug)]
struct State {
    caught: bool,
    ignored: bool,
    /// Sockets, perf events and other descriptors, by what they are.
    open: Vec<String>,
    timers: String,
}

impl State {
    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let has = |mask: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(mask)).unwrap();
            let mask = u64::from_str_radix(line.trim(), 16).unwrap();
            mask & (1 << (signal_hook::consts::SIGPROF - 1)) != 0
        };
        let entries = fs::read_dir("/proc/self/fd").unwrap();
        // The folder itself is open while it is read, and gone when its entry is looked at.
        let mut open: Vec<String> = entries
            .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
            .map(|target| target.to_string_lossy().into_owned())
            .filter(|target| !target.starts_with("/proc/"))
            .collect();
        open.sort();
        let timers = fs::read_to_string("/proc/self/timers").unwrap_or_default();
        Self { caught: has("SigCgt:"), ignored: has("SigIgn:"), open, timers }
    }
}

fn run_guest(session: &ProfileSession) {
    let module = session.load(&Guest::from_bytes("spin.wat", GUEST).unwrap()).unwrap();
    let mut store = session.new_store(());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    instance.get_typed_func::<(), ()>(&mut store, "run").unwrap().call(&mut store, ()).unwrap();
}

#[test]
fn a_session_opens_nothing_and_a_recording_puts_everything_back() {
    let _exclusive = exclusive();
    // wasmtime opens what it needs for its own faults at the first engine.
    drop(ProfileSession::builder().build().unwrap());
    let before = State::now();
    let session = ProfileSession::builder().build().unwrap();
    run_guest(&session);
    assert_eq!(State::now(), before, "without a recorder");
    let recorder = session.record(SamplerConfig::default()).unwrap();
    run_guest(&session);
    assert!(State::now().caught, "while recording");
    recorder.stop().unwrap();
    assert_eq!(State::now(), before, "after the recording");
    drop(session.record(SamplerConfig::default()).unwrap());
    assert_eq!(State::now(), before, "after a recorder that was dropped");
}

#[test]
fn a_signal_that_was_ignored_is_ignored_again() {
    if std::env::var_os(IGNORED).is_some() {
        assert!(State::now().ignored);
        let session = ProfileSession::builder().build().unwrap();
        let recorder = session.record(SamplerConfig { rate_hz: 9973, ..SamplerConfig::default() }).unwrap();
        run_guest(&session);
        assert!(!State::now().ignored);
        assert!(recorder.stop().unwrap().run.unwrap().signals > 0);
        assert!(State::now().ignored);
        return;
    }
    let _exclusive = exclusive();
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' PROF; exec \"$0\" --exact \"$1\""]);
    let output = shell
        .arg(std::env::current_exe().unwrap())
        .arg("a_signal_that_was_ignored_is_ignored_again")
        .env(IGNORED, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
