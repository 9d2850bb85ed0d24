//! `wasmscope profile`: run a guest and see where it spends its time.

use std::io::{self, BufWriter, Write};

use anyhow::Result;
use clap::Parser;
use wasmscope::Guest;
use wasmscope_profiler::export;

use crate::guest_options::{GuestOptions, without_long_name};
use crate::output_options::OutputOptions;
use crate::record_options::RecordOptions;
use crate::recorded_run::RecordedRun;
use crate::verdict::{OWN_FAILURE_BESIDE_GUEST, Verdict};

const EXAMPLES: &str = "\
Examples:
  wasmscope profile guest.wasm input.json
      runs the guest as `wasmtime run` does; at its end a table goes to standard
      error and the profile to profile-guest-TIME.pb.gz

  wasmscope profile -o profile.html -o profile.pb.gz guest.wasm
      draws a flame graph and keeps the profile

  wasmscope profile -d 10s -r 997 --dir . --env LANG guest.wasm
      samples ten seconds ten times as often; the guest sees this folder

Exit code: the guest's; 134 when it trapped; 130, 143 or 129 after Ctrl-C,
SIGTERM or SIGHUP, with the profile written; 0 when --duration ended it; 125
when wasmscope failed.";

/// Run a guest and see where it spends its time.
///
/// The guest is a WebAssembly module or component that `wasmtime run` would run, and runs as it would there: with our
/// streams, and with the variables, directories and options that are named here.
#[derive(Parser)]
#[command(
    name = "profile",
    override_usage = "wasmscope profile [OPTIONS] GUEST [ARGS]...",
    after_long_help = EXAMPLES,
    mut_arg("record_raw", without_long_name)
)]
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
        let run = RecordedRun::prepare(&self.guest, &guest, self.record.engine())?;
        let (recording, ended) = run.record(config, self.record.duration)?;

        // The recording is what nobody can make again, so it is written whatever else fails.
        let told = ended.tell();
        self.write_table(&recording);
        let all_written = outputs.write(&recording, self.record.events().first(), guest.name());
        let code = told?;
        Ok(Verdict(if all_written { code } else { i32::from(OWN_FAILURE_BESIDE_GUEST) }))
    }

    /// Writes the table to standard error, since standard output is the guest's.
    fn write_table(&self, recording: &wasmscope_model::Recording) {
        let mut out = BufWriter::new(io::stderr().lock());
        let layout = self.output.layout(&io::stderr());
        let written = export::write_table(&self.output.shown(recording), self.record.events().all(), layout, &mut out);
        // Where standard error cannot be written there is nowhere to say so, and the recording is in its file.
        let _ = written.and_then(|()| out.flush());
    }
}
