//! `wasmscope completions`: let a shell complete verbs and options.

use std::io::{self, Write};

use anyhow::{Context, Result};
use clap::{Command, Parser};
use clap_complete::{Generator, Shell};

use crate::terminal;
use crate::verdict::{OWN_FAILURE, Verdict};

const EXAMPLES: &str = "\
Examples:
  Complete in bash, where bash-completion is installed:
    $ wasmscope completions bash > ~/.local/share/bash-completion/completions/wasmscope

  In zsh, where `fpath+=~/.zfunc` stands before `compinit` in ~/.zshrc:
    $ wasmscope completions zsh > ~/.zfunc/_wasmscope

  In fish:
    $ wasmscope completions fish > ~/.config/fish/completions/wasmscope.fish

Exit code: 0, or 2 when it cannot be written.";

/// Print what lets a shell complete verbs and options.
///
/// The shell reads the script when it starts: keep it where the shell looks for such, or let the shell evaluate it.
#[derive(Parser, Debug)]
#[command(name = "completions", after_long_help = EXAMPLES)]
pub struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    /// Prints the script for the whole command line, `wasmscope`.
    pub fn execute(self, wasmscope: Command) -> Verdict {
        self.print(wasmscope).map_or_else(|error| Verdict::failure(&error, OWN_FAILURE), |()| Verdict::GOOD)
    }

    fn print(&self, wasmscope: Command) -> Result<()> {
        let mut wasmscope = without_hidden(&wasmscope);
        wasmscope.set_bin_name(wasmscope.get_name().to_owned());
        wasmscope.build();
        let mut script = Vec::new();
        self.shell.try_generate(&wasmscope, &mut script)?;
        let written = io::stdout().lock().write_all(&script);
        terminal::unless_broken_pipe(written).context("failed to write to standard output")
    }
}

/// Copies a command as far as users see it. Not all shells' scripts leave hidden options out.
fn without_hidden(command: &Command) -> Command {
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    let copy = Command::new(command.get_name().to_owned())
        .about(command.get_about().cloned().unwrap_or_default())
        .args(command.get_arguments().filter(|option| !option.is_hide_set()))
        .subcommands(verbs.map(without_hidden));
    match command.get_version() {
        Some(version) => copy.version(version.to_owned()),
        None => copy,
    }
}
