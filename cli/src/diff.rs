//! `wasmscope diff`: compare two recordings.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use wasmscope_model::{Event, Recording};
use wasmscope_profiler::diff::{Comparison, DiffLayout, Scale, write_diff_html, write_diff_svg, write_diff_table};
use wasmscope_profiler::export::{self, OutputFormat};

use crate::event_option::parse_event;
use crate::progress;
use crate::recording_file::read_recording;
use crate::terminal;
use crate::verdict::{OWN_FAILURE, Verdict};

const EXAMPLES: &str = "\
Examples:
  List the functions that take more or less than before:
    $ wasmscope diff before.pb.gz after.pb.gz
         self     before      after      total     before      after  function
    ...
    changed   0 of 12 functions; ~ marks what chance may have made
    ...

  Say so when a function takes over 5 % more than before, and not by chance:
    $ wasmscope diff before.pb.gz after.pb.gz --fail-above 5% || echo slower
    ...

  Explore the second profile; red takes more than before, blue less:
    $ wasmscope diff before.pb.gz after.pb.gz -o diff.html
    ...
    wrote diff.html

Exit code: 0, 1 when something takes more than --fail-above allows, 2 when a
profile cannot be read or an output not be written.";

/// Compare two recordings.
///
/// The first is brought to the pace of the second, so that another machine, load or duration makes no difference. A
/// function is the same in both when its name is.
#[derive(Parser, Debug)]
#[command(name = "diff", after_long_help = EXAMPLES)]
pub struct Diff {
    /// The profile before.
    #[arg(value_name = "BEFORE")]
    before: PathBuf,

    /// The profile after.
    #[arg(value_name = "AFTER")]
    after: PathBuf,

    /// What to compare: cpu, wait or ready.
    #[arg(short, long, value_name = "EVENT", default_value = "cpu", value_parser = parse_event)]
    event: Event,

    /// How the two are brought to one pace: typical, share or absolute.
    ///
    /// typical scales the first so that the function in the middle takes the same in both: one slow function does not
    /// make the others look fast, and a change of everything alike does not show. share compares shares of the whole.
    /// absolute compares times as they are.
    #[arg(long, value_name = "HOW", default_value = "typical", hide_possible_values = true)]
    scale: ScaleOption,

    /// Exit with 1 if a function takes more than before by over this much of it; 5% without a value.
    ///
    /// Differences that chance may have made never count, nor do functions with less than 0.5 % of the whole. A function
    /// that is new is measured by the whole.
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, require_equals = false, default_missing_value = "5%", value_parser = parse_percent)]
    fail_above: Option<f64>,

    /// Write a differential flame graph: .svg, or .html to explore it in a browser.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,

    /// List stacks, too.
    #[arg(long)]
    stacks: bool,

    /// Rows of the table.
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
}

/// How two recordings are brought to one pace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum ScaleOption {
    Typical,
    Share,
    Absolute,
}

fn parse_percent(text: &str) -> Result<f64, String> {
    let number: f64 =
        text.trim_end_matches('%').trim().parse().map_err(|_| "it is a percentage, such as 5%".to_owned())?;
    match number.is_finite() && number >= 0.0 {
        true => Ok(number / 100.0),
        false => Err("it is a percentage of zero or more, such as 5%".to_owned()),
    }
}

impl Diff {
    /// Compares, and tells what to exit with.
    pub fn execute(self) -> Verdict {
        self.run().unwrap_or_else(|error| Verdict::failure(&error, OWN_FAILURE))
    }

    fn run(&self) -> Result<Verdict> {
        if let Some(output) = &self.output {
            if !matches!(OutputFormat::of_path(output), Ok(OutputFormat::Svg(_) | OutputFormat::Html)) {
                bail!("{}: a comparison is written to a file that ends in .svg or .html", output.display());
            }
            export::check_writable(output, self.force)?;
        }
        let before = read_recording(&self.before)?;
        let after = read_recording(&self.after)?;
        for (file, recording) in [(&self.before, &before), (&self.after, &after)] {
            recording
                .notes
                .iter()
                .for_each(|note| terminal::hint(format_args!("{}: {}", file.display(), export::sanitized(note))));
        }
        let scale = match self.scale {
            ScaleOption::Typical => Scale::Typical,
            ScaleOption::Share => Scale::Share,
            ScaleOption::Absolute => Scale::Absolute,
        };
        let (before, after) = (export::without_adapters(&before), export::without_adapters(&after));
        let comparison = Comparison::of(&before, &after, self.event, scale);
        if comparison.all.samples_before == 0.0 || comparison.all.samples_after == 0.0 {
            let empty = if comparison.all.samples_before == 0.0 { &self.before } else { &self.after };
            if comparison.counts_known {
                bail!("{} has no {} samples, so there is nothing to compare", empty.display(), self.event);
            }
        }
        let mut out = BufWriter::new(io::stdout().lock());
        let layout = DiffLayout { rows: self.top, columns: terminal::columns(&io::stdout()), stacks: self.stacks };
        let written = write_diff_table(&comparison, layout, &mut out);
        terminal::unless_broken_pipe(written.and_then(|()| out.flush()))?;
        drop(out);
        if let Some(output) = &self.output {
            self.draw(&comparison, [&before, &after], output)?;
        }
        Ok(self.judge(&comparison))
    }

    fn draw(&self, comparison: &Comparison, [before, after]: [&Recording; 2], output: &Path) -> Result<()> {
        let title = format!("{} against {}", self.after.display(), self.before.display());
        let is_page = OutputFormat::of_path(output)? == OutputFormat::Html;
        let draw = |out: &mut dyn Write| match is_page {
            true => write_diff_html(comparison, before, after, &title, out),
            false => write_diff_svg(comparison, &title, out),
        };
        let step = progress::step(format_args!("writing {}", output.display()));
        export::write_atomically(output, self.force, draw)
            .with_context(|| format!("failed to write {}", output.display()))?;
        drop(step);
        terminal::note(format_args!("wrote {}", output.display()));
        Ok(())
    }

    fn judge(&self, comparison: &Comparison) -> Verdict {
        let Some(threshold) = self.fail_above else {
            return Verdict::GOOD;
        };
        if !comparison.counts_known {
            terminal::error(
                "--fail-above cannot judge: a file does not tell its number of samples, so no change can be told from chance",
            );
            return Verdict(i32::from(OWN_FAILURE));
        }
        let regressions = comparison.regressions(threshold);
        for regression in &regressions {
            let name =
                if regression.name.is_empty() { "everything".into() } else { export::sanitized(regression.name) };
            let what = if regression.name.is_empty() { "" } else { regression.what };
            terminal::error(format_args!(
                "{name}: {:+.1} %{}{what}, and {:.1} % are allowed",
                regression.growth * 100.0,
                if what.is_empty() { "" } else { " " },
                threshold * 100.0
            ));
        }
        if regressions.is_empty() { Verdict::GOOD } else { Verdict::FINDING }
    }
}
