//! The pages for `man`: everything that `--help` names, in lines that `man` understands.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const VERBS: [&str; 9] = ["run", "serve", "profile", "report", "diff", "symbolize", "doctor", "completions", "man"];

fn wasmscope(folder: &Path, args: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmscope"));
    let Output { status, stdout, stderr } = command.args(args).current_dir(folder).output().expect("it starts");
    assert!(status.success(), "{args:?}: {}", String::from_utf8_lossy(&stderr));
    (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Returns the pages of the command and of each verb, by name.
fn pages() -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let (stdout, stderr) = wasmscope(folder.path(), &["man", "made/man1"]);
    let names = std::iter::once("wasmscope".to_owned()).chain(VERBS.map(|verb| format!("wasmscope-{verb}")));
    let names: Vec<_> = names.collect();
    let wrote: String = names.iter().map(|name| format!("wrote made/man1/{name}.1\n")).collect();
    assert_eq!((stdout.as_str(), stderr), ("", wrote));
    assert_eq!(fs::read_dir(folder.path().join("made/man1")).unwrap().count(), names.len());
    let read = |name: String| {
        let text = fs::read_to_string(folder.path().join(format!("made/man1/{name}.1"))).unwrap();
        (name, text)
    };
    names.into_iter().map(read).collect()
}

/// Takes away what the language of `man` adds to a line.
fn plain(line: &str) -> String {
    let line = ["\\fB", "\\fI", "\\fR", "\\&"].iter().fold(line.to_owned(), |line, mark| line.replace(mark, ""));
    line.replace("\\-", "-").replace("\\*(Aq", "'")
}

/// Returns the options at the head of a line: `-o, --output <FILE>`.
fn options_of(head: &str) -> impl Iterator<Item = String> + '_ {
    let words = head.split_whitespace().map(|word| word.trim_end_matches(','));
    words.take_while(|word| word.starts_with('-') && *word != "-").map(|word| word.replace("[=", "")).map(cut)
}

fn cut(word: String) -> String {
    word.split(['=', '[', '<']).next().unwrap_or_default().to_owned()
}

fn options_of_help(help: &str) -> BTreeSet<String> {
    let options = help.split("\nExamples:").next().unwrap_or_default();
    options.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(options_of).collect()
}

fn options_of_page(page: &str) -> BTreeSet<String> {
    let lines: Vec<_> = page.lines().collect();
    let heads = lines.windows(2).filter(|pair| pair[0] == ".TP").map(|pair| plain(pair[1]));
    heads.flat_map(|head| options_of(&head).collect::<Vec<_>>()).collect()
}

#[test]
fn pages_have_the_options_of_the_help_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    for (name, page) in pages() {
        let verb = name.strip_prefix("wasmscope-");
        let (help, _) = wasmscope(folder.path(), &[verb.as_slice(), &["--help"]].concat());
        let expected = options_of_help(&help);
        assert!(expected.len() >= 2 && expected.contains("--color"), "{name}: {expected:?}");
        assert_eq!(options_of_page(&page), expected, "{name}");
        let aliases = help.lines().filter_map(|line| line.trim().strip_prefix("[alias: ")?.strip_suffix(']'));
        for alias in aliases {
            assert!(plain(&page).contains(&format!("Also spelled {alias}.")), "{name}: {alias}");
        }
    }
}

#[test]
fn the_main_page_names_every_verb_and_goes_to_standard_output() {
    let pages = pages();
    let (name, main) = &pages[0];
    assert_eq!(name, "wasmscope");
    for verb in VERBS {
        assert!(plain(main).contains(&format!("\n.TP\nwasmscope-{verb}(1)\n")), "{verb}");
    }
    let (stdout, stderr) = wasmscope(Path::new("."), &["man"]);
    assert_eq!((&stdout, stderr.as_str()), (main, ""));
}

#[test]
fn lines_are_those_that_man_understands() {
    const REQUESTS: [&str; 13] = ["TH", "SH", "TP", "PP", "RS", "RE", "IP", "nf", "fi", "sp", "br", "ie", "el"];
    for (name, page) in pages() {
        let title =
            format!(".TH {} 1 \"\" \"wasmscope {}\" \"wasmscope\"", name.to_uppercase(), env!("CARGO_PKG_VERSION"));
        assert_eq!(page.lines().filter(|line| line.starts_with(".TH")).collect::<Vec<_>>(), [title], "{name}");
        assert_eq!(page.lines().nth(3), Some(".SH NAME"), "{name}");
        let named = page.lines().nth(4).unwrap();
        assert!(plain(named).starts_with(&format!("{name} ")) && named.contains(" \\- "), "{name}: {named}");
        let mut open = Vec::new();
        for line in page.lines() {
            assert!(!line.is_empty() && !line.starts_with('\''), "{name}: {line:?}");
            let Some(request) = line.strip_prefix('.').and_then(|line| line.split_whitespace().next()) else {
                continue;
            };
            assert!(REQUESTS.contains(&request), "{name}: {line}");
            match request {
                "RS" | "nf" => open.push(request),
                "RE" => assert_eq!(open.pop(), Some("RS"), "{name}"),
                "fi" => assert_eq!(open.pop(), Some("nf"), "{name}"),
                "SH" => assert!(open.is_empty(), "{name}: {line}"),
                _ => {}
            }
        }
        assert!(open.is_empty(), "{name}");
        let lines: Vec<_> = page.lines().collect();
        let empty = lines.windows(2).find(|pair| [".TP", ".SH NAME"].contains(&pair[0]) && pair[1].starts_with('.'));
        assert_eq!(empty, None, "{name}");
    }
}

#[test]
fn examples_and_exit_codes_have_sections() {
    for (name, page) in pages().into_iter().skip(1) {
        let sections: Vec<_> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        assert_eq!(&sections[..4], ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"], "{name}");
        assert_eq!(&sections[sections.len() - 3..], ["EXAMPLES", "\"EXIT STATUS\"", "\"SEE ALSO\""], "{name}");
    }
}

#[test]
fn groff_sets_every_page_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    for (name, page) in pages() {
        let file = folder.path().join(name);
        fs::write(&file, page).unwrap();
        match Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(&file).output() {
            Ok(output) => assert!(output.status.success() && output.stderr.is_empty(), "{output:?}"),
            Err(error) => {
                eprintln!("skipped: pages for man (groff does not start: {error})");
                return;
            }
        }
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("taken"), "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmscope"));
    let output = command.args(["man", "taken/man1"]).current_dir(folder.path()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
    assert!(stderr.starts_with("error: failed to make the folder taken/man1: "), "{stderr}");
}
