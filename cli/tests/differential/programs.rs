//! The two programs that are compared.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the version of the wasmtime to compare with begins with: that which is built into wasmscope.
const VERSION: &str = "wasmtime 48.";

/// The two programs that are compared.
pub struct Programs {
    pub reference: PathBuf,
    pub tested: PathBuf,
    /// Whether the cases themselves are tested; a wasmtime has no failures that are not its own.
    pub tested_is_wasmtime: bool,
}

impl Programs {
    /// Finds both, or says why there is nothing to compare with.
    pub fn find() -> Result<Self, String> {
        let reference = named_by("WASMSCOPE_WASMTIME").unwrap_or_else(|| PathBuf::from("wasmtime"));
        let version = version_of(&reference)
            .ok_or_else(|| format!("{} cannot be run; WASMSCOPE_WASMTIME can name a wasmtime", reference.display()))?;
        if !version.starts_with(VERSION) {
            return Err(format!("{} is {}, not {VERSION}x", reference.display(), version.trim()));
        }
        let tested = named_by("WASMSCOPE_UNDER_TEST").unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_wasmscope")));
        let tested_is_wasmtime = version_of(&tested).is_some_and(|version| version.starts_with("wasmtime "));
        Ok(Self { reference, tested, tested_is_wasmtime })
    }
}

/// Returns the program that a variable names. It is run in other folders, so a relative path is made absolute.
fn named_by(variable: &str) -> Option<PathBuf> {
    let program = PathBuf::from(env::var_os(variable)?);
    match program.components().count() {
        1 => Some(program),
        _ => std::path::absolute(program).ok(),
    }
}

fn version_of(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
