//! `wasmscope profile`: run a guest and see where it spends its time.

use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use wasmscope::{Guest, GuestEnd, ProfileSession, ReadyGuest};
use wasmscope_profiler::export;

use crate::event_loop::{Event, EventLoop, exit_code_of};
use crate::guest_options::GuestOptions;
use crate::output_options::OutputOptions;
use crate::record_options::RecordOptions;
use crate::terminal;
use crate::verdict::{OWN_FAILURE_BESIDE_GUEST, Verdict};

const EXAMPLES: &str = "\
Examples:
  wasmscope profile guest.wasm input.json
      runs the guest as `wasmtime run` does; at its end a table goes to standard
      error and the profile to profile-guest-TIME.pb.gz

  wasmscope profile -o flame.svg -o profile.pb.gz guest.wasm
      draws a flame graph and keeps the profile

  wasmscope profile -d 10s -r 997 --dir . --env LANG guest.wasm
      samples ten seconds ten times as often; the guest sees this folder

Exit code: the guest's; 134 when it trapped; 130 or 143 after Ctrl-C or SIGTERM,
with the profile written; 0 when --duration ended it; 125 when wasmscope failed.";

/// Run a guest and see where it spends its time.
///
/// The guest is a WebAssembly module for WASI preview 1, or a module whose functions are called with --invoke. It
/// runs as under `wasmtime run`: with our streams, and with the variables and directories that are named here.
#[derive(Parser, Debug)]
#[command(name = "profile", override_usage = "wasmscope profile [OPTIONS] GUEST [ARGS]...", after_long_help = EXAMPLES)]
pub struct Profile {
    #[command(flatten)]
    record: RecordOptions,

    #[command(flatten)]
    output: OutputOptions,

    #[command(flatten)]
    guest: GuestOptions,
}

impl Profile {
    /// Runs the guest, and tells what to exit with.
    pub fn execute(self) -> Verdict {
        self.run().unwrap_or_else(|error| Verdict::failure(&error, OWN_FAILURE_BESIDE_GUEST))
    }

    fn run(&self) -> Result<Verdict> {
        let config = self.record.config()?;
        let guest = Guest::load(self.guest.path()?)?;
        let outputs = self.output.check(guest.name())?;
        let session = ProfileSession::builder().user_cache(self.guest.cache()).build()?;
        let ready = self.guest.run()?.prepare(&session, &guest)?;
        self.say_what_is_odd(&guest, &ready);

        let events = EventLoop::new()?;
        let recorder = session.record(config)?;
        let event = events.run(ready, self.record.duration)?;
        let recording = recorder.stop()?;

        // The recording is what nobody can make again, so it is written whatever else fails.
        let told = tell_end(event);
        let shown = self.write_table(&recording);
        let all_written = outputs.write(&recording, guest.name());
        let code = told?;
        shown.context("failed to write the table")?;
        Ok(Verdict(if all_written { code } else { i32::from(OWN_FAILURE_BESIDE_GUEST) }))
    }

    fn say_what_is_odd(&self, guest: &Guest, ready: &ReadyGuest) {
        if let Some(option) = self.guest.misplaced_option() {
            let name = guest.name();
            terminal::hint(format_args!("{option} stands after {name}, so the guest gets it; ours go before {name}"));
        }
        if ready.takes_arguments() {
            terminal::warning(
                "using `--invoke` with a function that takes arguments is experimental and may break in the future",
            );
        }
    }

    /// Writes the table to standard error, since standard output is the guest's.
    fn write_table(&self, recording: &wasmscope_model::Recording) -> Result<()> {
        let mut out = BufWriter::new(io::stderr().lock());
        let layout = self.output.layout(&io::stderr());
        let written = export::write_table(recording, self.record.event(), layout, &mut out);
        Ok(terminal::unless_broken_pipe(written.and_then(|()| out.flush()))?)
    }
}

/// Says how the run ended, in wasmtime's words where the guest ended it, and returns the exit code.
fn tell_end(event: Event) -> Result<i32> {
    match event {
        Event::Guest(end) => {
            match &end {
                GuestEnd::Returned(values) if !values.is_empty() => {
                    terminal::warning(
                        "using `--invoke` with a function that returns values is experimental and may break in the future",
                    );
                    let mut out = io::stdout().lock();
                    terminal::unless_broken_pipe(values.iter().try_for_each(|value| writeln!(out, "{value}")))
                        .context("failed to write what the function returned")?;
                }
                GuestEnd::Trapped(report) | GuestEnd::Failed(report) => terminal::error(report),
                GuestEnd::Returned(_) | GuestEnd::Exited(_) => {}
            }
            Ok(end.exit_code())
        }
        Event::Signal(signal) => Ok(exit_code_of(signal)),
        Event::TimeOver => Ok(0),
        Event::Panicked => Err(anyhow!("the guest's thread panicked; this is a defect of wasmscope")),
    }
}
