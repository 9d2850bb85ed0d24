//! Where the recording goes.

use std::borrow::Cow;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Result, bail};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use wasmscope_model::{Event, Recording};
use wasmscope_profiler::export::{self, ExportError, OutputFormat, TableLayout};
use wasmscope_report::SourceExcerpts;

use crate::{file_pattern, progress, terminal};

/// Where the recording goes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Write a file, in the format of its ending; may be repeated.
    ///
    /// .pb.gz is pprof with everything that was recorded, .html a page to explore it in a browser, .svg a flame graph,
    /// .folded one line a stack. .firefox.json is for profiler.firefox.com, .speedscope.json for speedscope.app, .perfetto.json or .trace.json for ui.perfetto.dev;
    /// .gz after these compresses them. %m in the name is the guest's name, %t the time.
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,

    /// Choose the format of files whose ending leaves a choice.
    ///
    /// flame, icicle and reversed are three layouts of .svg: callers below, callers above, and every function with its
    /// callers on top of it. A name that ends in none of the endings gets whatever is chosen.
    #[arg(short, long, value_name = "FORMAT", value_parser = format_parser(), requires = "output")]
    format: Option<OutputFormat>,

    /// Show the text of source lines in .html, from the files beneath a folder.
    ///
    /// The folder holds the source as it was built: its files are found by the ends of the paths that the recording names.
    #[arg(long, value_name = "FOLDER", requires = "output")]
    source: Option<PathBuf>,

    /// Replace files that exist.
    #[arg(long)]
    force: bool,

    /// Show the frames of adapters, which join the modules of a component, one by one.
    ///
    /// Otherwise all but .pb.gz show `[adapter]` in place of them.
    #[arg(long)]
    adapters: bool,

    /// Rows of the table.
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
}

/// Files that could be written when it was tried.
#[derive(Debug)]
pub struct Outputs {
    files: Vec<(PathBuf, OutputFormat)>,
    force: bool,
    adapters: bool,
    source: Option<PathBuf>,
    /// The module and the time that make the default name; `None` when files were named.
    default_of: Option<(String, SystemTime)>,
}

/// Returns the one name of the place that a file name denotes, links in its folder resolved.
fn place_of(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    match (folder.canonicalize(), file.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => file.to_owned(),
    }
}

/// Returns a name for a flame graph of a recording: a short one if no such file exists, else one like the recording's.
fn free_drawing(recording: &Path) -> PathBuf {
    let short = Path::new("flame.svg");
    let name = recording.to_string_lossy();
    if short.exists() {
        format!("{}.svg", name.strip_suffix(".pb.gz").unwrap_or(&name)).into()
    } else {
        short.to_owned()
    }
}

fn format_parser() -> impl TypedValueParser<Value = OutputFormat> {
    let names = PossibleValuesParser::new(OutputFormat::names().map(|(name, _)| name));
    names.try_map(|name| OutputFormat::from_name(&name).ok_or("there is no such format"))
}

/// Returns the format of a file: the chosen one, unless the file's ending tells another.
fn format_of(file: &Path, chosen: Option<OutputFormat>) -> Result<OutputFormat, ExportError> {
    match (OutputFormat::of_path(file), chosen) {
        (Ok(told), Some(chosen)) if chosen.is_kind_of(told) => Ok(chosen),
        (Ok(told), _) => Ok(told),
        (Err(_), Some(chosen)) => Ok(chosen),
        (Err(error), None) => Err(error),
    }
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
        TableLayout { rows: self.top, columns: terminal::columns(to) }
    }

    /// Checks that each file can be written, before anything else happens. Without any, the default file is taken.
    pub fn check(&self, module: &str) -> Result<Outputs> {
        let outputs = Outputs::check_as(&self.output, self.format, self.force, module)?;
        let is_page = |(_, format): &(PathBuf, OutputFormat)| *format == OutputFormat::Html;
        if let Some(source) = &self.source {
            if !outputs.files.iter().any(is_page) {
                bail!("--source fits no file: only .html shows source text");
            }
            if !source.is_dir() {
                bail!("--source {}: it is no folder", source.display());
            }
        }
        Ok(Outputs { adapters: self.adapters, source: self.source.clone(), ..outputs })
    }

    /// Returns what a table shows of a recording.
    pub fn shown<'r>(&self, recording: &'r Recording) -> Cow<'r, Recording> {
        if self.adapters { Cow::Borrowed(recording) } else { export::without_adapters(recording) }
    }
}

