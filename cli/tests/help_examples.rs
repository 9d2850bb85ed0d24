//! The sessions in the help of every verb: each line that is typed there works, and answers as it is shown.
//!
//! Below `Examples:` a line of two spaces is prose, one of four is typed if it begins with `$ `, else it is an answer. Of
//! answers `...` stands for any lines, at the end of a line for the rest of it. Words with digits differ from run to run
//! where something is measured, and count as equal there.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// A line that is typed, and what it answers.
#[derive(Debug, Default)]
struct Step {
    typed: String,
    answer: Vec<String>,
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Types a line in a shell in the folder, and returns what comes out on both streams, and the exit code.
fn type_in(folder: &Path, line: &str) -> (String, Option<i32>) {
    let binary = Path::new(env!("CARGO_BIN_EXE_wasmscope")).parent().unwrap();
    let path = format!("{}:{}:{}", binary.display(), folder.join("bin").display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    shell.args(["--norc", "-c", &format!("exec 2>&1 </dev/null; {line}")]).current_dir(folder);
    shell.env("PATH", path).env("HOME", folder).env("XDG_CACHE_HOME", folder.join("cache")).env("PAGER", "cat");
    let output = shell.env("LANG", "C").output().expect("bash starts");
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

/// Makes a folder with the files of which the help speaks.
fn folder() -> TempDir {
    static RECORDED: OnceLock<TempDir> = OnceLock::new();
    let recorded = RECORDED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let place = |from: &str, to: &str| fs::copy(repository(from), folder.path().join(to)).unwrap();
        ["src", "builds", "maps", "bin"].iter().for_each(|name| fs::create_dir(folder.path().join(name)).unwrap());
        place("examples/guests/split.wasm", "guest.wasm");
        place("examples/guests/split/split.c", "src/split.c");
        place("testkit/guests/waits-p1.wasm", "service.wasm");
        place("testkit/guests/trap.wasm", "app.wasm");
        place("testkit/guests/as.wasm", "loops.wasm");
        place("testkit/guests/as.wasm.map", "maps/loops.map");
        place("examples/guests/split.wasm", "builds/guest.wasm");
        let stripped = without_custom_sections(&fs::read(repository("examples/guests/split.wasm")).unwrap());
        fs::write(folder.path().join("stripped.wasm"), stripped).unwrap();
        let log = "thread 3 has failed:\n    0:    0x3ac - <unknown>!<wasm function 10>\n";
        fs::write(folder.path().join("service.log"), log).unwrap();
        fs::write(folder.path().join("component.wasm"), wat::parse_str(COMPONENT).unwrap()).unwrap();
        let kubectl = folder.path().join("bin/kubectl");
        fs::write(&kubectl, "#!/bin/sh\ncat service.log\n").unwrap();
        fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
        for line in [
            "wasmscope profile -r 997 -o profile.pb.gz guest.wasm",
            "wasmscope profile -r 997 --raw -o raw.pb.gz stripped.wasm",
            "wasmscope profile -o service.pb.gz service.wasm",
            "cp profile.pb.gz before.pb.gz && cp profile.pb.gz after.pb.gz",
        ] {
            let (said, code) = type_in(folder.path(), line);
            assert_eq!(code, Some(0), "{line}: {said}");
        }
        folder
    });
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(recorded.path().join(".")).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    folder
}

const COMPONENT: &str = r#"(component
  (core module $m (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add"))))"#;

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

/// Returns what the help of a verb shows as typed.
fn steps(verb: &[&str]) -> Vec<Step> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmscope"));
    let output = command.args(verb).arg("--help").env("COLUMNS", "100").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{verb:?} has no examples"));
    let mut steps: Vec<Step> = Vec::new();
    for line in examples.lines() {
        match (line.strip_prefix("    $ "), line.strip_prefix("    ")) {
            (Some(typed), _) => steps.push(Step { typed: typed.to_owned(), answer: Vec::new() }),
            (None, Some(answer)) => steps.last_mut().expect("something is typed").answer.push(answer.to_owned()),
            // Prose, and what stands behind the sessions.
            (None, None) => {}
        }
        // The folder of bash's completions is what it is.
        assert!(line.len() <= 80 || line.ends_with("bash-completion/completions/wasmscope"), "{verb:?}: {line}");
    }
    assert!(steps.len() >= 2, "{verb:?}");
    steps
}

/// Tells whether a line is as it is shown.
fn is_as_shown(shown: &str, said: &str, is_measured: bool) -> bool {
    if !is_measured && !shown.ends_with("...") {
        return said == shown;
    }
    let is_same = |(shown, said): (&str, &str)| {
        let differs = |word: &str| is_measured && word.contains(|c: char| c.is_ascii_digit());
        shown == said || differs(shown) && differs(said) || cut(shown).is_some_and(|begin| said.starts_with(begin))
    };
    let has_as_many = shown.split_whitespace().count() == said.split_whitespace().count();
    (has_as_many || cut(shown).is_some()) && shown.split_whitespace().zip(said.split_whitespace()).all(is_same)
}

/// Returns what stands before `...`.
fn cut(text: &str) -> Option<&str> {
    text.strip_suffix("...")
}

/// Asserts that lines answer as they are shown.
fn assert_answers(step: &Step, said: &str, is_measured: bool) {
    let mut rest = said.lines().map(str::trim_end).peekable();
    let mut skips = false;
    for shown in &step.answer {
        if shown == "..." {
            skips = true;
            continue;
        }
        let is_found = match skips {
            true => rest.any(|line| is_as_shown(shown, line, is_measured)),
            false => rest.next().is_some_and(|line| is_as_shown(shown, line, is_measured)),
        };
        assert!(is_found, "{}\nshows: {shown}\nand said:\n{said}", step.typed);
        skips = false;
    }
    // A session without any answer leaves it out.
    let is_whole = skips || step.answer.is_empty() || rest.peek().is_none();
    assert!(is_whole, "{}\nsaid more than it shows:\n{said}", step.typed);
}

fn every_example_works(verb: &str, is_measured: bool) {
    let folder = folder();
    let verbs: &[&str] = if verb.is_empty() { &[] } else { &[verb] };
    for step in steps(verbs) {
        // Outputs of one example are no inputs of another, and may have the same names.
        let line = step.typed.replace("wasmscope profile ", "wasmscope profile --force ");
        let line = line.replace("wasmscope report ", "wasmscope report --force ");
        let line = line.replace("wasmscope run --record", "wasmscope run --force --record");
        let (said, code) = type_in(folder.path(), &line);
        assert_eq!(code, Some(0), "{line}\n{said}");
        assert_answers(&step, &said, is_measured);
    }
}

#[test]
fn of_the_command() {
    every_example_works("", true);
}

#[test]
fn of_run() {
    every_example_works("run", false);
}

#[test]
fn of_profile() {
    every_example_works("profile", true);
}

#[test]
fn of_report() {
    every_example_works("report", true);
}

#[test]
fn of_diff() {
    every_example_works("diff", true);
}

#[test]
fn of_symbolize() {
    every_example_works("symbolize", false);
}

#[test]
fn of_doctor() {
    every_example_works("doctor", true);
}

#[test]
fn of_completions() {
    let folder = folder();
    for step in steps(&["completions"]) {
        let file = step.typed.rsplit_once("> ~/").expect("the script goes to a file").1;
        fs::create_dir_all(folder.path().join(file).parent().unwrap()).unwrap();
        assert_eq!(type_in(folder.path(), &step.typed), (String::new(), Some(0)), "{}", step.typed);
        assert!(fs::read_to_string(folder.path().join(file)).unwrap().contains("symbolize"));
    }
}

#[test]
fn of_man() {
    let folder = folder();
    for step in steps(&["man"]) {
        if step.typed.contains("| man ") && Command::new("man").arg("--version").output().is_err() {
            eprintln!("skipped: {} (man does not start)", step.typed);
            continue;
        }
        let (said, code) = type_in(folder.path(), &step.typed);
        assert_eq!(code, Some(0), "{}\n{said}", step.typed);
        assert!(said.contains("wasmscope-symbolize"), "{said}");
    }
}
