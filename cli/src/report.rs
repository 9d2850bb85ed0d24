//! `wasmscope report`: show a recorded profile again.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Parser;
use wasmscope_model::Recording;
use wasmscope_profiler::{export, resolve_again};
use wasmscope_symbolizer::{SearchResult, Symbolizer, Wanted};

use crate::event_option::EventOption;
use crate::output_options::OutputOptions;
use crate::progress;
use crate::recording_file::read_recording;
use crate::request_options::RequestOptions;
use crate::symbol_options::{SymbolOptions, refuse_unfit, refuse_unfit_split, wanted_for};
use crate::terminal;
use crate::verdict::{OWN_FAILURE, Verdict};

const EXAMPLES: &str = "\
Examples:
  Print the functions with the most CPU time, and how the profile was made:
    $ wasmscope report profile.pb.gz --top 1
      self%      self  total%     total  function  file:line
      93.7%      1324   93.7%      1324  turn      examples/guests/split/...
            11 more functions
    ...

  Make a page to explore in a browser, with the source text of hot lines:
    $ wasmscope report profile.pb.gz -o profile.html --source src
    wrote profile.html

  Draw a flame graph, and write one line for each stack:
    $ wasmscope report profile.pb.gz -o flame.svg -o stacks.folded
    wrote flame.svg
    wrote stacks.folded

  Look names and lines up in the build that was recorded, wherever it lies:
    $ wasmscope report raw.pb.gz --symbols builds -o profile.html
    wrote profile.html

  Draw where a service waited:
    $ wasmscope report service.pb.gz -e wait -o waits.svg
    wrote waits.svg

Exit code: 0, or 2 when the profile cannot be read or an output not be written.";

/// Show a recorded profile again.
///
/// Reads what `wasmscope profile` wrote, and pprof files of other tools. Without -o it prints a table.
#[derive(Parser, Debug)]
#[command(name = "report", after_long_help = EXAMPLES, mut_arg("symbols", |symbols| symbols.visible_alias("debug")))]
pub struct Report {
    /// The profile, .pb.gz; - reads standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    event: EventOption,

    #[command(flatten)]
    requests: RequestOptions,

    #[command(flatten)]
    symbols: SymbolOptions,

    #[command(flatten)]
    output: OutputOptions,
}

impl Report {
    /// Shows the profile, and tells what to exit with.
    pub fn execute(self) -> Verdict {
        self.run().unwrap_or_else(|error| Verdict::failure(&error, OWN_FAILURE))
    }

    fn run(&self) -> Result<Verdict> {
        let mut recording = read_recording(&self.file)?;
        if self.symbols.is_given() {
            self.look_up_again(&mut recording)?;
        }
        let mut title = title(&recording, &self.file);
        let part =
            self.requests.part(&recording).with_context(|| format!("cannot show a part of {}", self.file.display()))?;
        if let Some((part, name)) = part {
            recording = part;
            title = format!("{title} · {name}");
            terminal::note(name);
        }
        if self.output.is_empty() {
            let mut out = BufWriter::new(io::stdout().lock());
            let layout = self.output.layout(&io::stdout());
            let written = export::write_table(&self.output.shown(&recording), self.event.all(), layout, &mut out);
            terminal::unless_broken_pipe(written.and_then(|()| out.flush()))?;
            return Ok(Verdict::GOOD);
        }
        let all_written = self.output.check(&title)?.write(&recording, self.event.first(), &title);
        Ok(if all_written { Verdict::GOOD } else { Verdict(i32::from(OWN_FAILURE)) })
    }
}

impl Report {
    /// Looks names and lines up in the debug files that were named.
    fn look_up_again(&self, recording: &mut Recording) -> Result<()> {
        let wanted = wanted_for(recording);
        if wanted.is_empty() {
            bail!(
                "{} does not tell which code it was recorded from, so no debug file can be found for it",
                self.file.display()
            );
        }
        let _step = progress::step("looking up names and lines");
        let files = self.symbols.debug_files(None);
        let SearchResult { found, problems } = files.search(&wanted);
        refuse_unfit(&problems)?;
        problems.iter().for_each(terminal::warning);
        for module in wanted.iter().filter(|module| !found.iter().any(|file| file.identity == module.identity)) {
            let Wanted { name, identity, .. } = module;
            terminal::warning(format_args!("no debug file for {} (code {identity})", export::sanitized(name)));
        }
        let mut symbolizer = Symbolizer::new();
        found.into_iter().for_each(|file| symbolizer.add_debug_file(file));
        refuse_unfit(&symbolizer.unfit_source_maps(&files))?;
        symbolizer.add_source_maps(&files).iter().for_each(terminal::warning);
        let problems = symbolizer.add_split_units(&files);
        refuse_unfit_split(&files, &problems)?;
        problems.iter().for_each(terminal::warning);
        resolve_again(recording, &mut symbolizer);
        Ok(())
    }
}

/// Calls the profile by its first module, else by its file.
fn title(recording: &Recording, file: &Path) -> String {
    let module = recording.profile.modules.first().map(|module| module.name.clone());
    module.filter(|name| !name.is_empty()).unwrap_or_else(|| file.display().to_string())
}
