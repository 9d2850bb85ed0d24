//! Telling how a guest's run ended.

use std::io::{self, Write};

use anyhow::{Context, Result, anyhow};
use wasmscope::GuestEnd;

use crate::event_loop::{Event, exit_code_of};
use crate::terminal;

/// How a guest's run ended.
pub struct GuestEnded {
    pub event: Event,
    pub is_component: bool,
}

impl GuestEnded {
    /// Says how the run ended, in wasmtime's words where the guest ended it, and returns the exit code.
    pub fn tell(self) -> Result<i32> {
        match self.event {
            Event::Guest(end) => {
                match &end {
                    GuestEnd::Returned(values) if !values.is_empty() => {
                        if !self.is_component {
                            terminal::warning(
                                "using `--invoke` with a function that returns values is experimental and may break in the \
                                 future",
                            );
                        }
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
            Event::ServiceFailed => Ok(1),
            Event::NotStarted(error) => Err(error).context("failed to start the guest's threads"),
            Event::Panicked => Err(anyhow!("the guest's thread panicked; this is a defect of wasmscope")),
        }
    }
}
