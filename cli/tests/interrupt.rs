//! Ctrl-C, SIGTERM and the end of the time: the profile is written all the same.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};

/// Writes one byte, then spins until it is stopped.
const ENDLESS: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\01\00\00\00")
  (func $spin (loop (br 0)))
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $spin)))"#;

fn start(folder: &std::path::Path, args: &[&str]) -> Child {
    start_as(folder, Command::new(env!("CARGO_BIN_EXE_wasmscope")).args(args))
}

/// Starts the command, and waits for what the guest writes.
fn start_as(folder: &std::path::Path, command: &mut Command) -> Child {
    fs::write(folder.join("endless.wat"), ENDLESS).unwrap();
    let mut child =
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut byte = [0];
    child.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
    child
}

fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn signals_that_end_the_run_still_yield_the_profile_and_their_exit_code() {
    for (signal, exit) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let folder = tempfile::tempdir().unwrap();
        let child = start(folder.path(), &["profile", "-r", "997", "-o", "a.pb.gz", "-o", "a.folded", "endless.wat"]);
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{text}");
        assert!(text.contains("wrote a.pb.gz"), "{text}");
        assert!(folder.path().join("a.pb.gz").exists() && folder.path().join("a.folded").exists());
    }
}

#[test]
fn a_duration_ends_the_guest_and_the_exit_code_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let child = start(folder.path(), &["profile", "-d", "300ms", "-r", "997", "-o", "a.folded", "endless.wat"]);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let folded = fs::read_to_string(folder.path().join("a.folded")).unwrap();
    assert!(folded.lines().any(|line| line.contains("spin")), "{folded}");
}

#[test]
fn a_hang_up_that_was_to_be_ignored_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let ignoring = format!("trap '' HUP; exec {} profile -o a.folded endless.wat", env!("CARGO_BIN_EXE_wasmscope"));
    let child = start_as(folder.path(), Command::new("sh").args(["-c", &ignoring]));
    send(&child, "HUP");
    send(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{}", String::from_utf8_lossy(&output.stderr));
}
