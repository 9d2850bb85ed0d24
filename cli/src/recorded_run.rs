//! A guest that is sampled while it runs.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use wasmscope::{Guest, ProfileSession, ReadyGuest, SamplerConfig};
use wasmscope_model::{EngineKind, Recording};

use crate::event_loop::{Event, EventLoop};
use crate::guest_ended::GuestEnded;
use crate::guest_options::GuestOptions;
use crate::{progress, terminal};

/// A guest that is ready to run and to be sampled.
pub struct RecordedRun {
    session: ProfileSession,
    ready: ReadyGuest,
    is_component: bool,
}

impl RecordedRun {
    /// Compiles and links the guest.
    pub fn prepare(options: &GuestOptions, guest: &Guest, engine: EngineKind) -> Result<Self> {
        let (session, ready) = prepared(options, guest, Some(engine))?;
        Ok(Self { session, ready, is_component: guest.is_component() })
    }

    /// Runs the guest to its end, or as long as it may, and hands over what was recorded.
    pub fn record(self, config: SamplerConfig, window: Option<Duration>) -> Result<(Recording, GuestEnded)> {
        let events = EventLoop::new()?;
        let recorder = self.session.record(config)?;
        let event = events.run(self.ready, window)?;
        // Else the guest still writes to the terminal.
        let has_ended = matches!(event, Event::Guest(_));
        let _step = has_ended.then(|| progress::step("looking up names and lines"));
        Ok((recorder.stop()?, GuestEnded { event, is_component: self.is_component }))
    }
}

/// Compiles and links a guest, for sampling or for a plain run, and says what is odd about the command line.
pub fn prepared(
    options: &GuestOptions,
    guest: &Guest,
    sampled_by: Option<EngineKind>,
) -> Result<(ProfileSession, ReadyGuest)> {
    let mut run = options.guest_run()?;
    let builder = run.session(sampled_by.is_some())?.sampled_by(sampled_by.unwrap_or(EngineKind::Signal));
    options.symbols.check(guest)?;
    let file = Path::new(guest.path());
    let builder = builder.debug_files(options.symbols.debug_files(Some(file))).keep_raw(options.raw());
    if run.wasmtime.wasi.cli_exit_with_code == Some(false) {
        terminal::warning("cannot disable `-Scli-exit-with-code` any more");
    }
    let session = if options.cache() { builder.build()? } else { builder.user_cache(false).build()? };
    let step = progress::step(format_args!("compiling {}", guest.name()));
    let ready = run.prepare(&session, guest)?;
    drop(step);
    if let Some(option) = options.misplaced_option() {
        let name = guest.name();
        terminal::hint(format_args!("{option} stands after {name}, so the guest gets it; ours go before {name}"));
    }
    if ready.takes_arguments() {
        terminal::warning(
            "using `--invoke` with a function that takes arguments is experimental and may break in the future",
        );
    }
    Ok((session, ready))
}
