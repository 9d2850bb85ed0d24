//! Files that are broken, hostile or in the way: one sentence that names the file and the reason, the promised exit
//! code, no panic, nothing half-written.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const SPIN: &str = r#"(module (memory (export "memory") 1) (func $spin (export "_start") (local i32)
  (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 300000000))))))"#;

fn wasmscope(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wasmscope"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the command starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts that the command failed by itself: one line of error that holds `words`, and nothing written.
fn refused(folder: &TempDir, args: &[&str], exit: i32, words: &[&str]) {
    let before = names(folder.path());
    let output = wasmscope(folder.path(), args);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(exit), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
    assert!(output.stdout.is_empty());
    assert_eq!(names(folder.path()), before);
}

fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

fn folder_with(name: &str, bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    folder
}

#[test]
fn what_is_no_module_is_named_with_the_reason() {
    let wasm = wat::parse_str(SPIN).unwrap();
    refused(
        &folder_with("g.wasm", b"\x7fELF\x02\x01\x01"),
        &["profile", "g.wasm"],
        125,
        &["g.wasm", "not a WebAssembly module"],
    );
    refused(&folder_with("g.wasm", b""), &["profile", "g.wasm"], 125, &["g.wasm"]);
    refused(&folder_with("g.wasm", &wasm[..wasm.len() - 7]), &["profile", "g.wasm"], 125, &["g.wasm", "offset"]);
    let folder = tempfile::tempdir().unwrap();
    refused(&folder, &["profile", "."], 125, &["directory"]);
    let garbled = wat::parse_str(r#"(module (func (export "_start") (result i32)))"#).unwrap_or_default();
    refused(&folder_with("g.wasm", &garbled), &["profile", "g.wasm"], 125, &["g.wasm", "type mismatch"]);
}

#[test]
fn every_cut_of_a_module_is_refused_without_a_panic() {
    let wasm = wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "_start") nop))"#).unwrap();
    for length in 0..wasm.len() {
        // A cut between two sections leaves a valid module, which then lacks its entry.
        let output = wasmscope(folder_with("g.wasm", &wasm[..length]).path(), &["profile", "g.wasm"]);
        assert_eq!(output.status.code(), Some(125), "{length}: {}", stderr(&output));
        assert!(stderr(&output).starts_with("error: "), "{length}: {}", stderr(&output));
    }
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let module = "(module (import \"\\1b]0;evil\\07\" \"\\e2\\80\\ae\" (func)) (func (export \"_start\")))";
    let folder = folder_with("g.wasm", &wat::parse_str(module).unwrap());
    let output = wasmscope(folder.path(), &["profile", "g.wasm"]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(125));
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains('\u{7}'), "{text:?}");
}

#[test]
fn an_existing_output_is_refused_and_left_alone_without_force() {
    let folder = folder_with("g.wat", br#"(module (memory (export "memory") 1) (func (export "_start")))"#);
    fs::write(folder.path().join("a.folded"), "mine").unwrap();
    refused(&folder, &["profile", "-o", "a.folded", "g.wat"], 125, &["a.folded", "exists", "--force"]);
    assert_eq!(fs::read(folder.path().join("a.folded")).unwrap(), b"mine");
    let output = wasmscope(folder.path(), &["profile", "--force", "-o", "a.folded", "g.wat"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(fs::read(folder.path().join("a.folded")).unwrap(), b"");
}

#[test]
fn when_one_output_fails_the_others_are_written() {
    let folder = folder_with("g.wat", SPIN.as_bytes());
    let lost = folder.path().join("lost");
    fs::create_dir(&lost).unwrap();
    // The guest cannot remove the folder of an output, so the test does, while the guest waits for its input.
    let guest = r#"(module
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\10\00\00\00\01\00\00\00")
      (func (export "_start")
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;
    fs::write(folder.path().join("g.wat"), guest).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_wasmscope"))
        .args(["profile", "-o", "lost/a.folded", "-o", "b.pb.gz", "g.wat"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The guest's byte says that the outputs have been checked and the guest runs.
    let mut byte = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
    fs::remove_dir_all(&lost).unwrap();
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(stderr(&output).contains("error: failed to write lost/a.folded"), "{}", stderr(&output));
    assert!(folder.path().join("b.pb.gz").exists());
}

#[test]
fn profiles_that_are_broken_or_lie_are_refused() {
    let folder = folder_with("g.wat", SPIN.as_bytes());
    let output = wasmscope(folder.path(), &["profile", "-r", "997", "-o", "p.pb.gz", "g.wat"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let profile = fs::read(folder.path().join("p.pb.gz")).unwrap();
    for length in [0, 1, 10, profile.len() / 2, profile.len() - 1] {
        let broken = folder_with("p.pb.gz", &profile[..length]);
        refused(&broken, &["report", "p.pb.gz"], 2, &["p.pb.gz"]);
    }
    // Field 2 (sample) with a location that is not there; field 1 (sample type) twice, as a profile has it.
    let lying: &[u8] =
        &[0x0a, 4, 0x08, 1, 0x10, 2, 0x12, 5, 0x0a, 1, 0x63, 0x12, 0, 0x32, 0, 0x32, 1, b'a', 0x32, 1, b'b'];
    refused(&folder_with("p.pb.gz", lying), &["report", "p.pb.gz", "-o", "x.svg"], 2, &["p.pb.gz"]);
}

#[test]
fn a_table_or_result_that_cannot_be_written_does_not_cost_the_profile() {
    let folder = folder_with("g.wat", br#"(module (func (export "seven") (result i32) (i32.const 7)))"#);
    // Where standard error takes nothing there is nowhere to say so, and everything else is there.
    for (stream, exit) in [("stdout", 125), ("stderr", 0)] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmscope"));
        let output = format!("{stream}.pb.gz");
        command.args(["profile", "--invoke", "seven", "-o", &output, "g.wat"]).current_dir(folder.path());
        match stream {
            "stdout" => command.stdout(full).stderr(Stdio::null()),
            _ => command.stdout(Stdio::null()).stderr(full),
        };
        assert_eq!(command.status().unwrap().code(), Some(exit), "{stream}");
        assert!(folder.path().join(output).exists(), "{stream}");
    }
}

#[test]
fn one_file_under_two_names_is_named_twice() {
    let folder = folder_with("g.wat", br#"(module (memory (export "memory") 1) (func (export "_start")))"#);
    refused(&folder, &["profile", "-o", "d.svg", "-o", "./d.svg", "g.wat"], 125, &["named twice"]);
}

#[test]
fn usage_errors_of_profile_have_its_exit_code_wherever_the_verb_stands() {
    let folder = tempfile::tempdir().unwrap();
    let output = wasmscope(folder.path(), &["--color", "never", "profile", "--nonsense"]);
    assert_eq!(output.status.code(), Some(125));
    refused(&folder, &["profile", "-i", "2s", "g.wat"], 125, &["longer than a second"]);
}