impl Outputs {
    /// As [`OutputOptions::check`], in the formats of the files' endings.
    pub fn check(output: &[PathBuf], force: bool, module: &str) -> Result<Outputs> {
        Outputs::check_as(output, None, force, module)
    }

    fn check_as(output: &[PathBuf], chosen: Option<OutputFormat>, force: bool, module: &str) -> Result<Outputs> {
        let now = SystemTime::now();
        let expanded = output.iter().map(|path| match path.to_str() {
            Some(pattern) => file_pattern::expand(pattern, module, now),
            None => path.clone(),
        });
        let mut files: Vec<PathBuf> = expanded.collect();
        let default_of = files.is_empty().then(|| (module.to_owned(), now));
        if default_of.is_some() {
            files.extend(file_pattern::default_files(module, now).find(|path| !path.exists()));
        }
        let mut known = Vec::new();
        let mut with_formats = Vec::new();
        for file in files {
            let format = format_of(&file, chosen)?;
            export::check_place(&file, force)?;
            let place = place_of(&file);
            if known.contains(&place) {
                bail!("{} is named twice", file.display());
            }
            known.push(place);
            with_formats.push((file, format));
        }
        if let Some(chosen) = chosen.filter(|chosen| with_formats.iter().all(|(_, format)| format != chosen)) {
            let names = OutputFormat::names().find(|(_, format)| *format == chosen).map_or("", |(name, _)| name);
            bail!("--format {names} fits no file: the ending of each tells another format");
        }
        Ok(Outputs { files: with_formats, force, adapters: false, source: None, default_of })
    }

    /// Writes every file, says where it is, and goes on after a failure; tells whether all went well.
    ///
    /// An empty profile has no flame graph. That is said, and is no failure.
    pub fn write(&self, recording: &Recording, event: Event, title: &str) -> bool {
        let mut all_written = true;
        let folded = if self.adapters { Cow::Borrowed(recording) } else { export::without_adapters(recording) };
        for (file, format) in &self.files {
            let shown = if *format == OutputFormat::Pprof { recording } else { &folded };
            let step = progress::step(format_args!("writing {}", file.display()));
            let written = self.write_one(shown, event, *format, file, title);
            drop(step);
            match written {
                Ok(file) => {
                    terminal::note(format_args!("wrote {}", file.display()));
                    if self.default_of.is_some() {
                        let (file, drawn) = (file.display(), free_drawing(&file));
                        terminal::note(format_args!("      wasmscope report {file} -o {} draws it", drawn.display()));
                    }
                }
                Err(error @ ExportError::Empty) => {
                    terminal::warning(format_args!("{} was not written: {error}", file.display()));
                }
                Err(error) => {
                    terminal::error(error);
                    all_written = false;
                }
            }
        }
        all_written
    }

    /// Writes one file, and returns its name: another default one when a second run took the name meanwhile.
    fn write_one(
        &self,
        recording: &Recording,
        event: Event,
        format: OutputFormat,
        file: &Path,
        title: &str,
    ) -> Result<PathBuf, ExportError> {
        let Some((module, now)) = &self.default_of else {
            match (&self.source, format) {
                (Some(source), OutputFormat::Html) => self.write_page(recording, event, file, title, source)?,
                _ => export::write_file_as(recording, event, format, file, title, self.force)?,
            }
            return Ok(file.to_owned());
        };
        for file in file_pattern::default_files(module, *now) {
            match export::write_file(recording, event, &file, title, false) {
                Ok(()) => return Ok(file),
                Err(ExportError::Exists { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ExportError::Exists { path: file.to_owned() })
    }

    /// Writes a page with the source text that `source` has.
    fn write_page(
        &self,
        recording: &Recording,
        event: Event,
        file: &Path,
        title: &str,
        source: &Path,
    ) -> Result<(), ExportError> {
        let (excerpts, problems) = SourceExcerpts::read(recording, source);
        for problem in &problems {
            terminal::warning(format_args!("{}: {}", export::sanitized(&problem.file), problem.reason));
        }
        if excerpts.is_empty() && problems.is_empty() {
            terminal::warning(format_args!("no source file of the recording lies beneath {}", source.display()));
        }
        export::write_atomically(file, self.force, |out| export::write_html(recording, event, title, &excerpts, out))
    }
}
