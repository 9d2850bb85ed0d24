//! What can go wrong when sampling starts.

use wasmscope_model::TimerKind;

/// Why sampling did not start, or did not change.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Somebody else handles SIGPROF.
    #[error(
        "SIGPROF is already handled by {by}; two samplers cannot share the signal, so stop that one or run without it"
    )]
    SignalTaken {
        /// The function and the file that hold the signal, or an address.
        by: String,
    },
    /// A sampler of this process is running.
    #[error("a sampler is already running in this process")]
    AlreadyRunning,
    /// The kernel refused the signal handler.
    #[error("the kernel refused a handler for SIGPROF: {reason}")]
    HandlerRefused {
        /// The kernel's reason.
        reason: String,
    },
    /// No timer works here.
    #[error("no timer can be used for sampling: {reasons}")]
    NoTimer {
        /// Each timer with the reason it cannot be used.
        reasons: String,
    },
    /// The timer that was asked for does not work here.
    #[error("the {timer} cannot be used: {reason}")]
    TimerRefused {
        /// The timer.
        timer: TimerKind,
        /// Why.
        reason: String,
    },
    /// A rate outside the limits.
    #[error("a rate of {rate_hz} Hz is outside 1 to {max_hz} Hz")]
    RateOutOfRange {
        /// What was asked for.
        rate_hz: u32,
        /// The highest rate.
        max_hz: u32,
    },
    /// A thread of ours could not be started.
    #[error("failed to start the drain thread: {reason}")]
    Thread {
        /// The system's reason.
        reason: String,
    },
}
