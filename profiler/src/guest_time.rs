//! How much of a thread's time in guests it was on a processor.
//!
//! From its outermost entry into a guest, or the beginning of a poll, until it leaves, a thread runs, or blocks in a host
//! call, or is runnable and does not run. Host calls account for the time they blocked; the rest is the last.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use wasmscope_signal::{Ring, thread_cpu_nanos};

use crate::host_calls::{LONG_NANOS, Stride};
use crate::off_cpu::OffCpuTotals;
use crate::ticks;

/// Words of the ring for the records of host calls.
const CALL_RING_WORDS: usize = crate::defaults::MIN_RING_BYTES / size_of::<u64>();

/// The time that one thread spends in guests, and its way to hand records of host calls to the drain thread.
#[derive(Debug, Default)]
pub(crate) struct GuestTime {
    inner: Mutex<Inner>,
    calls: OnceLock<Ring<'static>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Since when the thread is in a guest, up to where it is accounted for.
    entry: Option<Entry>,
    /// Counts the entries, so that a call that was suspended is told from one that was not.
    entries: u64,
    /// The last time that both clocks were read.
    last: Moment,
    /// When the thread left its last guest.
    left_at: u64,
    /// How long it was in no guest since both clocks were read.
    rested: u64,
    /// Time off the CPU that host calls have accounted for, ever.
    noted: u64,
    /// Host calls that are being measured, and where the outermost began.
    measured_calls: u32,
    outermost_call: Moment,
    not_scheduled: OffCpuTotals,
    stride: Stride,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    from: Moment,
    /// For how many entries it stands; `None` when it was not chosen to be measured.
    weight: Option<u32>,
}

/// What the clocks of a thread told at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    at: u64,
    cpu: u64,
    /// What host calls had accounted for by then.
    noted: u64,
    /// Which entry of the thread it lies in.
    entry: u64,
}

impl Moment {
    /// Returns the time of the moment, in nanoseconds of [`ticks::now_nanos`].
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Returns the time off the CPU from this moment to another, without what host calls account for.
    fn off_cpu_until(&self, later: &Moment) -> u64 {
        let elapsed = later.at.saturating_sub(self.at);
        elapsed
            .saturating_sub(later.cpu.saturating_sub(self.cpu))
            .saturating_sub(later.noted.saturating_sub(self.noted))
    }
}

impl Inner {
    fn read(&mut self) -> Moment {
        // In this order, both ends of an interval read make the CPU time too long by a system call, never too short.
        let cpu = thread_cpu_nanos();
        self.last = Moment { at: ticks::now_nanos(), cpu, noted: self.noted, entry: self.entries };
        self.rested = 0;
        self.last
    }

    fn read_at_end(&mut self) -> Moment {
        let at = ticks::now_nanos();
        self.last = Moment { at, cpu: thread_cpu_nanos(), noted: self.noted, entry: self.entries };
        self.rested = 0;
        self.last
    }

    /// Accounts for time off the CPU that ends at the last reading.
    fn note(&mut self, nanos: u64) -> u64 {
        self.noted = self.noted.saturating_add(nanos);
        self.last.noted = self.noted;
        nanos
    }
}

impl GuestTime {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the calling thread, whose time this is, goes from the host into a guest.
    pub(crate) fn enter(&self) {
        let inner = &mut *self.lock();
        inner.entries = inner.entries.wrapping_add(1);
        inner.measured_calls = 0;
        let weight = inner.stride.next();
        let at = ticks::now_nanos();
        inner.rested = inner.rested.saturating_add(at.saturating_sub(inner.left_at));
        // What passes at rest is no guest's, so a long run must not look back past it.
        let from = match weight.is_some() || inner.rested >= LONG_NANOS {
            true => inner.read(),
            false => Moment { at, cpu: 0, noted: inner.noted, entry: inner.entries },
        };
        inner.entry = Some(Entry { from, weight });
    }

