//! `wasmscope man`: the pages for `man`.

mod page;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Command, Parser};

use self::page::Page;
use crate::terminal;
use crate::verdict::{OWN_FAILURE, Verdict};

const EXAMPLES: &str = "\
Examples:
  Read the manual:
    $ wasmscope man | man -l -

  Put a page for the command and one for each verb where `man` finds them:
    $ wasmscope man ~/.local/share/man/man1

Exit code: 0, or 2 when a page cannot be written.";

/// Print the page for `man`, or write one for each verb.
///
/// Without a folder it prints the main page.
#[derive(Parser, Debug)]
#[command(name = "man", after_long_help = EXAMPLES)]
pub struct Man {
    /// Write wasmscope.1 and a page for each verb to this folder, in place of those that are there.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Man {
    /// Prints or writes the pages of the whole command line, `wasmscope`.
    pub fn execute(self, wasmscope: Command) -> Verdict {
        self.run(wasmscope).map_or_else(|error| Verdict::failure(&error, OWN_FAILURE), |()| Verdict::GOOD)
    }

    fn run(&self, wasmscope: Command) -> Result<()> {
        let pages = Page::all(wasmscope)?;
        match &self.folder {
            Some(folder) => write(&pages, folder),
            None => {
                let main = pages.first().map(|page| page.text.as_str()).unwrap_or_default();
                let written = io::stdout().lock().write_all(main.as_bytes());
                terminal::unless_broken_pipe(written).context("failed to write to standard output")
            }
        }
    }
}

fn write(pages: &[Page], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("failed to make the folder {}", folder.display()))?;
    for page in pages {
        let file = folder.join(format!("{}.1", page.name));
        fs::write(&file, &page.text).with_context(|| format!("failed to write {}", file.display()))?;
        terminal::note(format_args!("wrote {}", file.display()));
    }
    Ok(())
}
