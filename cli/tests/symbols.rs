//! Names and lines from a build that lies elsewhere, for a service that was deployed without any.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/guests").join(name)
}

fn wasmscope(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmscope"));
    let Output { status, stdout, stderr } =
        command.args(args).current_dir(folder).stdin(Stdio::null()).output().expect("the command starts");
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Copies a module without its custom sections.
fn stripped(bytes: &[u8]) -> Vec<u8> {
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

/// A folder with a stripped service, and the build that it was made from elsewhere.
fn deployment() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let build = fs::read(example("split.wasm")).unwrap();
    fs::write(folder.path().join("service.wasm"), stripped(&build)).unwrap();
    fs::create_dir_all(folder.path().join("builds/42")).unwrap();
    fs::write(folder.path().join("builds/42/app.wasm"), build).unwrap();
    fs::write(folder.path().join("builds/notes.txt"), "other files may lie here").unwrap();
    folder
}

#[test]
fn a_stripped_service_shows_functions_and_lines_of_its_build() {
    let folder = deployment();
    let run = ["profile", "-r", "997", "-o", "full.pb.gz", "--symbols", "builds", "service.wasm", "2000"];
    let (code, _, table) = wasmscope(folder.path(), &run);
    assert_eq!(code, Some(0), "{table}");
    assert!(table.contains(" turn ") && table.contains("split.c:"), "{table}");
    assert!(!table.contains("wasm-function[") && !table.contains("no debug information"), "{table}");
}

#[test]
fn a_raw_recording_is_looked_up_later_and_agrees_with_itself() {
    let folder = deployment();
    let run = ["profile", "-r", "997", "--raw", "-o", "raw.pb.gz", "service.wasm", "2000"];
    let (code, _, table) = wasmscope(folder.path(), &run);
    assert_eq!(code, Some(0), "{table}");
    assert!(table.contains("wasm-function["), "{table}");
    let samples = |text: &str| text.lines().find(|line| line.starts_with("samples")).map(str::to_owned);
    for option in ["--symbols", "--debug"] {
        let (code, report, stderr) = wasmscope(folder.path(), &["report", "raw.pb.gz", option, "builds"]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(report.contains(" turn ") && report.contains("split.c:"), "{report}");
        assert_eq!(samples(&report), samples(&table));
    }
    // Of a raw recording a file of names and lines can be made.
    let (code, _, _) = wasmscope(folder.path(), &["report", "raw.pb.gz", "--symbols", "builds", "-o", "named.pb.gz"]);
    assert_eq!(code, Some(0));
    let (_, report, _) = wasmscope(folder.path(), &["report", "named.pb.gz"]);
    assert!(report.contains(" turn ") && !report.contains("wasm-function["), "{report}");
}

#[test]
fn another_build_is_refused_before_the_guest_runs_and_marked_where_the_user_insists() {
    let folder = deployment();
    let other = example("orders.wasm");
    let other = other.to_str().unwrap();
    let (code, stdout, stderr) = wasmscope(folder.path(), &["profile", "--symbols", other, "service.wasm"]);
    assert_eq!((code, stdout.as_str()), (Some(125), ""), "the guest did not run: {stderr}");
    assert!(stderr.contains("is of another build: its code is ") && stderr.contains("service.wasm is "), "{stderr}");
    assert!(fs::read_dir(folder.path()).unwrap().flatten().all(|entry| !entry.path().ends_with("pb.gz")));

    wasmscope(folder.path(), &["profile", "-r", "997", "--raw", "-o", "raw.pb.gz", "service.wasm", "2000"]);
    let (code, _, stderr) = wasmscope(folder.path(), &["report", "raw.pb.gz", "--symbols", other]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--force-symbols takes it all the same"), "{stderr}");
    let forced = ["report", "raw.pb.gz", "--symbols", other, "--force-symbols", "-o", "forced.folded"];
    assert_eq!(wasmscope(folder.path(), &forced).0, Some(0));
    let folded = fs::read_to_string(folder.path().join("forced.folded")).unwrap();
    let frames: Vec<_> = folded.lines().flat_map(|line| line.rsplit_once(' ').unwrap().0.split(';')).collect();
    let is_marked = |frame: &str| frame.trim_end_matches("_[i]").ends_with(" [other build]");
    let is_guest = |frame: &str| !frame.starts_with('[') && !frame.starts_with("wasi_");
    assert!(frames.iter().filter(|frame| is_guest(frame)).all(|frame| is_marked(frame)), "{folded}");
}

#[test]
fn a_trap_shows_the_lines_of_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let build = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/guests/trap.wasm")).unwrap();
    fs::write(folder.path().join("service.wasm"), stripped(&build)).unwrap();
    fs::write(folder.path().join("build.wasm"), build).unwrap();
    let (plain_code, _, plain) = wasmscope(folder.path(), &["run", "service.wasm"]);
    let (code, _, stderr) = wasmscope(folder.path(), &["run", "--symbols", "build.wasm", "service.wasm"]);
    assert_eq!(code, plain_code);
    assert!(!plain.contains(".rs:") && !plain.contains(".c:"), "{plain}");
    assert!(stderr.contains(".rs:") || stderr.contains(".c:"), "{stderr}");
}

/// A folder with a module that is split, and with what was split off it elsewhere.
fn split_deployment() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/guests/split-dwarf");
    let copies = [
        ("5/split.wasm", "split.wasm"),
        ("5/obj/main.dwo", "builds/obj/main.dwo"),
        ("5/obj/ring.dwo", "builds/obj/ring.dwo"),
        ("5/split.wasm.dwp", "packages/split.wasm.dwp"),
        ("other/split.wasm.dwp", "other.dwp"),
    ];
    for (from, to) in copies {
        fs::create_dir_all(folder.path().join(to).parent().unwrap()).unwrap();
        fs::copy(guests.join(from), folder.path().join(to)).unwrap();
    }
    folder
}

const SPLIT_RUN: [&str; 4] = ["--invoke", "run", "split.wasm", "2000000"];

#[test]
fn split_units_give_a_profile_its_inlined_calls() {
    let folder = split_deployment();
    for symbols in ["builds", "packages", "packages/split.wasm.dwp"] {
        let run = [&["profile", "--force", "-r", "997", "--symbols", symbols][..], &SPLIT_RUN].concat();
        let (code, _, table) = wasmscope(folder.path(), &run);
        assert_eq!(code, Some(0), "{table}");
        assert!(table.contains(" Ring<int, 8>::push(int) ") && table.contains("/build/ring.h:"), "{table}");
        assert!(!table.contains("were not found") && !table.contains("[other build]"), "{table}");
    }
    let run = [&["profile", "--force", "-r", "997", "--raw", "-o", "raw.pb.gz"][..], &SPLIT_RUN].concat();
    assert_eq!(wasmscope(folder.path(), &run).0, Some(0));
    let report = ["report", "raw.pb.gz", "--symbols", "split.wasm", "--symbols", "packages"];
    let (code, table, stderr) = wasmscope(folder.path(), &report);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(table.contains(" Ring<int, 8>::push(int) "), "{table}");
    let report = ["report", "raw.pb.gz", "--symbols", "split.wasm", "--symbols", "other.dwp"];
    let (code, _, stderr) = wasmscope(folder.path(), &report);
    assert!(code == Some(2) && stderr.contains("other.dwp is of another build"), "{code:?} {stderr}");
}

#[test]
fn split_units_of_another_build_are_refused_before_the_guest_runs() {
    let folder = split_deployment();
    let refused = |symbols: &str, why: &str| {
        let run = [&["profile", "--symbols", symbols][..], &SPLIT_RUN].concat();
        let (code, stdout, stderr) = wasmscope(folder.path(), &run);
        assert_eq!((code, stdout.as_str()), (Some(125), ""), "{stderr}");
        assert_eq!(stderr.lines().next(), Some(format!("error: {symbols}{why}").as_str()));
    };
    let ids = " is of another build: the id of \"obj/main.dwo\" in it is 8cc5ed5b4365a704, and split.wasm has \
               8df34b5ec6f684d4; --force-symbols takes a file that it is given all the same";
    refused("other.dwp", ids);
    let whole = fs::read(folder.path().join("packages/split.wasm.dwp")).unwrap();
    fs::write(folder.path().join("cut.dwp"), &whole[..whole.len() - 10]).unwrap();
    refused("cut.dwp", ": malformed at offset 0xbd8: unexpected end-of-file: it may be cut");
    let forced = [&["profile", "--force", "-r", "997", "--symbols", "other.dwp", "--force-symbols"][..], &SPLIT_RUN];
    let (code, _, table) = wasmscope(folder.path(), &forced.concat());
    assert!(code == Some(0) && table.contains("Ring<int, 8>::push(int) [other build]"), "{table}");
    // To a guest that is whole a package is of no use.
    fs::copy(example("split.wasm"), folder.path().join("split.wasm")).unwrap();
    refused("other.dwp", ": it holds no split unit of split.wasm");
}

#[test]
fn what_is_missing_of_a_split_module_is_told() {
    let folder = split_deployment();
    let run = [&["profile", "-r", "997"][..], &SPLIT_RUN].concat();
    let (code, _, table) = wasmscope(folder.path(), &run);
    let note =
        "note      2 of 2 units of split.wasm are split, and their files were not found: the first is \"obj/main.dwo\"";
    assert!(code == Some(0) && table.contains(note), "{table}");
    let address = ["symbolize", "split.wasm", "0x115"];
    let (code, stdout, stderr) = wasmscope(folder.path(), &address);
    assert!(code == Some(0) && stdout.lines().count() == 1, "{stdout}");
    assert!(stderr.contains("2 of 2 units of split.wasm are split"), "{stderr}");
    for symbols in ["builds", "packages/split.wasm.dwp"] {
        let (code, stdout, stderr) = wasmscope(folder.path(), &[&address[..], &["--symbols", symbols]].concat());
        assert!(
            code == Some(0) && stderr.is_empty() && stdout.contains("inlined into mixing::mix"),
            "{stdout} {stderr}"
        );
    }
}
