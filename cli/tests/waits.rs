//! Guests that sleep known times in known stacks, in every way that a guest can.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use wasmscope_model::{Event, Recording};
use wasmscope_profiler::import::read_pprof;

/// What a guest recorded, and the number behind each word that it printed.
struct Napped {
    recording: Recording,
    printed: Vec<String>,
}

impl Napped {
    fn run(guest: &str, options: &[&str]) -> Self {
        let guest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/guests").join(guest);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("naps.pb.gz");
        let output = Command::new(env!("CARGO_BIN_EXE_wasmscope"))
            .args(["profile", "-o"])
            .arg(&file)
            .args(options)
            .arg(guest)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let recording = read_pprof(&std::fs::read(file).unwrap()).unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        Self { recording, printed: printed.split_whitespace().map(str::to_owned).collect() }
    }

    /// Returns the microseconds that the guest printed behind a word.
    fn printed(&self, word: &str) -> Duration {
        let at = self.printed.iter().position(|printed| printed == word).unwrap();
        Duration::from_micros(self.printed[at + 1].parse().unwrap())
    }

    /// Returns the time off the CPU in whose stack a function stands.
    fn off_cpu_in(&self, function: &str) -> Duration {
        let functions = &self.recording.profile.functions;
        let rows = [Event::Wait, Event::Ready].into_iter().flat_map(|event| self.recording.rows(event));
        let named = rows.filter(|row| {
            let mut lines = self.recording.stack(row.stack).flat_map(|location| &location.lines);
            lines.any(|line| functions[line.function.0 as usize].name == function)
        });
        Duration::from_nanos(named.map(|row| row.amount).sum())
    }

    /// Asserts that no more time is told than there was.
    fn assert_within_wall_time(&self) {
        let run = self.recording.run.as_ref().unwrap();
        let off_cpu = self.recording.total_amount(Event::Wait) + self.recording.total_amount(Event::Ready);
        let sum = run.cpu.unwrap() + Duration::from_nanos(off_cpu);
        assert!(sum <= run.duration.mul_f64(1.01), "{sum:?} of {:?}", run.duration);
    }
}

/// Asserts that a nap shows as long as was asked for at least, and as the guest measured around it at most.
fn assert_between(found: Duration, asked: Duration, measured: Duration) {
    assert!(found >= asked.mul_f64(0.99) && found <= measured.mul_f64(1.01), "{found:?}: {asked:?} to {measured:?}");
}

#[test]
fn naps_of_wasi_0_1_and_0_2_show_in_the_functions_that_nap() {
    for guest in ["waits-p1.wasm", "waits-p2.wasm"] {
        let napped = Napped::run(guest, &[]);
        for (function, kind) in [("nap_short", "short"), ("nap_long", "long")] {
            let asked = napped.printed(&format!("asked_{kind}_us"));
            assert_between(napped.off_cpu_in(function), asked, napped.printed(&format!("measured_{kind}_us")));
        }
        napped.assert_within_wall_time();
    }
}

#[test]
fn a_synchronous_nap_of_wasi_0_3_shows_in_the_function_that_naps() {
    let napped = Napped::run("waits-p3-sync.wat", &["-S", "p3", "-W", "component-model-async"]);
    let calls = napped.recording.host_calls.iter().find(|calls| calls.name == "host.wait_for").unwrap();
    assert_between(napped.off_cpu_in("inner_nap"), Duration::from_millis(200), calls.total);
    napped.assert_within_wall_time();
}

#[test]
fn tasks_of_wasi_0_3_that_all_wait_have_a_row_without_a_stack() {
    let napped = Napped::run("waits-p3.wasm", &["-S", "p3", "-W", "component-model-async"]);
    let waiting = napped.off_cpu_in("[waiting tasks]");
    // The naps go on after the last slice of work, by little where the work was slow; before it there is always a task that works.
    let without_work = napped.printed("wall_us").saturating_sub(napped.printed("burn_us"));
    assert!(waiting > Duration::ZERO && waiting <= without_work.mul_f64(1.01), "{waiting:?} {without_work:?}");
    napped.assert_within_wall_time();
}
