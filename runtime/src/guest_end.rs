//! How a guest's run ended.

use crate::TrapReport;

/// How a guest's run ended.
#[derive(Debug)]
pub enum GuestEnd {
    /// Its function returned these values, printed as `wasmtime run --invoke` prints them.
    Returned(Vec<String>),
    /// It called `proc_exit`.
    Exited(i32),
    /// It trapped.
    Trapped(TrapReport),
    /// It ended by an error that is no trap: an uncaught exception, or a host function that refused.
    Failed(TrapReport),
}

/// The exit code after a trap: that of a process that aborted.
const ABORTED: i32 = 128 + libc::SIGABRT;

impl GuestEnd {
    /// Returns the code that `wasmtime run` exits with.
    pub fn exit_code(&self) -> i32 {
        match self {
            GuestEnd::Returned(_) => 0,
            GuestEnd::Exited(code) => *code,
            GuestEnd::Trapped(_) => ABORTED,
            GuestEnd::Failed(_) => 1,
        }
    }
}
