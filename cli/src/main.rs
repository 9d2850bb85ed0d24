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
mod quantity;
mod record_options;
mod recorded_run;
mod recording_file;
mod report;
mod run;
mod serve;
mod symbol_options;
mod symbolize;
mod terminal;
mod verdict;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::color::ColorChoice;

/// See where WebAssembly guests spend their time.
#[derive(Parser)]
#[command(name = "wasmscope", version, max_term_width = 100, after_help = "`wasmscope help VERB` tells more.")]
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
    terminal::set_color(cli.color);
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
