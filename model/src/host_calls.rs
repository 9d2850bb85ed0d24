//! How often, and how long, guests called the host.

use std::time::Duration;

/// The calls of one host function, over a recording.
///
/// # Accuracy
///
/// Count, total and longest are exact, for calls that began while it was recorded; one that has not returned when the
/// recording ends counts with its time until then, a call within it only where such calls are usually long. A call's time
/// includes what its thread waited, and what the guest did when the host called it back. The 99th percentile is the upper end of a bucket
/// that is an eighth wide.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostCallTotals {
    /// The function, such as `wasi_snapshot_preview1.fd_write`, or a service of the runtime; `[host]` where the place of
    /// the call does not tell.
    pub name: String,
    /// How many calls there were.
    pub count: u64,
    /// The time between call and return, or the recording's end, summed.
    pub total: Duration,
    /// The longest.
    pub max: Duration,
    /// What 99 of 100 calls stayed below.
    pub p99: Duration,
}
