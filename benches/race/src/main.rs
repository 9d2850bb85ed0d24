//! Races of guests alone, under wasmtime's guest profiler and under wasmscope; and soaks that take minutes.
//!
//! `cargo run --release -p wasmscope-race -- all` runs everything and writes raw results and summaries to
//! `docs/bench/DATE-MACHINE/`. A figure that misses its target makes the exit code 1.

mod accuracy;
mod command;
mod cost;
mod cost_modes;
mod handler;
mod host_calls;
mod perf_event;
mod perf_ring;
mod results;
mod ring_stacks;
mod storm;
mod storm_report;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use results::Results;

/// Measures what wasmscope costs and how far its recordings can be trusted.
#[derive(Parser, Debug)]
#[command(name = "wasmscope-race", version)]
struct Cli {
    /// Write results to this folder rather than to docs/bench/DATE-MACHINE.
    #[arg(long, global = true, value_name = "FOLDER")]
    out: Option<PathBuf>,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Race three guests: alone, under wasmscope at several rates, under wasmtime's guest profiler.
    Cost(cost::Options),
    /// Measure how long the signal handler takes, by the depth of the stack.
    Handler(handler::Options),
    /// Measure what counting and timing a host call costs, and how right its counts and times are.
    HostCalls(host_calls::Options),
    /// Hold recordings against guests that count themselves and against the guests' own code.
    Accuracy(accuracy::Options),
    /// Race the kernel's own ring of samples against the signal engine.
    PerfRing(perf_ring::Options),
    /// Sample as fast as possible while threads and modules come and go.
    Storm(storm::Options),
    /// Do all of the above with their defaults.
    All,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let results = Results::in_folder(cli.out)?;
    let met = match cli.verb {
        Verb::Cost(options) => cost::run(&options, &results)?,
        Verb::Handler(options) => handler::run(&options, &results)?,
        Verb::HostCalls(options) => host_calls::run(&options, &results)?,
        Verb::Accuracy(options) => accuracy::run(&options, &results)?,
        Verb::PerfRing(options) => perf_ring::run(&options, &results)?,
        Verb::Storm(options) => storm::run(&options, &results)?,
        Verb::All => all(&results)?,
    };
    println!("results are in {}", results.folder().display());
    Ok(ExitCode::from(u8::from(!met)))
}

fn all(results: &Results) -> Result<bool> {
    let defaults = ["wasmscope-race"];
    let met = [
        handler::run(&handler::Options::parse_from(defaults), results)?,
        cost::run(&cost::Options::parse_from(defaults), results)?,
        host_calls::run(&host_calls::Options::parse_from(defaults), results)?,
        accuracy::run(&accuracy::Options::parse_from(defaults), results)?,
        storm::run(&storm::Options::parse_from(defaults), results)?,
    ];
    Ok(met.into_iter().all(|met| met))
}
