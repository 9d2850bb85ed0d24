//! Comparing what was really recorded.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn wasmscope(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmscope"));
    command.args(args).current_dir(folder).stdin(Stdio::null()).output().expect("the command starts")
}

/// A guest whose functions take known numbers of steps.
fn guest(steps: [(&str, u32); 4]) -> String {
    let body = |name: &str| {
        format!(
            "(func ${name} (param $steps i32) (loop $again (br_if $again
               (local.tee $steps (i32.sub (local.get $steps) (i32.const 1))))))"
        )
    };
    let functions: String = steps.iter().map(|(name, _)| body(name)).collect();
    let calls: String = steps.iter().map(|(name, count)| format!("(call ${name} (i32.const {count}))")).collect();
    format!(
        r#"(module {functions} (func $turn {calls}) (func (export "_start") (local $turns i32)
            (local.set $turns (i32.const 300))
            (loop $again (call $turn) (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))))"#
    )
}

#[test]
fn twice_the_work_of_one_function_fails_by_its_name_and_the_picture_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("v1.wat", guest([("hash", 1_000_000), ("parse", 600_000), ("sort", 500_000), ("print", 400_000)]));
    write("v2.wat", guest([("hash", 2_000_000), ("parse", 600_000), ("sort", 500_000), ("print", 400_000)]));
    for version in ["v1", "v2"] {
        let (out, guest) = (format!("{version}.pb.gz"), format!("{version}.wat"));
        let recorded = wasmscope(folder.path(), &["profile", "-r", "4999", "-o", &out, &guest]);
        assert!(recorded.status.success(), "{}", String::from_utf8_lossy(&recorded.stderr));
    }
    let diff = |args: &[&str]| {
        let output = wasmscope(folder.path(), &[&["diff"], args].concat());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, table, complaints) = diff(&["v1.pb.gz", "v2.pb.gz", "--fail-above", "50%", "-o", "diff.svg"]);
    assert_eq!(code, Some(1), "{table}{complaints}");
    let names: Vec<_> = complaints.lines().filter_map(|line| line.strip_prefix("error: ")?.split(':').next()).collect();
    assert_eq!(names, ["hash", "hash"], "{table}{complaints}");
    assert!(table.lines().nth(1).unwrap().contains("hash"), "{table}");
    assert!(fs::read_to_string(folder.path().join("diff.svg")).unwrap().contains("<title>hash ("));
    let (code, table, complaints) = diff(&["v1.pb.gz", "v1.pb.gz", "--fail-above"]);
    assert_eq!((code, complaints.as_str()), (Some(0), ""), "{table}");
    assert!(table.contains("changed   0 of"), "{table}");
}
