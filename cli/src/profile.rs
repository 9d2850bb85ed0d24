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
  See where a guest spends its time, and keep the profile for later:
    $ wasmscope profile -r 997 --top 3 guest.wasm
    ...
      self%      self  total%     total  function  file:line
      93.7%      1324   93.7%      1324  turn      examples/guests/split/...
    ...
    wrote profile-guest-20261128T153031Z.pb.gz
    ...

  Draw a flame graph, and make a page to explore in a browser:
    $ wasmscope profile -o flame.svg -o profile.html guest.wasm
    ...
    wrote flame.svg
    wrote profile.html

  Stop after ten seconds; the guest sees this folder and the variable LANG:
    $ wasmscope profile -d 10s --dir . --env LANG guest.wasm

  Draw where it waits:
    $ wasmscope profile -e wait -o waits.svg service.wasm
    ...
    wrote waits.svg

  Profile a stripped guest by the build that it was made from:
    $ wasmscope profile --symbols builds -o profile.html stripped.wasm
    ...
    wrote profile.html

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