    /// Notes that the calling thread has left the last guest.
    pub(crate) fn leave(&self) {
        let inner = &mut *self.lock();
        inner.left_at = ticks::now_nanos();
        let Some(Entry { from, weight }) = inner.entry.take() else {
            return;
        };
        let before = inner.last;
        let took = inner.left_at.saturating_sub(from.at);
        inner.stride.took(took);
        match (weight, took >= LONG_NANOS) {
            (Some(weight), is_long) => {
                let nanos = from.off_cpu_until(&inner.read_at_end());
                let weight = if is_long { 1 } else { u64::from(weight) };
                inner.not_scheduled.add(weight, nanos.saturating_mul(weight));
            }
            (None, true) => {
                let nanos = before.off_cpu_until(&inner.read_at_end()).min(took);
                inner.not_scheduled.add(1, nanos);
            }
            (None, false) => {}
        }
        inner.measured_calls = 0;
    }

    /// Notes that the calling thread begins a host call that is measured.
    pub(crate) fn begin_call(&self) -> Moment {
        let inner = &mut *self.lock();
        let moment = inner.read();
        if inner.measured_calls == 0 {
            inner.outermost_call = moment;
        }
        inner.measured_calls += 1;
        moment
    }

    /// Returns how long the calling thread was off the CPU since a call of it began, and accounts for `took` of that at most,
    /// which is what the call took; `None` when the call was suspended meanwhile.
    ///
    /// Both readings of the clock lie outside the call, and a thread may be put aside there too: that is not the call's.
    pub(crate) fn end_call(&self, began: &Moment, took: u64) -> Option<u64> {
        let inner = &mut *self.lock();
        if began.entry != inner.entries || inner.measured_calls == 0 {
            return None;
        }
        inner.measured_calls -= 1;
        let nanos = began.off_cpu_until(&inner.read_at_end());
        inner.note(nanos.min(took));
        Some(nanos)
    }

    /// As [`GuestTime::end_call`], for a call that took `took` and was not measured from its beginning: what the thread was
    /// off the CPU since its clock was last read is taken for the call's.
    pub(crate) fn end_unmeasured_call(&self, took: u64) -> u64 {
        let inner = &mut *self.lock();
        let before = inner.last;
        let nanos = before.off_cpu_until(&inner.read_at_end()).min(took);
        inner.note(nanos)
    }

    /// Accounts for what other calls, which a measured one stands for, were off the CPU.
    pub(crate) fn note_for_others(&self, nanos: u64) {
        let inner = &mut *self.lock();
        inner.noted = inner.noted.saturating_add(nanos);
    }

    /// Returns how long the thread has been off the CPU since a call of it began that has not returned, as seen from
    /// another thread that knows its CPU time; `None` when the call is suspended.
    pub(crate) fn in_open_call(&self, began: &Moment, cpu_now: u64) -> Option<u64> {
        let inner = self.lock();
        let is_here = began.entry == inner.entries && inner.measured_calls > 0;
        let now = Moment { at: ticks::now_nanos(), cpu: cpu_now, noted: inner.noted, entry: inner.entries };
        is_here.then(|| began.off_cpu_until(&now))
    }

    /// As [`GuestTime::in_open_call`], for a call that began at `began` and was not measured from there.
    pub(crate) fn in_unmeasured_call(&self, began: u64, cpu_now: u64) -> u64 {
        let inner = self.lock();
        let now = Moment { at: ticks::now_nanos(), cpu: cpu_now, noted: inner.noted, entry: inner.entries };
        inner.last.off_cpu_until(&now).min(now.at.saturating_sub(began))
    }

