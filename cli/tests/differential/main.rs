//! Runs command lines with `wasmtime run` and with `wasmscope run`, and compares what comes out.
//!
//! The cases are in `cases/*.txt`, in the notation that [`case`] reads; guests that several of them use are in
//! `guests/`. What must be equal is told in [`comparison`].
//!
//! `WASMSCOPE_WASMTIME` names the wasmtime to compare with; without it, the one in `PATH` is taken if it is of the
//! version that is built in here. Where there is none, all cases are skipped. `WASMSCOPE_UNDER_TEST` names another
//! program to test; if that is a wasmtime too, the run shows whether the cases themselves are right.

mod case;
mod comparison;
mod outcome;
mod programs;
mod stderr_parts;
mod words;
mod work_folder;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use case::Case;
use programs::Programs;
use work_folder::WorkFolder;

/// The folder of this test.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential");

fn main() {
    let args = Arguments::from_args();
    let cases = match cases() {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(2);
        }
    };
    let trials = match Programs::find() {
        Ok(programs) => {
            let programs = Arc::new(programs);
            cases.into_iter().map(|case| trial(case, programs.clone())).collect()
        }
        Err(reason) => {
            let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
            eprintln!("skipped, as {reason}: {}", names.join(", "));
            cases.into_iter().map(|case| Trial::test(case.name, || Ok(())).with_ignored_flag(true)).collect()
        }
    };
    libtest_mimic::run(&args, trials).exit();
}

fn trial(case: Case, programs: Arc<Programs>) -> Trial {
    let name = case.name.clone();
    Trial::test(name, move || run(&case, &programs).map_err(Failed::from))
}

/// Reads all cases, in the order of their files' names.
fn cases() -> Result<Vec<Case>, String> {
    let folder = Path::new(FOLDER).join("cases");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let mut cases: Vec<Case> = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let topic = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        cases.extend(case::parse(&topic, &text).map_err(|error| format!("{}:{error}", file.display()))?);
    }
    match cases.iter().enumerate().find(|(at, case)| cases[..*at].iter().any(|earlier| earlier.name == case.name)) {
        Some((_, case)) => Err(format!("there are two cases {}", case.name)),
        None => Ok(cases),
    }
}

/// Runs a case with both programs, each in a folder of its own, and compares.
fn run(case: &Case, programs: &Programs) -> Result<(), String> {
    let folder = WorkFolder::new()?;
    let reference = folder.run(case, "reference", programs, &programs.reference)?;
    let tested = folder.run(case, "tested", programs, &programs.tested)?;
    comparison::compare(case, &reference, &tested, programs.tested_is_wasmtime)
}
