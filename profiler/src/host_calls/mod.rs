//! Counting and timing the calls of guests to the host, by the place of the call, and what of it was not CPU time.
//!
//! Each call is timed, with a clock that costs little. What it waited is known from the store's suspensions, where its
//! guest runs on a stack of its own; else from the thread's CPU clock, which is read around every call that is long, and
//! around one of many short ones, which then stands for all of them ([`stride`]).

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmscope_signal::{End, ExitPoint, OffCpu, Record, Ring, call_record_of, set_off_cpu};

use crate::guest_time::GuestTime;
use crate::off_cpu::rest;
use crate::suspension::Suspension;
use crate::{sys, threads, ticks};

mod calibration;
mod call_site;
mod open_call;
mod registry;
mod short_call;
mod stride;

pub use calibration::Calibration;
pub(crate) use call_site::CallSite;
use open_call::{Began, LongCall, Measured, OpenCall, delay_since, parted, run_delay};
use registry::StoreCalls;
pub(crate) use registry::{Taken, take};
use short_call::CallingThread;
pub(crate) use stride::{LONG_NANOS, Stride};

/// Calls that may be open in one store; a panic that unwinds past one leaves it open.
const MAX_OPEN: usize = 1024;
/// Times off the CPU below this are not told apart from what measuring costs.
const LEAST_NANOS: u64 = 1000;

/// What is recorded now: nothing, the calls, or also what they waited.
static RECORDING: AtomicU8 = AtomicU8::new(OFF);
/// When that began.
static RECORDING_SINCE: AtomicU64 = AtomicU64::new(0);
const OFF: u8 = 0;
const CALLS: u8 = 1;
const CALLS_AND_WAITS: u8 = 2;

/// Tells whether time off the CPU is recorded now.
#[inline]
pub(crate) fn is_recording_waits() -> bool {
    RECORDING.load(Ordering::Relaxed) == CALLS_AND_WAITS
}

/// Returns how long a call that began at `began` has taken of the time that is recorded.
fn recorded_time(began: u64, now: u64) -> u64 {
    ticks::between(began.max(RECORDING_SINCE.load(Ordering::Relaxed)), now)
}

/// Begins to record calls, and what they waited if `waits` says so; what was counted before is forgotten.
pub(crate) fn begin(waits: bool) {
    registry::forget();
    RECORDING_SINCE.store(ticks::now_nanos(), Ordering::Relaxed);
    RECORDING.store(if waits { CALLS_AND_WAITS } else { CALLS }, Ordering::Relaxed);
}

