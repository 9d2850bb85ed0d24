//! The folders in which the programs run, and what is in them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::case::{Case, Stdin, Stdout};
use crate::outcome::Outcome;
use crate::programs::Programs;

/// A folder with one folder for each program, and one for what they keep at home.
pub struct WorkFolder(TempDir);

impl WorkFolder {
    pub fn new() -> Result<Self, String> {
        tempfile::tempdir().map(Self).map_err(|error| error.to_string())
    }

    /// Runs a case with a program, in a fresh folder of this name.
    pub fn run(&self, case: &Case, name: &str, programs: &Programs, program: &Path) -> Result<Outcome, String> {
        let folder = self.0.path().join(name);
        let said = |error: String| format!("{name}: {error}");
        fill(&folder, case).map_err(|error| said(format!("its folder: {error}")))?;
        if let Some(args) = &case.before {
            let mut command = self.command(case, &programs.reference, &folder);
            let outcome = Outcome::of(command.args(args).stdin(Stdio::null()), None).map_err(said)?;
            if !outcome.status.success() {
                return Err(said(format!("what comes before it failed: {}", outcome.stderr)));
            }
        }
        let mut command = self.command(case, program, &folder);
        command.arg("run").args(&case.args).stdout(stdout(case).map_err(|error| said(error.to_string()))?);
        let input = match &case.stdin {
            Stdin::Piped(input) => Some(input.clone()),
            Stdin::Nothing => None,
            Stdin::File(file) => {
                command.stdin(File::open(folder.join(file)).map_err(|error| said(format!("{file}: {error}")))?);
                None
            }
        };
        if matches!(case.stdin, Stdin::Nothing) {
            command.stdin(Stdio::null());
        }
        let mut outcome = Outcome::of(&mut command, input).map_err(said)?;
        add_files(&folder, &folder, &mut outcome.files).map_err(|error| said(error.to_string()))?;
        Ok(outcome)
    }

    fn command(&self, case: &Case, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear().env("HOME", self.0.path().join("home"));
        // The package of the reference starts it by Python, which would set a locale where there is none.
        command.env("LC_ALL", "C.UTF-8");
        // A program without a folder in its name is looked up in the new environment.
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(case.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Returns where standard output goes: to us, or into a pipe whose other end is closed.
fn stdout(case: &Case) -> io::Result<Stdio> {
    if case.stdout == Stdout::Closed {
        let (_reader, writer) = io::pipe()?;
        return Ok(writer.into());
    }
    Ok(Stdio::piped())
}

fn fill(folder: &Path, case: &Case) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let guests = Path::new(crate::FOLDER).join("guests");
    for arg in case.args.iter().chain(case.before.iter().flatten()) {
        let name = arg.to_string_lossy();
        let name = name.rsplit('=').next().unwrap_or_default();
        let guest = guests.join(name);
        if guest.extension() == Some(OsStr::new("wat")) && guest.is_file() {
            fs::copy(&guest, folder.join(name))?;
        }
    }
    for (name, bytes) in &case.files {
        let path = folder.join(name);
        match name.strip_suffix('/') {
            Some(_) => fs::create_dir_all(path)?,
            None => {
                fs::create_dir_all(path.parent().unwrap_or(folder))?;
                fs::write(path, bytes)?;
            }
        }
    }
    Ok(())
}

/// Adds the files below a folder, with what is in them.
fn add_files(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        if path.is_dir() {
            add_files(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.insert(name, fs::read(path)?);
        }
    }
    Ok(())
}