    /// Begins a recording: a thread that is in a guest is so from now on.
    pub(crate) fn restart(&self, is_in_guest: bool, cpu_now: u64) {
        if let Some(ring) = self.calls.get() {
            ring.consume(|_| {});
        }
        let inner = &mut *self.lock();
        let entries = inner.entries.wrapping_add(1);
        let from = Moment { at: ticks::now_nanos(), cpu: cpu_now, noted: inner.noted, entry: entries };
        let entry = is_in_guest.then_some(Entry { from, weight: Some(1) });
        *inner = Inner { entry, entries, last: from, left_at: from.at, noted: inner.noted, ..Inner::default() };
    }

    /// Takes the time that the thread was runnable and did not run, up to now. Any thread may call it.
    ///
    /// `is_blocked` tells whether it sleeps now: then what it does not run belongs to a host call that has not returned.
    pub(crate) fn take_not_scheduled(&self, cpu_now: u64, is_blocked: bool) -> OffCpuTotals {
        let inner = &mut *self.lock();
        let now = match inner.measured_calls {
            0 => Moment { at: ticks::now_nanos(), cpu: cpu_now, noted: inner.noted, entry: inner.entries },
            // What comes after its beginning is the call's.
            _ => inner.outermost_call,
        };
        if let Some(Entry { from, weight: Some(_) }) = inner.entry
            && (inner.measured_calls > 0 || !is_blocked)
            && now.at > from.at
        {
            inner.not_scheduled.add(1, from.off_cpu_until(&now));
            // The rest of the entry stands for itself; a call that was not measured begins no earlier.
            inner.entry = Some(Entry { from: now, weight: Some(1) });
            if inner.measured_calls == 0 {
                inner.last = now;
            }
        }
        std::mem::take(&mut inner.not_scheduled)
    }

    /// Hands the record of a host call to the drain thread; tells whether there was room.
    pub(crate) fn push(&self, record: &[u64]) -> bool {
        let ring = self.calls.get_or_init(|| {
            let words: Box<[AtomicU64]> = (0..CALL_RING_WORDS).map(|_| AtomicU64::new(0)).collect();
            Ring::new(Box::leak(words))
        });
        let (Some(header), Ok(mut writer)) = (record.first(), ring.begin()) else {
            return false;
        };
        let is_whole = record.iter().try_for_each(|word| writer.push(*word)).is_ok();
        if is_whole {
            writer.commit(*header);
        }
        is_whole
    }

    /// Takes the words of the records. Only one thread at a time may.
    pub(crate) fn drain(&self, take: impl FnMut(u64)) {
        if let Some(ring) = self.calls.get() {
            ring.consume(take);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_thread_that_is_put_aside_beside_a_short_call_did_not_wait_in_it() {
        ticks::choose_clock();
        let time = GuestTime::default();
        time.enter();
        let began = time.begin_call();
        std::thread::sleep(Duration::from_millis(5));
        assert!(time.end_call(&began, 1_000).is_some_and(|nanos| nanos >= 4_900_000));
        time.leave();
        let rest = time.take_not_scheduled(thread_cpu_nanos(), false);
        assert!(rest.nanos >= 4_900_000, "{rest:?}");
    }

    #[test]
    fn a_long_run_after_many_short_ones_and_a_rest_was_not_off_the_cpu_for_that() {
        ticks::choose_clock();
        let time = GuestTime::default();
        time.restart(false, thread_cpu_nanos());
        // The next run is not one that is chosen.
        while { time.lock().stride }.next().is_some() {
            time.enter();
            time.leave();
        }
        time.take_not_scheduled(thread_cpu_nanos(), false);
        std::thread::sleep(Duration::from_millis(20));
        let (began, cpu_before) = (ticks::now_nanos(), thread_cpu_nanos());
        time.enter();
        while thread_cpu_nanos() - cpu_before < 5_000_000 {}
        time.leave();
        let around = (ticks::now_nanos() - began).saturating_sub(thread_cpu_nanos() - cpu_before);
        let found = time.take_not_scheduled(thread_cpu_nanos(), false).nanos;
        assert!(found <= around + 500_000, "{found} of {around}");
    }
}
