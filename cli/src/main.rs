//! The command `wasmscope`: where do WebAssembly guests spend their time?

mod color;
mod completions;
mod diff;
mod doctor;
mod event_loop;
mod event_option;
mod file_pattern;
mod guest_ended;
mod guest_options;
mod man;
mod output_options;
mod profile;
mod progress;
mod quantity;
mod record_options;
mod recorded_run;
mod recording_file;
mod report;
mod request_options;
mod run;
mod serve;
mod symbol_options;
mod symbolize;
mod terminal;
mod verdict;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::color::ColorChoice;

const EXAMPLES: &str = "\
Examples:
  See whether a guest has names and lines, and where it spends its time:
    $ wasmscope doctor guest.wasm
    ...
    $ wasmscope profile -o profile.pb.gz guest.wasm
    ...
    wrote profile.pb.gz
    $ wasmscope report profile.pb.gz -o profile.html
    wrote profile.html

  Make a log with addresses readable:
    $ wasmscope symbolize app.wasm service.log
    ...

`wasmscope help VERB` tells more.";

/// See where WebAssembly guests spend their time.
#[derive(Parser)]
#[command(
    name = "wasmscope",
    version,
    max_term_width = 100,
    after_help = "`wasmscope help VERB` tells more.",
    after_long_help = EXAMPLES
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,

    /// Colour messages: auto looks at the terminal and NO_COLOR.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        display_order = 900
    )]
    color: ColorChoice,

    /// Leave out progress, hints and the names of written files.
    #[arg(short, long, global = true, display_order = 901)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Verb {
    Run(run::Run),
    Serve(serve::Serve),
    Profile(profile::Profile),
    Report(report::Report),
    Diff(diff::Diff),
    Symbolize(symbolize::Symbolize),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Man(man::Man),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return verdict::of_usage_error(&error),
    };
    terminal::set_up(cli.color, cli.quiet);
    progress::set_up(cli.quiet);
    let verdict = match cli.verb {
        Verb::Run(run) => run.execute(),
        Verb::Serve(serve) => serve.execute(),
        Verb::Profile(profile) => profile.execute(),
        Verb::Report(report) => report.execute(),
        Verb::Diff(diff) => diff.execute(),
        Verb::Symbolize(symbolize) => symbolize.execute(),
        Verb::Doctor(doctor) => doctor.execute(),
        Verb::Completions(completions) => completions.execute(Cli::command()),
        Verb::Man(man) => man.execute(Cli::command()),
    };
    // The guest may still be running on its thread; leaving the process ends it.
    verdict.exit()
}
