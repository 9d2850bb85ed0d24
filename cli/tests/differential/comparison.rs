//! What must be equal.
//!
//! 1. The exit code, unless the program under test is to fail by itself; then it must be 125.
//! 2. Standard output, byte by byte.
//! 3. What the guest wrote to standard error, byte by byte, and the warnings.
//! 4. Why it failed: the program under test must say what is at the root of wasmtime's error, besides whatever else.
//! 5. The files that are there afterwards, and what is in them.

use std::collections::BTreeMap;

use similar::TextDiff;

use crate::case::{Case, Expectation, Stdout};
use crate::outcome::Outcome;
use crate::stderr_parts::StderrParts;

/// What wasmscope exits with when it fails before the guest starts.
const OWN_FAILURE: i32 = 125;
/// How much of a text is shown.
const MAX_SHOWN: usize = 4000;

/// Compares what came out of both runs of a case.
pub fn compare(case: &Case, reference: &Outcome, tested: &Outcome, tested_is_wasmtime: bool) -> Result<(), String> {
    check_reference(case, reference)?;
    let failed_by_itself = tested.status.code() == Some(OWN_FAILURE);
    match &case.expectation {
        Expectation::OwnFailure(words) if !tested_is_wasmtime => own_failure(words, tested),
        Expectation::SameOrOwnFailure(words) if failed_by_itself => own_failure(words, tested),
        _ => same(case, reference, tested),
    }
}

/// Checks that the case tests what it says.
fn check_reference(case: &Case, reference: &Outcome) -> Result<(), String> {
    let stdout = String::from_utf8_lossy(&reference.stdout);
    let wrong = if reference.status.code() != Some(case.exit) {
        format!("wasmtime ended with {}, not with the {} of the case", reference.status, case.exit)
    } else if let Some(text) =
        case.says.iter().find(|text| !stdout.contains(*text) && !reference.stderr.contains(*text))
    {
        format!("wasmtime did not say {text:?}")
    } else if matches!(case.expectation, Expectation::OwnFailure(_)) && reference.status.success() {
        "wasmtime did not fail, so wasmscope must not fail either".to_owned()
    } else {
        return Ok(());
    };
    Err(format!("the case is wrong: {wrong}\n{}{}", shown(&stdout), shown(&reference.stderr)))
}

fn own_failure(words: &[String], tested: &Outcome) -> Result<(), String> {
    let stderr = &tested.stderr;
    let wrong = if tested.status.code() != Some(OWN_FAILURE) {
        format!("it ended with {}, not with the {OWN_FAILURE} of a failure of its own", tested.status)
    } else if let Some(word) = words.iter().find(|word| !stderr.contains(*word)) {
        format!("its standard error does not say {word:?}")
    } else if stderr.contains("panicked at") {
        "it panicked".to_owned()
    } else if !tested.stdout.is_empty() {
        "it failed before the guest started, but wrote to standard output".to_owned()
    } else {
        return Ok(());
    };
    Err(format!("{wrong}:\n{}", shown(stderr)))
}

fn same(case: &Case, reference: &Outcome, tested: &Outcome) -> Result<(), String> {
    let stderr = || format!("\nof wasmtime:\n{}\nof the other:\n{}", shown(&reference.stderr), shown(&tested.stderr));
    if reference.status != tested.status {
        return Err(format!(
            "wasmtime ended with {}, the other with {}; standard error{}",
            reference.status,
            tested.status,
            stderr()
        ));
    }
    let (expected, found) = (String::from_utf8_lossy(&reference.stdout), String::from_utf8_lossy(&tested.stdout));
    let is_same = match case.stdout {
        Stdout::MoreLines => expected.lines().all(|line| found.lines().any(|other| other == line)),
        Stdout::Same | Stdout::Closed => reference.stdout == tested.stdout,
    };
    if !is_same {
        return Err(format!("standard output differs:\n{}", diff(&expected, &found)));
    }
    let (expected, found) = (StderrParts::of(&reference.stderr), StderrParts::of(&tested.stderr));
    if expected.guest != found.guest {
        return Err(format!(
            "what the guest wrote to standard error differs:\n{}",
            diff(&expected.guest, &found.guest)
        ));
    }
    if expected.warnings != found.warnings {
        return Err(format!("the warnings differ; standard error{}", stderr()));
    }
    if expected.error.is_some() != found.error.is_some() {
        return Err(format!("only one tells of an error; standard error{}", stderr()));
    }
    if let Some(cause) = expected.root_cause().filter(|cause| !tested.stderr.contains(cause)) {
        return Err(format!("the other does not say {cause:?}; standard error{}", stderr()));
    }
    same_files(case, &reference.files, &tested.files)
}

fn same_files(
    case: &Case,
    reference: &BTreeMap<String, Vec<u8>>,
    tested: &BTreeMap<String, Vec<u8>>,
) -> Result<(), String> {
    if let Some(file) = case.writes.iter().find(|file| !reference.contains_key(*file)) {
        return Err(format!("the case is wrong: wasmtime did not write {file}"));
    }
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>().join("\n") + "\n";
    if !reference.keys().eq(tested.keys()) {
        return Err(format!("other files are there afterwards:\n{}", diff(&names(reference), &names(tested))));
    }
    match reference.iter().find(|(name, bytes)| tested[*name] != **bytes && !case.writes.contains(name)) {
        Some((name, _)) => Err(format!("{name} is different afterwards")),
        None => Ok(()),
    }
}

fn diff(expected: &str, found: &str) -> String {
    let (expected, found) = (shown(expected), shown(found));
    let diff = TextDiff::from_lines(expected.as_str(), found.as_str());
    let text = diff.unified_diff().header("wasmtime", "the other").to_string();
    if text.is_empty() { "they differ only behind what is shown here\n".to_owned() } else { text }
}

/// Cuts a text that is too long to be read.
fn shown(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(MAX_SHOWN) else {
        return text.to_owned();
    };
    format!("{}… of {} bytes\n", &text[..end], text.len())
}
