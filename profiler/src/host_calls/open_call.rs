//! Host calls that have not returned.

use wasmscope_signal::OffCpu;

use crate::guest_time::{GuestTime, Moment};
use crate::off_cpu::{since, sum};
use crate::sys::{self, Tid};

/// A call that the guest of a store is in.
#[derive(Debug)]
pub(super) struct OpenCall {
    /// The exit frame pointer, which no other open call shares.
    pub(super) exit_fp: usize,
    pub(super) exit_pc: usize,
    pub(super) began: u64,
    /// What the store's suspensions had come to when it began.
    suspended_before: OffCpu,
    /// What passed meanwhile in guests that this call entered.
    inner: OffCpu,
    /// What the suspensions had come to when such a guest was entered.
    entered_guest: Option<OffCpu>,
    pub(super) measured: Option<Measured>,
    /// Whether other threads were told of it as one that is usually short.
    pub(super) is_told_short: bool,
}

/// What is known from the beginning of a call that is measured.
#[derive(Debug)]
pub(super) struct Measured {
    /// For how many short calls it stands.
    pub(super) weight: u32,
    pub(super) thread: &'static GuestTime,
    pub(super) began: Moment,
    /// How long the thread had been runnable without running; `None` when that was not read.
    pub(super) run_delay: Option<u64>,
    /// Whether other threads were told of it.
    pub(super) is_told: bool,
}

impl OpenCall {
    pub(super) fn new(exit_fp: usize, exit_pc: usize, suspended_before: OffCpu, measured: Option<Measured>) -> Self {
        let inner = OffCpu::default();
        let (entered_guest, is_told_short) = (None, false);
        Self { exit_fp, exit_pc, began: 0, suspended_before, inner, entered_guest, measured, is_told_short }
    }

    /// Returns how long the call was suspended, `total` being what the store's suspensions have come to.
    pub(super) fn suspended(&self, total: OffCpu) -> OffCpu {
        since(since(total, self.suspended_before), self.inner)
    }

    /// Notes that the call enters a guest: what passes in there is not the call's own.
    pub(super) fn enter_guest(&mut self, total: OffCpu) {
        self.entered_guest.get_or_insert(total);
    }

    /// Notes that the guest that the call entered is left.
    pub(super) fn leave_guest(&mut self, total: OffCpu) {
        if let Some(before) = self.entered_guest.take() {
            self.inner = sum(self.inner, since(total, before));
        }
    }
}

/// An open call that may be long, as other threads may look at it.
#[derive(Debug)]
pub(super) struct LongCall {
    pub(super) exit_fp: usize,
    pub(super) exit_pc: usize,
    /// The record of its stack.
    pub(super) record: Vec<u64>,
    pub(super) thread: &'static GuestTime,
    pub(super) tid: Tid,
    pub(super) began: Began,
    pub(super) suspended_before: OffCpu,
    /// Whether it has entered a guest.
    pub(super) is_around_guest: bool,
    /// What was told of it before its end.
    pub(super) taken: OffCpu,
}

/// What is known of the beginning of a call.
#[derive(Debug)]
pub(super) enum Began {
    Measured(Moment),
    /// By the clock alone: its thread's CPU time was not read.
    At(u64),
}

impl LongCall {
    /// Returns when it began.
    pub(super) fn began_at(&self) -> u64 {
        match self.began {
            Began::Measured(moment) => moment.at(),
            Began::At(at) => at,
        }
    }

    /// Returns how long it has been off the CPU, `total` being what the store's suspensions have come to.
    pub(super) fn off_cpu_so_far(&self, total: OffCpu) -> OffCpu {
        if self.is_around_guest {
            return self.taken;
        }
        let suspended = since(total, self.suspended_before);
        let cpu = || u64::try_from(sys::thread_cpu_time(self.tid).ok()?.as_nanos()).ok();
        let blocked = match self.began {
            Began::Measured(began) => cpu().and_then(|cpu| self.thread.in_open_call(&began, cpu)),
            Began::At(_) if suspended != OffCpu::default() => None,
            Began::At(began) => cpu().map(|cpu| self.thread.in_unmeasured_call(began, cpu)),
        };
        blocked.map_or(suspended, |wait| OffCpu { wait, ready: 0 })
    }
}

/// Parts the time that a thread was off the CPU in a call that took `took`, and beside it, into what the call waited and what
/// it was ready: `delay` is how long the scheduler let it wait for a processor. Beside a call nothing waits.
pub(super) fn parted(off_cpu: u64, took: u64, delay: u64) -> OffCpu {
    let of_call = off_cpu.min(took);
    let beside = off_cpu - of_call;
    let ready = delay.min(off_cpu).saturating_sub(beside).min(of_call);
    OffCpu { wait: of_call - ready, ready }
}

/// Returns how long the thread has been runnable without running since `before` was read.
pub(super) fn delay_since(before: Option<u64>) -> u64 {
    before.and_then(|before| Some(run_delay()?.saturating_sub(before))).unwrap_or(0)
}

pub(super) fn run_delay() -> Option<u64> {
    u64::try_from(sys::run_delay()?.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_aside_beside_a_call_is_taken_from_what_was_ready() {
        let parts = |off_cpu, took, delay| {
            let OffCpu { wait, ready } = parted(off_cpu, took, delay);
            (wait, ready)
        };
        assert_eq!(parts(4, 5, 1), (3, 1), "all in the call");
        assert_eq!(parts(9, 4, 5), (4, 0), "put aside before it slept");
        assert_eq!(parts(9, 4, 7), (2, 2));
        assert_eq!(parts(9, 4, 99), (0, 4));
        assert_eq!(parts(9, 4, 0), (4, 0));
    }
}
