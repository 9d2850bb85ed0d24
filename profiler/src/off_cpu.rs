//! Sums of time off the CPU.

use wasmscope_signal::OffCpu;

/// How often, and how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct OffCpuTotals {
    pub(crate) count: u64,
    pub(crate) nanos: u64,
}

impl OffCpuTotals {
    /// Adds times; no time at all is not counted.
    pub(crate) fn add(&mut self, count: u64, nanos: u64) {
        if nanos > 0 {
            self.count = self.count.saturating_add(count);
            self.nanos = self.nanos.saturating_add(nanos);
        }
    }

    pub(crate) fn merge(&mut self, other: OffCpuTotals) {
        self.add(other.count, other.nanos);
    }
}

/// Returns the time that passed after `before`; nothing where a clock went back.
pub(crate) fn since(now: OffCpu, before: OffCpu) -> OffCpu {
    OffCpu { wait: now.wait.saturating_sub(before.wait), ready: now.ready.saturating_sub(before.ready) }
}

/// Returns what is left of a time of which `taken` was told before, when it was not known yet what of it was waiting.
pub(crate) fn rest(all: OffCpu, taken: OffCpu) -> OffCpu {
    let left = all.wait.saturating_add(all.ready).saturating_sub(taken.wait.saturating_add(taken.ready));
    let ready = all.ready.saturating_sub(taken.ready).min(left);
    OffCpu { wait: left - ready, ready }
}

/// Returns the sum of two times.
pub(crate) fn sum(a: OffCpu, b: OffCpu) -> OffCpu {
    OffCpu { wait: a.wait.saturating_add(b.wait), ready: a.ready.saturating_add(b.ready) }
}
