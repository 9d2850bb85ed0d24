//! `wasmscope run`: run a guest as `wasmtime run` does, and record it if asked to.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use wasmscope::{Guest, SamplerConfig};
use wasmscope_model::{EngineKind, Event};

use crate::event_loop;
use crate::guest_ended::GuestEnded;
use crate::guest_options::{GuestOptions, without_long_name};
use crate::output_options::Outputs;
use crate::recorded_run::{RecordedRun, prepared};
use crate::verdict::{OWN_FAILURE_BESIDE_GUEST, Verdict};

const EXAMPLES: &str = "\
Examples:
  Run a guest as `wasmtime run` does; it may read and write this folder:
    $ wasmscope run --dir . guest.wasm 10
    checksum 6027d383
    ...

  See what a trap means and where it came from, inlined functions among it:
    $ wasmscope run app.wasm; echo $?
    ...
    error: wasm trap: integer divide by zero
        0: quotient (inlined) at testkit/guests/trap.c:12:14
        0: rounded (inlined) at testkit/guests/trap.c:16:10
        0: average at testkit/guests/trap.c:20:10
    ...
    134

  Sample it as well, for `wasmscope report run.pb.gz`:
    $ wasmscope run --record run.pb.gz -W max-memory-size=100000000 guest.wasm
    ...
    wrote run.pb.gz

  Call one function:
    $ wasmscope run --invoke 'add(1, 2)' component.wasm
    3

Exit code: the guest's; 134 when it trapped; 1 when it failed otherwise; 125
when wasmscope failed.";

/// Run a guest as `wasmtime run` does.
///
/// Takes wasmtime's options, and gives its results: the same streams, exit codes and words for traps.
#[derive(Parser)]
#[command(
    name = "run",
    override_usage = "wasmscope run [OPTIONS] GUEST [ARGS]...",
    after_long_help = EXAMPLES,
    mut_arg("record_raw", without_long_name)
)]
pub struct Run {
    /// Sample the guest, and write the profile: .pb.gz, .html, .svg or any other form that `profile -o` writes.
    ///
    /// %m in the name is the guest's name, %t the time.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Replace the file of --record if it exists.
    #[arg(long, requires = "record")]
    force: bool,

    #[command(flatten)]
    guest: GuestOptions,
}

impl Run {
    /// Runs the guest, and tells what to exit with.
    pub fn execute(self) -> Verdict {
        let run = || match &self.record {
            Some(file) => self.recorded(file.clone()),
            None => self.plain(),
        };
        run().unwrap_or_else(|error| Verdict::failure(&error, OWN_FAILURE_BESIDE_GUEST))
    }

    fn plain(&self) -> Result<Verdict> {
        let guest = Guest::read(self.guest.path()?)?;
        let (_session, ready) = prepared(&self.guest, &guest, None)?;
        let end = ready.run().context("failed to start the guest's threads")?;
        let ended = GuestEnded { event: event_loop::Event::Guest(end), is_component: guest.is_component() };
        ended.tell().map(Verdict)
    }

    fn recorded(&self, file: PathBuf) -> Result<Verdict> {
        let guest = Guest::load(self.guest.path()?)?;
        let outputs = Outputs::check(&[file], self.force, guest.name())?;
        let run = RecordedRun::prepare(&self.guest, &guest, EngineKind::Signal)?;
        let (recording, ended) = run.record(SamplerConfig::default(), None)?;
        let told = ended.tell();
        let all_written = outputs.write(&recording, Event::Cpu, guest.name());
        let code = told?;
        Ok(Verdict(if all_written { code } else { i32::from(OWN_FAILURE_BESIDE_GUEST) }))
    }
}
