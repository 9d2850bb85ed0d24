//! One clock for everything: CLOCK_MONOTONIC, with one wall-clock anchor a recording.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time on CLOCK_MONOTONIC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Wraps nanoseconds of CLOCK_MONOTONIC.
    pub const fn from_monotonic_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds of CLOCK_MONOTONIC.
    pub const fn monotonic_nanos(self) -> u64 {
        self.0
    }

    /// Returns how much later this time is than `earlier`, zero when it is not.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The same instant on the monotonic and on the wall clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockAnchor {
    /// The instant on CLOCK_MONOTONIC.
    pub monotonic: Timestamp,
    /// The same instant on the wall clock.
    pub wall: SystemTime,
}

impl ClockAnchor {
    /// Returns the wall-clock time in nanoseconds since 1970, zero for times before it.
    pub fn unix_nanos(&self) -> u64 {
        let since = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}
