//! What the threads of a session counted.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use wasmscope_signal::{Counters, HANDLER_BUCKETS, ThreadState};

use crate::host_calls::is_recording_waits;
use crate::off_cpu::OffCpuTotals;
use crate::sys;
use crate::threads::SampledThread;
use crate::timer::{Timer, TimerChoice};

/// A thread's counters at one moment.
#[derive(Clone, Debug)]
struct Snapshot {
    ticks: u64,
    periods: u64,
    dropped_full: u64,
    reentered: u64,
    foreign: u64,
    handler_nanos: u64,
    histogram: [u64; HANDLER_BUCKETS],
}

impl Snapshot {
    fn of(state: &ThreadState) -> Self {
        let Counters {
            ticks, periods, dropped_full, reentered, foreign_signals, handler_nanos, handler_histogram, ..
        } = &state.counters;
        Self {
            ticks: ticks.load(Relaxed),
            periods: periods.load(Relaxed),
            dropped_full: dropped_full.load(Relaxed),
            reentered: reentered.load(Relaxed),
            foreign: foreign_signals.load(Relaxed),
            handler_nanos: handler_nanos.load(Relaxed),
            histogram: std::array::from_fn(|bucket| handler_histogram[bucket].load(Relaxed)),
        }
    }
}

/// A thread's running timer, and how far the thread has been accounted for.
#[derive(Debug)]
pub(crate) struct Armed {
    timer: Option<Timer>,
    /// What the timer itself had counted when it was stopped.
    counted_at_stop: Option<Duration>,
    seen: Snapshot,
    cpu_seen: Duration,
    cpu_since_arming: Duration,
    periods_since_arming: u64,
    reentered_since_arming: u64,
    missing_seen: u64,
}

impl Armed {
    /// Notes where a thread stands; its timer starts after this.
    pub(crate) fn new(state: &ThreadState, cpu_before: Duration) -> Self {
        Self {
            timer: None,
            counted_at_stop: None,
            seen: Snapshot::of(state),
            cpu_seen: cpu_before,
            cpu_since_arming: Duration::ZERO,
            periods_since_arming: 0,
            reentered_since_arming: 0,
            missing_seen: 0,
        }
    }

    /// Stops the timer; ticks that are on their way may still arrive.
    pub(crate) fn stop_timer(&mut self) {
        if let Some(Timer::Perf(perf)) = &self.timer {
            self.counted_at_stop = perf.counted().ok();
        }
        self.timer = None;
    }

    /// Adds the timer that was started.
    pub(crate) fn with(mut self, timer: Timer) -> Self {
        self.timer = Some(timer);
        self
    }
}

/// Sums over the threads of a session, since the last cut.
#[derive(Clone, Debug)]
pub(crate) struct Totals {
    pub(crate) cpu: Duration,
    pub(crate) ticks: u64,
    pub(crate) dropped_full: u64,
    /// Periods of CPU time for which no signal came.
    pub(crate) missing: u64,
    /// Signals that interrupted the handler.
    pub(crate) reentered: u64,
    /// Signals that no timer of ours sent.
    pub(crate) foreign: u64,
    pub(crate) handler: Duration,
    pub(crate) histogram: [u64; HANDLER_BUCKETS],
    pub(crate) threads: u32,
    /// Time in which threads in guests were runnable and did not run.
    pub(crate) not_scheduled: OffCpuTotals,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            cpu: Duration::ZERO,
            ticks: 0,
            dropped_full: 0,
            missing: 0,
            reentered: 0,
            foreign: 0,
            handler: Duration::ZERO,
            histogram: [0; HANDLER_BUCKETS],
            threads: 0,
            not_scheduled: OffCpuTotals::default(),
        }
    }
}

impl Totals {
    /// Adds other sums to these.
    pub(crate) fn merge(&mut self, other: &Totals) {
        self.cpu += other.cpu;
        self.ticks += other.ticks;
        self.dropped_full += other.dropped_full;
        self.missing += other.missing;
        self.reentered += other.reentered;
        self.foreign += other.foreign;
        self.handler += other.handler;
        self.threads += other.threads;
        self.not_scheduled.merge(other.not_scheduled);
        for (sum, add) in self.histogram.iter_mut().zip(&other.histogram) {
            *sum += add;
        }
    }

    /// Adds what `thread` counted since it was last accounted for.
    ///
    /// # Accuracy
    ///
    /// A tick that is due at this moment is not taken for a missing one.
    pub(crate) fn account(&mut self, thread: &mut SampledThread, choice: &TimerChoice) {
        let Some(armed) = &mut thread.armed else {
            return;
        };
        let is_blocked = is_recording_waits() && sys::is_sleeping(thread.tid);
        let cpu_now = sys::thread_cpu_time(thread.tid).unwrap_or(armed.cpu_seen);
        if is_recording_waits() {
            let cpu_nanos = u64::try_from(cpu_now.as_nanos()).unwrap_or(u64::MAX);
            self.not_scheduled.merge(thread.pooled.guest_time.take_not_scheduled(cpu_nanos, is_blocked));
        }
        let cpu = cpu_now.saturating_sub(armed.cpu_seen);
        // The clocks before the ticks: this thread may lose its processor in between, and ticks that the other thread gets
        // meanwhile would be taken for missing.
        let counted = match &armed.timer {
            Some(Timer::Perf(perf)) => perf.counted().ok(),
            _ => armed.counted_at_stop,
        };
        let now = Snapshot::of(thread.pooled.state);
        let seen = &armed.seen;
        self.cpu += cpu;
        self.ticks += now.ticks.wrapping_sub(seen.ticks);
        self.dropped_full += now.dropped_full.wrapping_sub(seen.dropped_full);
        self.foreign += now.foreign.wrapping_sub(seen.foreign);
        self.handler += Duration::from_nanos(now.handler_nanos.wrapping_sub(seen.handler_nanos));
        for (sum, (now, seen)) in self.histogram.iter_mut().zip(now.histogram.iter().zip(&seen.histogram)) {
            *sum += now.wrapping_sub(*seen);
        }
        armed.cpu_since_arming += cpu;
        armed.periods_since_arming += now.periods.wrapping_sub(seen.periods);
        let counted = counted.unwrap_or(armed.cpu_since_arming);
        let due = u64::try_from(counted.as_nanos() / choice.period.as_nanos().max(1)).unwrap_or(u64::MAX);
        let reentered = now.reentered.wrapping_sub(seen.reentered);
        self.reentered += reentered;
        armed.reentered_since_arming += reentered;
        let accounted = armed.periods_since_arming.saturating_add(armed.reentered_since_arming);
        let missing = due.saturating_sub(1).saturating_sub(accounted);
        self.missing += missing.saturating_sub(armed.missing_seen);
        armed.missing_seen = armed.missing_seen.max(missing);
        armed.cpu_seen = cpu_now;
        armed.seen = now;
    }
}
