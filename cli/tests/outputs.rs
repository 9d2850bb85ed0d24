//! One run, every output: they agree, and the profile renders again to the same.
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

fn wasmscope(folder: &Path, args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_wasmscope"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the command starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The samples that the report's footer tells.
fn samples_in(report: &str) -> u64 {
    let line = report.lines().find(|line| line.starts_with("samples ")).expect("there is a footer");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("it begins with the number")
}

fn samples_in_folded(text: &str) -> u64 {
    text.lines().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
}

#[test]
fn table_pprof_svg_and_folded_tell_the_same_and_render_again_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let split = example("split.wasm");
    let args =
        ["profile", "-r", "4999", "-o", "a.pb.gz", "-o", "a.svg", "-o", "a.folded", split.to_str().unwrap(), "6000"];
    let output = wasmscope(folder.path(), &args);
    assert!(String::from_utf8_lossy(&output.stdout).contains("iterations seventy"), "stdout is the guest's");
    let table = String::from_utf8(output.stderr).unwrap();
    let samples = samples_in(&table);
    assert!(samples > 100, "{table}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(samples_in_folded(&read("a.folded")), samples);
    assert!(read("a.svg").contains(&format!("{samples} cpu samples")));

    let again = wasmscope(folder.path(), &["report", "a.pb.gz"]);
    let again = String::from_utf8(again.stdout).unwrap();
    assert_eq!(samples_in(&again), samples);
    let rows = |text: &str| text.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&again), rows(&table));
    wasmscope(folder.path(), &["report", "a.pb.gz", "-o", "b.svg", "-o", "b.folded", "-o", "b.pb.gz"]);
    assert_eq!(read("a.folded"), read("b.folded"));
    assert_eq!(read("a.svg"), read("b.svg"));
    assert_eq!(fs::read(folder.path().join("a.pb.gz")).unwrap(), fs::read(folder.path().join("b.pb.gz")).unwrap());
}

#[test]
fn a_chosen_format_is_for_the_files_whose_ending_leaves_a_choice() {
    let folder = tempfile::tempdir().unwrap();
    let split = example("split.wasm");
    wasmscope(folder.path(), &["profile", "-o", "a.pb.gz", split.to_str().unwrap(), "6000"]);
    let report = |args: &[&str]| wasmscope(folder.path(), &[&["report", "a.pb.gz"], args].concat());
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    report(&["-f", "firefox", "-o", "x.json", "-o", "y.speedscope.json"]);
    assert!(read("x.json").starts_with(r#"{"meta":{"categories""#));
    assert!(read("y.speedscope.json").starts_with(r#"{"$schema":"https://www.speedscope.app/"#));
    report(&["-f", "icicle", "-o", "icicle.svg", "-o", "z.folded"]);
    report(&["-o", "flame.svg", "-o", "w.folded", "-o", "x.firefox.json"]);
    assert_ne!(read("icicle.svg"), read("flame.svg"));
    assert_eq!(read("z.folded"), read("w.folded"));
    assert_eq!(read("x.json"), read("x.firefox.json"));
}

#[test]
fn the_shipped_guests_show_functions_files_and_lines() {
    let folder = tempfile::tempdir().unwrap();
    for (guest, rounds, function, file) in
        [("split.wasm", "6000", "seventy", "split.c:"), ("orders.wasm", "1500", "orders::", "orders/src/")]
    {
        let path = example(guest);
        let output = wasmscope(
            folder.path(),
            &["profile", "-r", "997", "--top", "1000", "-o", "%m.svg", path.to_str().unwrap(), rounds],
        );
        let table = String::from_utf8(output.stderr).unwrap();
        assert!(table.contains(function) && table.contains(file), "{table}");
        let svg = fs::read_to_string(folder.path().join(guest).with_extension("svg")).unwrap();
        assert!(svg.contains(function) && svg.contains(file));
    }
}

#[test]
fn without_an_output_the_profile_is_kept_under_the_guests_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = example("split.wasm");
    wasmscope(folder.path(), &["profile", path.to_str().unwrap(), "100"]);
    let names: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(names[0].starts_with("profile-split-") && names[0].ends_with(".pb.gz"), "{names:?}");
}

#[test]
fn runs_that_choose_the_same_default_name_both_keep_their_profile() {
    let folder = tempfile::tempdir().unwrap();
    let path = example("split.wasm");
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_wasmscope"))
            .args(["profile", path.to_str().unwrap(), "100"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let runs: Vec<_> = (0..6).map(|_| start()).collect();
    assert!(runs.into_iter().all(|mut run| run.wait().unwrap().success()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 6);
}

#[test]
fn the_command_that_is_proposed_writes_a_file_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = example("split.wasm");
    for _ in 0..2 {
        let run = wasmscope(folder.path(), &["profile", "-r", "997", path.to_str().unwrap(), "100"]);
        let text = String::from_utf8_lossy(&run.stderr);
        let proposed = text.lines().find_map(|line| line.trim().strip_prefix("wasmscope ")?.strip_suffix(" draws it"));
        let drawn = wasmscope(folder.path(), &proposed.unwrap().split(' ').collect::<Vec<_>>());
        assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
    }
}
