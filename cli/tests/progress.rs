//! The line that tells what takes long: on a terminal, as long as that takes, and nowhere else.
//!
//! What takes long is reading from a pipe into which the test puts nothing until it has seen the line, so nothing here
//! waits for a time to pass.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The file that the pipe is for, and a folder for both.
const RECORDING: &str = "profile.pb.gz";
const ERASE: &str = "\r\u{1b}[2K";
const READING: &str = "\r\u{1b}[2Kreading standard input";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let split = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/guests/split.wasm");
    let mut profile = Command::new(env!("CARGO_BIN_EXE_wasmscope"));
    profile.args(["profile", "-r", "997", "-o", RECORDING]).arg(split).arg("200").current_dir(folder.path());
    let output = profile.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(Command::new("mkfifo").arg("pipe").current_dir(folder.path()).status().unwrap().success());
    folder
}

/// Runs a line with a terminal as standard error; `None` where no terminal can be made.
struct OnTerminal {
    child: Child,
    seen: String,
}

impl OnTerminal {
    fn start(folder: &TempDir, line: &str, variables: &[(&str, &str)]) -> Option<Self> {
        let mut script = Command::new("script");
        script.args(["-q", "-e", "-f", "-c", line, "/dev/null"]).current_dir(folder.path());
        script.env("SHELL", "/bin/sh").env("TERM", "xterm").env_remove("CI").env("WASMSCOPE_PROGRESS_AFTER_MS", "0");
        script.envs(variables.iter().copied());
        let child = script.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        match child {
            Ok(child) => Some(Self { child, seen: String::new() }),
            Err(error) => {
                eprintln!("skipped: progress on a terminal (script does not start: {error})");
                None
            }
        }
    }

    /// Reads on until the terminal has been sent some text.
    fn wait_for(&mut self, text: &str) {
        let output = self.child.stdout.as_mut().unwrap();
        let mut buffer = [0; 1024];
        while !self.seen.contains(text) {
            let length = output.read(&mut buffer).unwrap();
            assert!(length > 0, "it ended without {text:?}: {:?}", self.seen);
            self.seen.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        }
    }

    /// Reads to the end, and returns all that the terminal was sent.
    fn end(mut self) -> String {
        self.child.stdout.as_mut().unwrap().read_to_string(&mut self.seen).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status} {:?}", self.seen);
        self.seen
    }
}

/// Returns what is left to see of what a terminal was sent.
fn on_screen(sent: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut rest = sent;
    while let Some(first) = rest.chars().next() {
        let line = lines.last_mut().unwrap();
        let length = match first {
            '\r' if rest.starts_with(ERASE) => {
                line.clear();
                ERASE.len()
            }
            '\r' => 1,
            '\n' => {
                lines.push(String::new());
                1
            }
            other => {
                assert!(!other.is_control(), "{other:?} in {sent:?}");
                line.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// Opens the pipe so that whoever reads from it waits, until [`feed`] ends that. It must have been opened there by then.
fn held(folder: &TempDir) -> File {
    File::options().read(true).write(true).open(folder.path().join("pipe")).unwrap()
}

fn feed(folder: &TempDir, mut pipe: File) {
    pipe.write_all(&fs::read(folder.path().join(RECORDING)).unwrap()).unwrap();
}

fn wasmscope() -> PathBuf {
    env!("CARGO_BIN_EXE_wasmscope").into()
}

#[test]
fn what_takes_long_shows_on_a_terminal_and_is_erased() {
    let folder = folder();
    let pipe = held(&folder);
    let line = format!("{} report - -o x.folded -o y.svg < pipe", wasmscope().display());
    let Some(mut terminal) = OnTerminal::start(&folder, &line, &[]) else { return };
    terminal.wait_for(READING);
    // A second later it tells how long it takes.
    terminal.wait_for("reading standard input, ");
    feed(&folder, pipe);
    let sent = terminal.end();
    assert_eq!(on_screen(&sent), ["wrote x.folded", "wrote y.svg"], "{sent:?}");
}

#[test]
fn messages_and_tables_stay_whole_beside_it() {
    let folder = folder();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let pipe = held(&folder);
    let line = format!("{} report --color never - --symbols empty < pipe > table", wasmscope().display());
    let Some(mut terminal) = OnTerminal::start(&folder, &line, &[]) else { return };
    terminal.wait_for(READING);
    feed(&folder, pipe);
    let sent = terminal.end();
    let [warning] = &on_screen(&sent)[..] else { panic!("{sent:?}") };
    assert!(warning.starts_with("warning: no debug file for split.wasm (code "), "{sent:?}");
    let table = fs::read_to_string(folder.path().join("table")).unwrap();
    assert!(table.contains("self%") && !table.contains('\u{1b}') && !table.contains("reading"), "{table}");
}

#[test]
fn a_pipe_gets_none_of_it() {
    let folder = folder();
    let mut report = Command::new(wasmscope());
    report.args(["report", "-", "-o", "x.folded"]).current_dir(folder.path()).env("TERM", "xterm").env_remove("CI");
    report.env("WASMSCOPE_PROGRESS_AFTER_MS", "0").stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = report.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&fs::read(folder.path().join(RECORDING)).unwrap()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "wrote x.folded\n");
}

#[test]
fn quiet_a_ci_and_a_terminal_that_cannot_erase_get_none_of_it() {
    let folder = folder();
    for (options, variables, told) in [
        ("--quiet", &[][..], &[][..]),
        ("", &[("CI", "true")], &["wrote x.folded"]),
        ("", &[("TERM", "dumb")], &["wrote x.folded"]),
        // What is over before that is not worth a word.
        ("", &[("WASMSCOPE_PROGRESS_AFTER_MS", "3600000")], &["wrote x.folded"]),
    ] {
        let line = format!("{} {options} report - --force -o x.folded < {RECORDING}", wasmscope().display());
        let Some(terminal) = OnTerminal::start(&folder, &line, variables) else { return };
        let sent = terminal.end();
        assert_eq!(
            (sent.contains('\u{1b}'), on_screen(&sent)),
            (false, told.iter().map(ToString::to_string).collect())
        );
    }
}

#[test]
fn quiet_leaves_warnings_errors_and_tables() {
    let folder = folder();
    let run = |args: &[&str]| {
        let output = Command::new(wasmscope()).args(args).current_dir(folder.path()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    assert_eq!(run(&["report", RECORDING, "-q", "-o", "x.folded"]), (Some(0), String::new(), String::new()));
    let (code, table, stderr) = run(&["-q", "report", RECORDING]);
    assert!(code == Some(0) && table.contains("self%") && stderr.is_empty(), "{table}{stderr}");
    let (code, _, stderr) = run(&["report", RECORDING, "--quiet", "-e", "ready", "-o", "x.folded"]);
    assert!(code == Some(2) && stderr.starts_with("error: "), "{stderr}");
    // The exit code of a usage error goes by the verb, wherever that stands.
    assert_eq!(run(&["-q", "--color", "never", "profile"]).0, Some(125));
}
