//! How to sample, and the defaults that the library, its documentation and the command line share.

use std::time::Duration;

use wasmscope_model::TimerKind;

use crate::Error;

/// Default values of [`SamplerConfig`].
pub mod defaults {
    /// Samples per second of CPU time; odd, so as not to march in step with timers of the guest.
    pub const RATE_HZ: u32 = 99;
    /// Frames kept of a stack, innermost first.
    pub const MAX_DEPTH: u16 = 512;
    /// Bytes of a thread's ring for each Hz of the rate: room for half a second of stacks 16 deep.
    pub const RING_BYTES_PER_HZ: usize = 96;
    /// The smallest ring by default; it holds several stacks of the greatest depth.
    pub const MIN_RING_BYTES: usize = 64 << 10;
    /// The largest ring of a thread.
    pub const MAX_RING_BYTES: usize = 16 << 20;
    /// What the rings of all threads take before the rings of further threads are made smaller, down to
    /// [`MIN_RING_BYTES`]; with the most threads, 2048, that is 384 MiB at any rate, and a third more for what they wait.
    pub const MAX_TOTAL_RING_BYTES: usize = 256 << 20;
    /// Different stacks kept in one recording.
    pub const MAX_STACKS: usize = 1 << 20;
    /// The highest rate. Above it the kernel's part of a signal takes most of the CPU.
    pub const MAX_RATE_HZ: u32 = 20_000;
}

/// How to sample.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SamplerConfig {
    /// Samples per second of CPU time.
    pub rate_hz: u32,
    /// Which timer; `None` takes the best that works here.
    pub timer: Option<TimerKind>,
    /// Frames kept of a stack, innermost first.
    pub max_depth: u16,
    /// Bytes of each thread's ring, at most [`defaults::MAX_RING_BYTES`]; `None` takes what the rate needs. Threads
    /// beyond [`defaults::MAX_TOTAL_RING_BYTES`] get smaller ones; what does not fit is counted as lost.
    pub ring_bytes: Option<usize>,
    /// Different stacks kept in one recording.
    pub max_stacks: usize,
    /// Whether the time is recorded that guests are not on a CPU: waiting in host calls, and ready to run.
    pub waits: bool,
}

impl Default for SamplerConfig {
    fn default() -> Self {
        Self {
            rate_hz: defaults::RATE_HZ,
            timer: None,
            max_depth: defaults::MAX_DEPTH,
            ring_bytes: None,
            max_stacks: defaults::MAX_STACKS,
            waits: true,
        }
    }
}

impl SamplerConfig {
    /// Returns the time between two samples.
    ///
    /// # Errors
    ///
    /// [`Error::RateOutOfRange`] for a rate of zero or above [`defaults::MAX_RATE_HZ`].
    pub fn period(&self) -> Result<Duration, Error> {
        let (rate_hz, max_hz) = (self.rate_hz, defaults::MAX_RATE_HZ);
        if rate_hz == 0 || rate_hz > max_hz {
            return Err(Error::RateOutOfRange { rate_hz, max_hz });
        }
        Ok(Duration::from_nanos(1_000_000_000 / u64::from(rate_hz)))
    }

    /// Returns the bytes of each thread's ring.
    pub(crate) fn ring_size(&self) -> usize {
        let by_rate = defaults::RING_BYTES_PER_HZ.saturating_mul(self.rate_hz as usize);
        let wanted = self.ring_bytes.unwrap_or(by_rate.max(defaults::MIN_RING_BYTES));
        wanted.min(defaults::MAX_RING_BYTES).next_power_of_two()
    }
}
