//! What the command exits with.

use std::process::ExitCode;

use crate::terminal;

/// Our own failure where the other codes are the guest's, as with `env`, `timeout` and container runtimes.
pub const OWN_FAILURE_BESIDE_GUEST: u8 = 125;
/// Usage errors and failures of verbs that run no guest.
pub const OWN_FAILURE: u8 = 2;

/// What the command exits with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict(pub i32);

impl Verdict {
    /// Everything went well.
    pub const GOOD: Verdict = Verdict(0);
    /// There is something to see to.
    pub const FINDING: Verdict = Verdict(1);

    /// Says what failed, and gives the code for it.
    pub fn failure(error: &anyhow::Error, code: u8) -> Self {
        terminal::error(format_args!("{error:#}"));
        Self(i32::from(code))
    }

    /// Leaves the process.
    pub fn exit(self) -> ! {
        std::process::exit(self.0)
    }
}

/// Prints what clap has to say (help, the version, or what is wrong with the command line).
pub fn of_usage_error(error: &clap::Error) -> ExitCode {
    // Nobody reads it: there is nowhere left to say so.
    let _ = error.print();
    // Only `--color WHEN` and `--quiet` can stand before the verb.
    let runs_guest = std::env::args_os().skip(1).take(4).any(|arg| arg == "profile" || arg == "run" || arg == "serve");
    match error.exit_code() {
        0 => ExitCode::SUCCESS,
        _ if runs_guest => ExitCode::from(OWN_FAILURE_BESIDE_GUEST),
        _ => ExitCode::from(OWN_FAILURE),
    }
}
