//! Where the recording goes.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Result, bail};
use clap::Args;
use terminal_size::{Width, terminal_size_of};
use wasmscope_model::Recording;
use wasmscope_profiler::export::{self, ExportError, OutputFormat, TableLayout};

use crate::{file_pattern, terminal};

/// Where the recording goes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Write a file: .pb.gz, .svg or .folded; may be repeated.
    ///
    /// .pb.gz is pprof with everything that was recorded, .svg a flame graph, .folded one line a stack. %m in the name
    /// is the guest's name, %t the time.
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,

    /// Replace files that exist.
    #[arg(long)]
    force: bool,

    /// Rows of the table.
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
}

/// Files that could be written when it was tried.
#[derive(Debug)]
pub struct Outputs {
    files: Vec<PathBuf>,
    force: bool,
    is_default: bool,
}

/// Tells whether a file name ends in one of the formats.
pub fn has_known_ending(file: &str) -> bool {
    OutputFormat::of_path(Path::new(file)).is_ok()
}

impl OutputOptions {
    /// Tells whether any file is wanted.
    pub fn is_empty(&self) -> bool {
        self.output.is_empty()
    }

    /// Returns the layout of the table: as wide as the terminal that it goes to.
    pub fn layout(&self, to: &impl AsFd) -> TableLayout {
        let terminal = terminal_size_of(to).map(|(Width(columns), _)| usize::from(columns));
        let columns = terminal.unwrap_or(TableLayout::default().columns);
        TableLayout { rows: self.top, columns }
    }

    /// Checks that each file can be written, before anything else happens. Without any, the default file is taken.
    pub fn check(&self, module: &str) -> Result<Outputs> {
        let now = SystemTime::now();
        let expanded = self.output.iter().map(|path| match path.to_str() {
            Some(pattern) => file_pattern::expand(pattern, module, now),
            None => path.clone(),
        });
        let mut files: Vec<PathBuf> = expanded.collect();
        if files.is_empty() {
            files.push(file_pattern::default_file(module, now));
        }
        for (index, file) in files.iter().enumerate() {
            if files[..index].contains(file) {
                bail!("{} is named twice", file.display());
            }
            export::check_writable(file, self.force)?;
        }
        Ok(Outputs { files, force: self.force, is_default: self.output.is_empty() })
    }
}

impl Outputs {
    /// Writes every file, says where it is, and goes on after a failure; tells whether all went well.
    ///
    /// An empty profile has no flame graph. That is said, and is no failure.
    pub fn write(&self, recording: &Recording, title: &str) -> bool {
        let mut all_written = true;
        for file in &self.files {
            match export::write_file(recording, file, title, self.force) {
                Ok(()) => terminal::line(format_args!("wrote {}", file.display())),
                Err(error @ ExportError::Empty) => {
                    terminal::warning(format_args!("{} was not written: {error}", file.display()));
                }
                Err(error) => {
                    terminal::error(error);
                    all_written = false;
                }
            }
        }
        if let ([file], true, true) = (&*self.files, self.is_default, all_written) {
            terminal::line(format_args!("      wasmscope report {} -o flame.svg draws it", file.display()));
        }
        all_written
    }
}
