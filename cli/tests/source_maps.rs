//! A source map that the user names as a file: for every verb that looks names and lines up.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/guests")
}

fn wasmscope(folder: &TempDir, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmscope"));
    let Output { status, stdout, stderr } =
        command.args(args).current_dir(folder.path()).stdin(Stdio::null()).output().expect("the command starts");
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A folder with a module of AssemblyScript whose map lies elsewhere, under another name.
fn deployment() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(guests().join("as.wasm"), folder.path().join("service.wasm")).unwrap();
    fs::create_dir(folder.path().join("maps")).unwrap();
    fs::copy(guests().join("as.wasm.map"), folder.path().join("maps/build-42.map")).unwrap();
    // JSON is known by its first byte, too.
    fs::copy(guests().join("as.wasm.map"), folder.path().join("maps/build-42.json")).unwrap();
    fs::write(folder.path().join("maps/broken.map"), "no map").unwrap();
    folder
}

/// An address of `as.wasm` that its map knows, as `symbolize` prints it.
const ADDRESS: &str = "0x11a";
const WITH_LINE: &str = "0x11a: loops/halve at as/loops.ts:27:15\n";

#[test]
fn addresses_have_the_lines_of_a_map_that_is_named() {
    let folder = deployment();
    let (code, stdout, stderr) = wasmscope(&folder, &["symbolize", "service.wasm", ADDRESS]);
    assert_eq!(code, Some(0));
    assert!(!stdout.contains(".ts:") && stderr.contains("which is not there"), "{stdout}{stderr}");
    for map in ["maps/build-42.map", "maps/build-42.json"] {
        let (code, stdout, stderr) = wasmscope(&folder, &["symbolize", "service.wasm", "--symbols", map, ADDRESS]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert_eq!(stdout, WITH_LINE);
    }
}

#[test]
fn doctor_counts_a_map_that_is_named() {
    let folder = deployment();
    let doctor = |options: &[&str]| wasmscope(&folder, &[&["doctor", "--skip-machine"], options].concat());
    let (code, page, _) = doctor(&["service.wasm"]);
    assert!(code == Some(1) && page.contains("not read: "), "{page}");
    let (code, page, stderr) = doctor(&["service.wasm", "--symbols", "maps/build-42.map"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(page.contains("85 mappings in build-42.map") && page.contains("73.3% of the code"), "{page}");
}

#[test]
fn recordings_have_the_lines_of_a_map_that_is_named() {
    let folder = deployment();
    let run = ["profile", "-r", "997", "-o", "full.pb.gz", "--symbols", "maps/build-42.map", "service.wasm"];
    let (code, _, table) = wasmscope(&folder, &run);
    assert!(code == Some(0) && table.contains("as/loops.ts:"), "{table}");

    let (code, _, table) = wasmscope(&folder, &["profile", "-r", "997", "--raw", "-o", "raw.pb.gz", "service.wasm"]);
    assert!(code == Some(0) && !table.contains(".ts:"), "{table}");
    let report = |symbols: &[&str]| {
        let symbols: Vec<_> = symbols.iter().flat_map(|file| ["--symbols", file]).collect();
        wasmscope(&folder, &[&["report", "raw.pb.gz"], &symbols[..]].concat())
    };
    let (code, table, stderr) = report(&["service.wasm", "maps/build-42.map"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(table.contains("as/loops.ts:"), "{table}");
    // Nothing in a map tells what code it is of.
    let (code, _, stderr) = report(&["maps/build-42.map"]);
    let why = "error: maps/build-42.map: the module that this source map is of is not known: name that too";
    assert!(code == Some(2) && stderr.contains(why), "{stderr}");
}

#[test]
fn a_map_that_fits_nothing_is_refused_before_the_guest_runs() {
    let folder = deployment();
    fs::copy(guests().join("../../symbolizer/tests/source_maps/words.wasm.map"), folder.path().join("words.map"))
        .unwrap();
    for (map, why) in [
        ("words.map", "words.map: it is of another build: "),
        ("maps/broken.map", "maps/broken.map: it is no source map: its JSON goes wrong in line 1, column 2"),
        ("missing.map", "missing.map: No such file or directory"),
    ] {
        for (verb, exit) in [("profile", 125), ("run", 125), ("symbolize", 2), ("doctor", 2)] {
            let (code, stdout, stderr) = wasmscope(&folder, &[verb, "--symbols", map, "service.wasm"]);
            assert_eq!((code, stdout.as_str(), stderr.lines().count()), (Some(exit), "", 1), "{verb}: {stderr}");
            assert!(stderr.starts_with(&format!("error: {why}")), "{verb}: {stderr}");
        }
    }
}
