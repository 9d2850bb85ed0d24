//! Samples that the calling thread takes of itself when its guest finds that an epoch has passed.

use core::sync::atomic::Ordering;

use crate::clock::{monotonic_nanos, thread_cpu_nanos};
use crate::record::{End, header};
use crate::ring::{Dropped, Ring};
use crate::thread_state::{Counters, ThreadState};
use crate::walk::walk_from_exit;

impl ThreadState {
    /// Sets the CPU time up to which the thread is accounted for. Call it before the thread's first epoch.
    pub fn set_recorded_cpu(&self, nanos: u64) {
        self.next_cpu_nanos.store(nanos, Ordering::Relaxed);
        self.left_cpu_nanos.store(nanos, Ordering::Relaxed);
        self.outside_nanos.store(0, Ordering::Relaxed);
    }

    /// Writes a sample of the calling thread, at the place where its guest left for the host, into the thread's ring, if the
    /// thread has used a `period` of CPU time or more in guests since the last; it stands for as many as passed. Nothing
    /// else may write into the ring.
    pub fn record_epoch(&self, period: u64) {
        let Some(ring) = self.ring() else {
            return;
        };
        let spent = thread_cpu_nanos().saturating_sub(self.next_cpu_nanos.load(Ordering::Relaxed));
        let Some(weight) = whole_periods(spent, period) else {
            return;
        };
        let began = monotonic_nanos();
        self.next_cpu_nanos.fetch_add(u64::from(weight).saturating_mul(period), Ordering::Relaxed);
        self.count(weight, || {
            let mut writer = self.begin_own(ring)?;
            let (end, frames) = self.walk_own(walk_from_exit, &mut writer)?;
            writer.commit(header(end, frames, weight));
            Ok(())
        });
        self.counters.handler_took(monotonic_nanos().saturating_sub(began));
    }

    /// Notes that the calling thread leaves its last guest.
    pub fn leave_by_epochs(&self) {
        self.left_cpu_nanos.store(thread_cpu_nanos(), Ordering::Relaxed);
    }

    /// Notes that the calling thread, which is in no guest, is about to enter one: what it did since
    /// [`ThreadState::leave_by_epochs`] is no guest's.
    pub fn enter_by_epochs(&self, period: u64) {
        let Some(ring) = self.ring() else {
            return;
        };
        let now = thread_cpu_nanos();
        let outside = now.saturating_sub(self.left_cpu_nanos.load(Ordering::Relaxed));
        // After a panic that unwound past a guest, the time in that guest looks as if it were outside, too.
        let next = self.next_cpu_nanos.load(Ordering::Relaxed).saturating_add(outside).min(now);
        self.next_cpu_nanos.store(next, Ordering::Relaxed);
        let mut outside = self.outside_nanos.load(Ordering::Relaxed).saturating_add(outside);
        while let Some(weight) = whole_periods(outside, period) {
            outside = outside.saturating_sub(u64::from(weight).saturating_mul(period));
            self.count(weight, || self.record_outside(ring, weight));
        }
        self.outside_nanos.store(outside, Ordering::Relaxed);
    }

    fn record_outside(&self, ring: &Ring<'_>, weight: u16) -> Result<(), Dropped> {
        self.begin_own(ring)?.commit(header(End::NoGuest, 0, weight));
        Ok(())
    }

    fn count(&self, weight: u16, write: impl FnOnce() -> Result<(), Dropped>) {
        Counters::add(&self.counters.ticks, 1);
        Counters::add(&self.counters.periods, u64::from(weight));
        if write().is_err() {
            Counters::add(&self.counters.dropped_full, u64::from(weight));
        }
    }
}

/// Returns how many whole periods have passed, as many as a record can stand for.
fn whole_periods(nanos: u64, period: u64) -> Option<u16> {
    let periods = nanos.checked_div(period).filter(|periods| *periods > 0)?;
    Some(u16::try_from(periods).unwrap_or(u16::MAX))
}
