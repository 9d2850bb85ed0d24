//! `wasmscope doctor`: what will resolve in a guest or a recording, and what to do about the rest.

mod build_advice;
mod guest_facts;
mod guest_json;
mod guest_page;
mod host_needs;
mod input;
mod machine;
mod page;
mod prognosis;
mod recording_facts;
mod recording_page;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::{Value, json};

use self::guest_facts::GuestFacts;
use self::input::Input;
use self::machine::Machine;
use self::page::Page;
use self::recording_facts::RecordingFacts;
use crate::symbol_options::SymbolPlaces;
use crate::verdict::{OWN_FAILURE, Verdict};
use crate::{progress, terminal};

const EXAMPLES: &str = "\
Examples:
  See how much of a guest has names and lines, and how to build it with more:
    $ wasmscope doctor --skip-machine guest.wasm
    ...
    what will resolve
      function names  yes: 100.0% of the code, in 64 of 64 functions
      inlined calls   yes: 64 calls known; 34.0% of the code was ...
    ...
    verdict
      good            everything important resolves

  Let a script decide:
    $ wasmscope doctor --skip-machine --json stripped.wasm > out || echo bare
    bare

  See which samples of a profile have a function and a line, and why not all:
    $ wasmscope doctor --skip-machine profile.pb.gz
    ...
    what resolved
      functions       100.0% of 1413 samples in guests
    ...

  See what this machine lets us sample with:
    $ wasmscope doctor --machine
    this machine
    ...

Exit code: 0 when everything important resolves; 1 when something will not; 2
when the file cannot be read.";

/// The version of what --json prints: it grows when a field changes its meaning or goes.
const JSON_VERSION: u32 = 1;

/// Tell what will resolve to functions and lines, and what to do about the rest.
///
/// Looks at a module or component before it is profiled, or at a profile that shows too little. No guest is run.
#[derive(Parser, Debug)]
#[command(name = "doctor", after_long_help = EXAMPLES, mut_arg("symbols", |symbols| symbols.visible_alias("debug")))]
pub struct Doctor {
    /// The guest, .wasm or .wat, or the profile, .pb.gz; - reads standard input.
    #[arg(value_name = "GUEST|FILE", required_unless_present = "machine")]
    file: Option<PathBuf>,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    /// Tell only which timers and engines this machine allows.
    #[arg(long, conflicts_with = "file")]
    machine: bool,

    /// Tell nothing of this machine.
    #[arg(long, conflicts_with = "machine")]
    skip_machine: bool,

    #[command(flatten)]
    symbols: SymbolPlaces,
}

/// What the file is about.
enum Subject {
    Guest(Box<GuestFacts>),
    Recording(Box<RecordingFacts>),
}

impl Doctor {
    /// Tells, and says what to exit with.
    pub fn execute(self) -> Verdict {
        self.run().unwrap_or_else(|error| Verdict::failure(&error, OWN_FAILURE))
    }

    fn run(&self) -> Result<Verdict> {
        let subject = self.subject()?;
        let machine = (!self.skip_machine).then(Machine::look);
        let findings = match &subject {
            Some(Subject::Guest(guest)) => guest.findings(),
            Some(Subject::Recording(recording)) => recording.findings(),
            None => machine.as_ref().map(Machine::findings).unwrap_or_default(),
        };
        let text = match self.json {
            true => json(subject.as_ref(), machine.as_ref(), &findings),
            false => page(subject.as_ref(), machine.as_ref(), &findings),
        };
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        terminal::unless_broken_pipe(written).context("failed to write to standard output")?;
        Ok(Verdict(i32::from(!findings.is_empty())))
    }

    fn subject(&self) -> Result<Option<Subject>> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let _step = progress::step(format_args!("inspecting {}", file.display()));
        let files = self.symbols.debug_files(Some(file));
        Ok(Some(match input::read(file)? {
            Input::Guest(guest) => Subject::Guest(Box::new(GuestFacts::of(guest, &files)?)),
            Input::Recording(recording) => Subject::Recording(Box::new(RecordingFacts::of(*recording, file, &files)?)),
        }))
    }
}

fn page(subject: Option<&Subject>, machine: Option<&Machine>, findings: &[String]) -> String {
    let mut page = Page::default();
    match subject {
        Some(Subject::Guest(guest)) => guest_page::write(guest, &mut page),
        Some(Subject::Recording(recording)) => recording_page::write(recording, &mut page),
        None => {}
    }
    if let Some(machine) = machine {
        machine.write(&mut page);
    }
    page.heading("verdict");
    if findings.is_empty() {
        page.row(
            "good",
            if subject.is_some() { "everything important resolves" } else { "guests can be sampled here" },
        );
    }
    let mut label = "a finding";
    for finding in findings {
        page.row(label, finding);
        label = "another";
    }
    page.finish()
}

fn json(subject: Option<&Subject>, machine: Option<&Machine>, findings: &[String]) -> String {
    let mut value = json!({ "version": JSON_VERSION, "findings": findings });
    let mut set = |name: &str, part: Value| value[name] = part;
    match subject {
        Some(Subject::Guest(guest)) => set("guest", guest_json::of(guest)),
        Some(Subject::Recording(recording)) => set("recording", recording.to_json()),
        None => {}
    }
    if let Some(machine) = machine {
        set("machine", machine.to_json());
    }
    format!("{value:#}\n")
}
