//! The shells' scripts: read without complaint, and complete verbs, options and values.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const VERBS: [&str; 9] = ["run", "serve", "profile", "report", "diff", "symbolize", "doctor", "completions", "man"];

fn script(shell: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmscope"));
    let output = command.args(["completions", shell]).output().expect("the command starts");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn bash(folder: &Path, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } =
        Command::new("bash").args(arguments).current_dir(folder).output().expect("bash starts");
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(status.success() && stderr.is_empty(), "{arguments:?}: {stderr}");
    String::from_utf8(stdout).unwrap()
}

/// Presses the tabulator at the end of the line, as far as bash asks the script: what it offers, in its order.
fn offered(folder: &Path, line: &str) -> Vec<String> {
    const PRESS: &str = r#"
        source ./script
        read -ra COMP_WORDS <<<"$1"
        [[ $1 == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        function=$(complete -p wasmscope | sed 's/.*-F \([^ ]*\).*/\1/')
        $function wasmscope "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let offered = bash(folder, &["--norc", "-c", PRESS, "bash", line]);
    offered.lines().filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_options_and_values() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("script"), script("bash")).unwrap();
    assert_eq!(bash(folder.path(), &["-n", "script"]), "");
    for (line, expected) in [
        ("wasmscope rep", &["report"][..]),
        ("wasmscope r", &["run", "report"]),
        ("wasmscope completions f", &["fish"]),
        ("wasmscope report --sym", &["--symbols"]),
        ("wasmscope report --deb", &["--debug"]),
        ("wasmscope report --format f", &["flame", "folded", "firefox"]),
        ("wasmscope profile --engine ", &["signal", "epoch"]),
        ("wasmscope --color a", &["auto", "always"]),
        ("wasmscope diff --scale s", &["share"]),
        ("wasmscope help sym", &["symbolize"]),
        ("wasmscope run --rec", &["--record"]),
        // Hidden: a word of wasmtime's that is ours.
        ("wasmscope run --wasmtime", &[]),
        // Nothing of ours: bash goes on with the names of files.
        ("wasmscope report prof", &[]),
    ] {
        assert_eq!(offered(folder.path(), line), expected, "{line}");
    }
    let help = ["help"];
    let verbs: Vec<_> =
        offered(folder.path(), "wasmscope ").into_iter().filter(|word| !word.starts_with('-')).collect();
    assert_eq!(verbs, [&VERBS[..], &help].concat());
}

#[test]
fn files_are_completed_where_files_are_meant() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("script"), script("bash")).unwrap();
    fs::write(folder.path().join("profile.pb.gz"), "").unwrap();
    assert_eq!(offered(folder.path(), "wasmscope report --symbols pro"), ["profile.pb.gz"]);
    // What the function leaves open is completed by bash itself.
    let registered = bash(folder.path(), &["--norc", "-c", "source ./script; complete -p wasmscope"]);
    assert!(registered.contains("-o default"), "{registered}");
}

#[test]
fn every_shell_has_a_script_with_every_verb() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = script(shell);
        for verb in VERBS {
            assert!(script.contains(verb), "{shell}: {verb}");
        }
        assert!(!script.contains("wasmtime-record"), "{shell}");
    }
    assert!(script("zsh").starts_with("#compdef wasmscope\n"));
}

#[test]
fn zsh_and_fish_read_their_scripts() {
    for shell in ["zsh", "fish"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("script"), script(shell)).unwrap();
        match Command::new(shell).args(["-n", "script"]).current_dir(folder.path()).output() {
            Ok(output) => assert!(output.status.success() && output.stderr.is_empty(), "{shell}: {output:?}"),
            Err(error) => eprintln!("skipped: completions of {shell} ({shell} does not start: {error})"),
        }
    }
}

#[test]
fn other_shells_are_refused_with_those_that_there_are() {
    let output = Command::new(env!("CARGO_BIN_EXE_wasmscope")).args(["completions", "tcsh"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("[possible values: bash, elvish, fish, powershell, zsh]"), "{stderr}");
}