/// Ends what [`begin`] began.
pub(crate) fn end() {
    RECORDING.store(OFF, Ordering::Relaxed);
    registry::forget();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts and times the host calls of one store, while something is recorded.
#[derive(Debug)]
pub struct HostCallClock {
    store: u64,
    open: Vec<OpenCall>,
    strides: rustc_hash::FxHashMap<usize, Stride>,
    calls: Arc<StoreCalls>,
    /// Where stacks are written first.
    scratch: Box<[AtomicU64]>,
}

impl HostCallClock {
    /// Makes the clock of the store that samples know by the number `store`, and whose suspensions are noted in
    /// `suspension`.
    pub fn new(store: u64, suspension: Arc<Suspension>) -> Self {
        let calls = StoreCalls::new(store, suspension);
        Self { store, open: Vec::new(), strides: Default::default(), calls, scratch: Box::default() }
    }

    /// Tells whether calls are counted now.
    #[inline]
    pub fn is_counting() -> bool {
        RECORDING.load(Ordering::Relaxed) != OFF
    }

    /// Notes that the guest has left for the host at `exit`.
    pub fn calling(&mut self, exit: ExitPoint) {
        if self.open.len() >= MAX_OPEN {
            return;
        }
        let suspended = self.calls.suspension.total();
        let mut measured = None;
        if is_recording_waits() {
            let stride = self.strides.entry(exit.exit_pc).or_default();
            if let Some(weight) = stride.next() {
                let may_be_long = stride.may_be_long();
                measured = self.measure(exit, weight, may_be_long, suspended);
            }
            self.calls.suspension.set_in_host_call(true);
        }
        let mut call = OpenCall::new(exit.exit_fp, exit.exit_pc, suspended, measured);
        // One that is measured, too, may hang without having been expected to.
        let is_told = call.measured.as_ref().is_some_and(|measured| measured.is_told);
        call.is_told_short = !is_told && self.open.is_empty();
        if call.is_told_short {
            self.calls.short.tell(exit, suspended);
        }
        self.open.push(call);
        // The less comes after it, the less of our own is in the time of the call.
        if let Some(call) = self.open.last_mut() {
            call.began = ticks::now_nanos();
            if call.is_told_short {
                self.calls.short.begin(call.began);
            }
        }
    }

    /// Notes that the call that left at `exit` returns.
    pub fn returning(&mut self, exit: ExitPoint) {
        let now = ticks::now_nanos();
        let Some(index) = self.open.iter().rposition(|call| call.exit_fp == exit.exit_fp) else {
            return;
        };
        let call = self.open.swap_remove(index);
        if call.is_told_short {
            self.calls.short.end();
        }
        let took = recorded_time(call.began, now);
        {
            let calls = &mut *lock(&self.calls.inner);
            calls.thread = CallingThread::current(calls.thread);
            let site = calls.sites.entry(exit.exit_pc).or_insert_with(|| CallSite::new(sys::now()));
            site.add(Duration::from_nanos(took));
        }
        if is_recording_waits() {
            self.strides.entry(exit.exit_pc).or_default().took(took);
            if self.open.is_empty() {
                self.calls.suspension.set_in_host_call(false);
            }
            let suspended = call.suspended(self.calls.suspension.total());
            if call.measured.is_some() || took >= LONG_NANOS || suspended != OffCpu::default() {
                self.finish(&call, took, suspended);
            }
        }
    }

    /// Forgets the call that left at `exit`: it was not one to the host, but a check of the guest's.
    pub fn dismiss(&mut self, exit: ExitPoint) {
        let Some(index) = self.open.iter().rposition(|call| call.exit_fp == exit.exit_fp) else {
            return;
        };
        let call = self.open.swap_remove(index);
        if call.is_told_short {
            self.calls.short.end();
        }
        self.calls.suspension.set_in_host_call(!self.open.is_empty());
        if let Some(measured) = &call.measured {
            measured.thread.end_call(&measured.began, 0);
        }
        if call.measured.is_some() || call.is_told_short {
            lock(&self.calls.inner).long.retain(|long| long.exit_fp != call.exit_fp);
        }
    }

    /// Notes that a guest is entered from a host call, if it is: `outer` is where the guest around it, if there is one, left
    /// for the host.
    #[inline]
    pub fn entering(&mut self, outer: ExitPoint) {
        if !self.open.is_empty() && outer.entry_fp != 0 {
            self.around_guest(outer, OpenCall::enter_guest);
        }
    }

    /// Notes that a guest was left for the host call that had entered it.
    #[inline]
    pub fn leaving(&mut self, outer: ExitPoint) {
        if !self.open.is_empty() && outer.entry_fp != 0 {
            self.around_guest(outer, OpenCall::leave_guest);
        }
    }

    #[cold]
    fn around_guest(&mut self, outer: ExitPoint, note: fn(&mut OpenCall, OffCpu)) {
        let Some(call) = self.open.iter_mut().rfind(|call| call.exit_fp == outer.exit_fp) else {
            return;
        };
        note(call, self.calls.suspension.total());
        if call.is_told_short || call.measured.as_ref().is_some_and(|measured| measured.is_told) {
            let calls = &mut *lock(&self.calls.inner);
            let told = calls.long.iter_mut().filter(|long| long.exit_fp == outer.exit_fp);
            told.for_each(|long| long.is_around_guest = true);
        }
    }

    /// Begins to measure a call; one that may take long is told to other threads, with its stack.
    #[cold]
    fn measure(&mut self, exit: ExitPoint, weight: u32, may_be_long: bool, suspended: OffCpu) -> Option<Measured> {
        let record = may_be_long.then(|| self.record(exit.exit_pc));
        let run_delay = may_be_long.then(run_delay).flatten();
        let thread = threads::current_guest_time()?;
        let began = thread.begin_call();
        let is_told = record.is_some();
        if let Some(record) = record {
            let calls = &mut *lock(&self.calls.inner);
            calls.long.retain(|long| long.exit_fp != exit.exit_fp);
            calls.long.push(LongCall {
                exit_fp: exit.exit_fp,
                exit_pc: exit.exit_pc,
                record,
                thread,
                tid: sys::current_tid(),
                began: Began::Measured(began),
                suspended_before: suspended,
                is_around_guest: false,
                taken: OffCpu::default(),
            });
        }
        Some(Measured { weight, thread, began, run_delay, is_told })
    }

    /// Tells what a call has waited.
    #[cold]
    fn finish(&mut self, call: &OpenCall, took: u64, suspended: OffCpu) {
        let is_long = took >= LONG_NANOS;
        let thread: Option<&'static GuestTime> = threads::current_guest_time();
        let measured = call.measured.as_ref();
        // The thread's clock is read in any case: the thread's own account goes on from here.
        let of_thread = match (measured, thread) {
            (Some(measured), Some(thread)) if std::ptr::eq(measured.thread, thread) => {
                thread.end_call(&measured.began, took)
            }
            _ => None,
        };
        let off_cpu = match (of_thread, thread) {
            _ if suspended != OffCpu::default() => suspended,
            (Some(nanos), _) => parted(nanos, took, delay_since(measured.and_then(|measured| measured.run_delay))),
            (None, Some(thread)) if is_long => parted(thread.end_unmeasured_call(took), took, 0),
            (None, _) => OffCpu::default(),
        };
        // One that was not expected to be long may have been found to be, meanwhile.
        let is_told = measured.is_some_and(|measured| measured.is_told) || (call.is_told_short && is_long);
        let told = is_told.then(|| {
            let calls = &mut *lock(&self.calls.inner);
            let index = calls.long.iter().position(|long| long.exit_fp == call.exit_fp)?;
            Some(calls.long.swap_remove(index))
        });
        let told = told.flatten();
        let off_cpu = rest(off_cpu, told.as_ref().map_or(OffCpu::default(), |told| told.taken));
        if off_cpu.wait + off_cpu.ready < LEAST_NANOS {
            return;
        }
        let is_exact = is_long || suspended != OffCpu::default();
        let weight = if is_exact { 1 } else { measured.map_or(1, |measured| u64::from(measured.weight)) };
        let off_cpu = match is_exact {
            true => off_cpu,
            false => self.for_all(call.exit_pc, off_cpu, weight, thread),
        };
        let mut record = told.map_or_else(|| self.record(call.exit_pc), |told| told.record);
        set_off_cpu(&mut record, off_cpu);
        if !thread.is_some_and(|thread| thread.push(&record)) {
            let untold = &mut lock(&self.calls.inner).untold.lost;
            untold.wait.add(1, off_cpu.wait);
            untold.ready.add(1, off_cpu.ready);
        }
    }

    /// Returns what `weight` short calls were off the CPU of which one was so for `of_one`.
    fn for_all(&mut self, exit_pc: usize, of_one: OffCpu, weight: u64, thread: Option<&GuestTime>) -> OffCpu {
        let own = of_one.wait + of_one.ready;
        let all = self.strides.entry(exit_pc).or_default().claim(own.saturating_mul(weight));
        if let Some(thread) = thread {
            thread.note_for_others(all.saturating_sub(own));
        }
        let ready = u128::from(all) * u128::from(of_one.ready) / u128::from(own.max(1));
        let ready = u64::try_from(ready).unwrap_or(all);
        OffCpu { wait: all - ready, ready }
    }

    /// Takes the record of the call that the calling thread is in; where its stack is not to be had, of its place alone.
    fn record(&mut self, exit_pc: usize) -> Vec<u64> {
        let mut record = Vec::new();
        threads::with_state(|state| {
            if self.scratch.len() < state.call_record_words() {
                self.scratch = (0..state.call_record_words()).map(|_| AtomicU64::new(0)).collect();
            }
            let ring = Ring::new(&self.scratch);
            if state.record_call(&ring).is_ok() {
                ring.consume(|word| record.push(word));
            }
        });
        match Record::split_first(&record) {
            Ok(Some((taken, _))) if taken.end != End::NoGuest => record,
            _ => call_record_of(self.store, End::OuterUnknown, &[exit_pc]).collect(),
        }
    }
}

impl Drop for HostCallClock {
    fn drop(&mut self) {
        self.calls.depart();
    }
}

#[cfg(test)]
mod tests;
