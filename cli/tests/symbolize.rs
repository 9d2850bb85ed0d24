//! Logs that pass through `wasmscope symbolize`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A backtrace of wasmtime from `trap.wasm` without its names.
const LOG: &[u8] =
    b"\xff served\r\n    0:    0x3ac - <unknown>!<wasm function 10>\n    2: wasm trap: integer divide by zero";

const FILLED: &[u8] = b"\xff served\r\n    0:    0x3ac - <unknown>!<wasm function 10>\n                - quotient
                    at testkit/guests/trap.c:12:14
                - rounded
                    at testkit/guests/trap.c:16:10
                - average
                    at testkit/guests/trap.c:20:10\n    2: wasm trap: integer divide by zero";

fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/guests")
}

fn symbolize(folder: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wasmscope"))
        .arg("symbolize")
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts that the log came out filled in, with nothing said besides.
#[track_caller]
fn filled(output: &Output) {
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(output));
    assert_eq!(output.stdout.escape_ascii().to_string(), FILLED.escape_ascii().to_string());
}

#[test]
fn a_log_on_standard_input_is_filled_in_and_otherwise_the_same() {
    filled(&symbolize(&guests(), &["trap.wasm"], LOG));
    filled(&symbolize(&guests(), &["-", "trap.wasm"], LOG));
    filled(&symbolize(&guests(), &["--module", "trap.wasm"], LOG));
}

#[test]
fn a_log_in_a_file_is_told_from_a_guest_by_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("service"), LOG).unwrap();
    fs::copy(guests().join("trap.wasm"), folder.path().join("guest")).unwrap();
    filled(&symbolize(folder.path(), &["service", "guest"], b"not read"));
}

#[test]
fn a_log_that_comes_through_a_pipe_stays_whole() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(guests().join("trap.wasm"), folder.path().join("guest.wasm")).unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = std::thread::spawn(move || fs::write(pipe, LOG).unwrap());
    filled(&symbolize(folder.path(), &["guest.wasm", "pipe"], b"not read"));
    writer.join().unwrap();
}

#[test]
fn debug_files_of_a_folder_serve_the_guest_of_the_same_code() {
    let folder = tempfile::tempdir().unwrap();
    let debug = folder.path().join("debug");
    fs::create_dir(&debug).unwrap();
    fs::copy(guests().join("trap.wasm"), debug.join("b.wasm")).unwrap();
    fs::write(debug.join("a.txt"), "no module").unwrap();
    filled(&symbolize(folder.path(), &["--symbols", "debug"], LOG));
    fs::write(debug.join("a.wasm"), "no module").unwrap();
    let output = symbolize(folder.path(), &["--symbols", "debug"], LOG);
    assert_eq!(output.stdout, FILLED);
    assert!(stderr(&output).starts_with("warning: debug/a.wasm is left out: "), "{}", stderr(&output));
}

#[test]
fn a_stripped_guest_is_looked_up_in_its_build_wherever_that_lies() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(guests().join("trap.wasm")).unwrap();
    fs::create_dir_all(folder.path().join("builds/42")).unwrap();
    fs::write(folder.path().join("service.wasm"), without_custom_sections(&whole)).unwrap();
    fs::write(folder.path().join("builds/42/unstripped.wasm"), &whole).unwrap();
    fs::copy(guests().join("fib.wasm"), folder.path().join("fib.wasm")).unwrap();
    // The file by itself, or in a folder of a folder; and it needs to serve one of several guests only.
    for args in [
        &["service.wasm", "--symbols", "builds/42/unstripped.wasm"][..],
        &["service.wasm", "--debug", "builds"],
        &["fib.wasm", "service.wasm", "--symbols", "builds/42/unstripped.wasm"],
    ] {
        // An address alone does not say of which guest it is.
        if args[0] == "service.wasm" {
            let output = symbolize(folder.path(), &[args, &["0x3ac"]].concat(), b"");
            let address = "0x3ac: quotient at testkit/guests/trap.c:12:14\n";
            assert!(String::from_utf8_lossy(&output.stdout).starts_with(address), "{output:?}");
        }
        filled(&symbolize(folder.path(), args, LOG));
    }
    let output = symbolize(folder.path(), &["service.wasm", "--symbols", "fib.wasm"], LOG);
    assert_eq!((output.status.code(), output.stdout.len(), stderr(&output).lines().count()), (Some(2), 0, 1));
    assert!(stderr(&output).starts_with("error: fib.wasm is of another build: its code is "), "{}", stderr(&output));
    let forced = symbolize(folder.path(), &["service.wasm", "--symbols", "fib.wasm", "--force-symbols", "0x3ac"], b"");
    let told = String::from_utf8_lossy(&forced.stdout).into_owned();
    assert!(forced.status.success() && told.contains(" [other build]"), "{told}");
}

/// Copies a module without its custom sections.
fn without_custom_sections(bytes: &[u8]) -> Vec<u8> {
    let mut copy = bytes[..8].to_vec();
    let mut rest = &bytes[8..];
    while let Some((id, after)) = rest.split_first() {
        let digits = after.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let size = after[..digits].iter().rev().fold(0, |size, byte| (size << 7) | usize::from(byte & 0x7f));
        let (section, others) = rest.split_at(1 + digits + size);
        if *id != 0 {
            copy.extend_from_slice(section);
        }
        rest = others;
    }
    copy
}

#[test]
fn a_component_is_looked_up_by_offsets_in_its_own_file() {
    let log = b"    1:   0x10b0 - waits-p1.wasm!main\n";
    let output = symbolize(&guests(), &["waits-p2.wasm"], log);
    let filled = "    1:   0x10b0 - waits-p1.wasm!main\n                    at testkit/guests/waits.c:72:16\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), filled);
}

#[test]
fn what_stays_as_it_was_is_told_with_the_reason() {
    let log = b"    0: 0x3ac - trap.wasm!parse\n    1: 0x3ac - trap.wasm!average\n";
    let output = symbolize(&guests(), &["trap.wasm"], log);
    assert!(output.status.success());
    assert_eq!(
        stderr(&output),
        "warning: 1 of 2 addresses stay as they were: 1 where another function lies than the one shown (is this the build \
         that ran?)\n"
    );
}

#[test]
fn machine_code_and_broken_modules_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cut.wasm"), b"\0asm\x01\0\0\0\x0a").unwrap();
    for args in [&["cut.wasm"][..], &["--symbols", "cut.wasm"], &["--module", "cut.wasm"]] {
        let output = symbolize(folder.path(), args, b"");
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("cut.wasm") && stderr(&output).lines().count() == 1, "{}", stderr(&output));
    }
}

#[test]
fn lines_come_out_while_the_log_grows() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wasmscope"))
        .args(["symbolize", "trap.wasm"])
        .current_dir(guests())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), std::io::BufReader::new(child.stdout.take().unwrap()));
    for line in ["first\n", "second\n"] {
        input.write_all(line.as_bytes()).unwrap();
        let mut found = String::new();
        // Blocks for ever if the line is held back.
        std::io::BufRead::read_line(&mut output, &mut found).unwrap();
        assert_eq!(found, line);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}
