//! One run of the sampler: the threads it has armed, and what they have recorded.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use wasmscope_model::{
    ClockAnchor, Counter, EngineKind, Event, Marker, NativeAddress, PcKind, RawFrame, RawSample, SampleContext,
    StackEnd, ThreadNumber, Timestamp,
};
use wasmscope_signal::{End, FrameTag, Record};

use rustc_hash::FxHashMap;

use crate::aggregate::{Aggregate, GuestFrame};
use crate::host_calls::{self, CallSite, Taken};
use crate::off_cpu::OffCpuTotals;
use crate::raw_recording::RawRecording;
use crate::thread_states::{PooledState, ThreadStates, wait_until_unread};
use crate::threads::{SampledThread, Threads};
use crate::timeline::UNKNOWN_THREAD;
use crate::timer::TimerChoice;
use crate::totals::{Armed, Totals};
use crate::{CodeRegistry, SamplerConfig};
use crate::{requests, sys};

/// How often rings are emptied.
const DRAIN_EVERY: Duration = Duration::from_millis(20);

/// One run of the sampler.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) config: SamplerConfig,
    pub(crate) choice: TimerChoice,
    registry: Arc<CodeRegistry>,
    departed: Mutex<Vec<SampledThread>>,
    /// What the threads that are no longer sampled counted, until the next cut.
    departed_totals: Mutex<Totals>,
    threads_not_sampled: AtomicU64,
    drained: Mutex<Drained>,
    /// Timers are stopped, and no thread is armed any more.
    halted: AtomicBool,
    stopping: AtomicBool,
    wake: Condvar,
    wake_lock: Mutex<()>,
}

/// What has been taken out of the rings since the last cut. Whoever holds it is the one consumer of all rings.
#[derive(Debug)]
pub(crate) struct Drained {
    pub(crate) aggregate: Aggregate,
    pub(crate) totals: Totals,
    pub(crate) started: ClockAnchor,
    pub(crate) drain_cpu: Duration,
    pub(crate) unregistered_before: u64,
    /// Calls to the host by where they came from, as they were at the cut.
    pub(crate) host_calls: Vec<(Option<GuestFrame>, CallSite)>,
    /// Batches of which the rest could not be read.
    pub(crate) garbled: u64,
    words: Vec<u64>,
    last: Vec<(ThreadNumber, RawSample)>,
}

impl Drained {
    fn new(config: &SamplerConfig) -> Self {
        let started = ClockAnchor { monotonic: sys::now(), wall: SystemTime::now() };
        Self {
            aggregate: Aggregate::new(config.max_stacks, started.monotonic),
            totals: Totals::default(),
            words: Vec::new(),
            started,
            drain_cpu: Duration::ZERO,
            unregistered_before: wasmscope_signal::unregistered_signals(),
            host_calls: Vec::new(),
            garbled: 0,
            last: Vec::new(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these hold is counted up, never half changed: a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    pub(crate) fn new(config: SamplerConfig, choice: TimerChoice, registry: Arc<CodeRegistry>) -> Self {
        let drained = Mutex::new(Drained::new(&config));
        Self {
            config,
            choice,
            registry,
            departed: Mutex::default(),
            departed_totals: Mutex::default(),
            threads_not_sampled: AtomicU64::new(0),
            drained,
            halted: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            wake: Condvar::new(),
            wake_lock: Mutex::new(()),
        }
    }

    pub(crate) fn count_thread_not_sampled(&self) {
        self.threads_not_sampled.fetch_add(1, Ordering::Relaxed);
    }

    /// Starts sampling a thread.
    pub(crate) fn arm(&self, thread: &mut SampledThread) {
        if self.halted.load(Ordering::Acquire) {
            return;
        }
        let ring = thread.pooled.ring(self.config.ring_size());
        // Nobody else drains it yet; whatever an earlier session left in it is not ours.
        ring.consume(|_| {});
        thread.has_recorded = true;
        thread.pooled.state.prepare(ring, self.config.max_depth, self.choice.ticks());
        let cpu_before = sys::thread_cpu_time(thread.tid).unwrap_or_default();
        let cpu_nanos = u64::try_from(cpu_before.as_nanos()).unwrap_or(u64::MAX);
        if self.choice.engine() == EngineKind::Epoch {
            thread.pooled.state.set_recorded_cpu(cpu_nanos);
        }
        let is_in_guest = thread.pooled.state.activations.depth() > 0;
        thread.pooled.guest_time.restart(is_in_guest, cpu_nanos);
        let armed = Armed::new(thread.pooled.state, cpu_before);
        match self.choice.start(thread.tid) {
            Ok(timer) => thread.armed = Some(armed.with(timer)),
            Err(_) => self.count_thread_not_sampled(),
        }
    }

    /// Stops sampling a thread, and accounts for it. What it has recorded is still in its ring.
    fn disarm(&self, thread: &mut SampledThread, totals: &mut Totals) {
        if let Some(armed) = &mut thread.armed {
            armed.stop_timer();
        }
        // What is counted after this must be what is in the ring: no tick may come in between.
        thread.pooled.state.retire();
        wait_until_unread(thread.pooled.state);
        totals.account(thread, &self.choice);
        totals.threads += u32::from(thread.armed.take().is_some());
    }

    /// Stops sampling the calling thread, which is ending; so this does no more than it must.
    pub(crate) fn disarm_departing(&self, thread: &mut SampledThread) {
        self.disarm(thread, &mut lock(&self.departed_totals));
    }

    /// Takes over a thread that has been disarmed: its ring is still to be drained.
    pub(crate) fn take_over(&self, thread: SampledThread) {
        lock(&self.departed).push(thread);
    }

    /// Drains until told to stop. Runs on its own thread.
    pub(crate) fn drain_loop(&self) {
        sys::lower_own_priority();
        while !self.stopping.load(Ordering::Acquire) {
            let guard = lock(&self.wake_lock);
            if !self.stopping.load(Ordering::Acquire) {
                // Whether it was woken or timed out, it drains.
                drop(self.wake.wait_timeout(guard, DRAIN_EVERY));
            }
            let tid = sys::current_tid();
            let before = sys::thread_cpu_time(tid).unwrap_or_default();
            let drained = &mut *lock(&self.drained);
            self.drain(drained);
            let gone = self.registry.forget_unloaded(sys::now());
            drained.aggregate.forget(&gone);
            drained.drain_cpu += sys::thread_cpu_time(tid).unwrap_or_default().saturating_sub(before);
        }
    }

    pub(crate) fn tell_drain_to_stop(&self) {
        let _guard = lock(&self.wake_lock);
        self.stopping.store(true, Ordering::Release);
        self.wake.notify_all();
    }

    /// Empties every ring once.
    fn drain(&self, drained: &mut Drained) {
        // First: the samples of a request that is over are in the rings by then.
        let ended = requests::take_ended();
        let armed: Vec<_> = {
            let threads = Threads::lock();
            let sampled = threads.live.iter().filter(|thread| thread.has_recorded);
            let of_thread = |thread: &SampledThread| {
                drained.aggregate.timeline.name_thread(thread.number, || thread.name());
                (thread.number, thread.pooled)
            };
            sampled.map(of_thread).collect()
        };
        for (number, pooled) in armed {
            self.drain_ring(number, pooled, drained);
        }
        let departed = std::mem::take(&mut *lock(&self.departed));
        for thread in departed {
            drained.aggregate.timeline.name_thread(thread.number, || thread.name());
            self.drain_ring(thread.number, thread.pooled, drained);
            drained.last.retain(|(number, _)| *number != thread.number);
            ThreadStates::global().release(thread.pooled);
        }
        for request in ended {
            drained.aggregate.requests.end(request);
        }
        let totals = std::mem::take(&mut *lock(&self.departed_totals));
        drained.totals.merge(&totals);
    }

    fn drain_ring(&self, thread: ThreadNumber, pooled: PooledState, drained: &mut Drained) {
        drained.words.clear();
        pooled.guest_time.drain(|word| drained.words.push(word));
        self.add_records(thread, drained);
        let Some(ring) = pooled.made_ring() else {
            return;
        };
        drained.words.clear();
        ring.consume(|word| drained.words.push(word));
        if let Some(sample) = self.add_records(thread, drained) {
            drained.last.retain(|(number, _)| *number != thread);
            drained.last.push((thread, sample));
        }
    }

    /// Counts the records in `drained.words`, and returns the last.
    fn add_records(&self, thread: ThreadNumber, drained: &mut Drained) -> Option<RawSample> {
        if drained.words.is_empty() {
            return None;
        }
        let lookup = self.registry.lookup();
        let mut rest = &drained.words[..];
        let mut last = None;
        loop {
            match Record::split_first(rest) {
                Ok(Some((record, tail))) => {
                    rest = tail;
                    let mut sample = raw_sample(thread, &record);
                    if let Some(times) = record.off_cpu {
                        for (event, nanos) in [(Event::Wait, times.wait), (Event::Ready, times.ready)] {
                            sample = RawSample { event, nanos, ..sample };
                            drained.aggregate.add(&sample, &lookup);
                        }
                    } else {
                        drained.aggregate.add(&sample, &lookup);
                        last = Some(sample);
                    }
                }
                Ok(None) => break,
                // Only a defect of ours can garble a ring; what is left of the batch is counted and skipped.
                Err(_) => {
                    drained.garbled += 1;
                    break;
                }
            }
        }
        last
    }

    /// Returns the last sample of each live thread.
    pub(crate) fn last_samples(&self) -> Vec<RawSample> {
        let drained = &mut *lock(&self.drained);
        self.drain(drained);
        drained.last.iter().map(|(_, sample)| sample.clone()).collect()
    }

    /// Hands over what was recorded since the last cut, and begins anew.
    pub(crate) fn cut(&self) -> RawRecording {
        self.take(false)
    }

    /// As [`Session::cut`], for the last time: host calls that have not returned count as well.
    pub(crate) fn last_cut(&self) -> RawRecording {
        self.take(true)
    }

    fn take(&self, is_last: bool) -> RawRecording {
        let drained = &mut *lock(&self.drained);
        let mut live = 0;
        for thread in &mut Threads::lock().live {
            live += u32::from(thread.armed.is_some());
            drained.totals.account(thread, &self.choice);
        }
        self.drain(drained);
        drained.totals.threads += live;
        self.take_host_calls(drained, is_last);
        let taken = std::mem::replace(drained, Drained::new(&self.config));
        drained.last.clone_from(&taken.last);
        RawRecording::new(self, taken)
    }

    fn take_host_calls(&self, drained: &mut Drained, is_last: bool) {
        let Taken { sites, open, untold } = host_calls::take(is_last);
        let aggregate = &mut drained.aggregate;
        aggregate.add_off_cpu(Marker::WaitingTasks, untold.tasks.wait, untold.tasks.ready);
        aggregate.add_off_cpu(Marker::Folded, untold.lost.wait, untold.lost.ready);
        aggregate.add_off_cpu(Marker::NotScheduled, OffCpuTotals::default(), drained.totals.not_scheduled);
        drained.words.clear();
        drained.words.extend(open.into_iter().flatten());
        // A call that is open belongs to a store; on which thread it waits is not told.
        self.add_records(UNKNOWN_THREAD, drained);
        let lookup = self.registry.lookup();
        let mut places: FxHashMap<Option<GuestFrame>, CallSite> = FxHashMap::default();
        for (place, site) in sites.into_iter().flatten() {
            let address = NativeAddress::new(place as u64);
            let guest = drained.aggregate.call_site(address, site.since, &lookup);
            places.entry(guest).or_insert_with(|| CallSite::new(site.since)).merge(&site);
        }
        drained.host_calls = places.into_iter().collect();
    }

    /// Stops the timer of every thread. What was recorded can still be cut.
    pub(crate) fn disarm_all(&self, threads: &mut Threads) {
        self.halted.store(true, Ordering::Release);
        let totals = &mut *lock(&self.departed_totals);
        for thread in threads.live.iter_mut().filter(|thread| thread.armed.is_some()) {
            self.disarm(thread, totals);
        }
    }

    /// Lets go of every thread, after the last cut.
    pub(crate) fn release_threads(&self, threads: &mut Threads) {
        threads.live.iter_mut().for_each(|thread| thread.has_recorded = false);
        let departed = std::mem::take(&mut *lock(&self.departed));
        departed.into_iter().for_each(|thread| ThreadStates::global().release(thread.pooled));
    }

    /// Returns what has been counted since the last cut.
    pub(crate) fn counters(&self) -> Vec<Counter> {
        let drained = &mut *lock(&self.drained);
        for thread in &mut Threads::lock().live {
            drained.totals.account(thread, &self.choice);
        }
        self.drain(drained);
        let Drained { aggregate, totals, .. } = drained;
        let (merged, unseen) = self.choice.split_missing(totals.missing);
        let counter = |name, value| Counter { name, value };
        vec![
            counter("samples", aggregate.cpu_samples()),
            counter("signals", totals.ticks),
            counter("dropped_ring_full", totals.dropped_full),
            counter("merged_signals", merged),
            counter("reentered_handler", totals.reentered),
            counter("periods_without_sample", unseen),
            counter("outside_guest", aggregate.outside_guest),
            counter("handler_nanos", u64::try_from(totals.handler.as_nanos()).unwrap_or(u64::MAX)),
            counter("cpu_nanos", u64::try_from(totals.cpu.as_nanos()).unwrap_or(u64::MAX)),
        ]
    }

    /// Returns how many threads were found since the last cut that could not be sampled: each is in one cut only.
    pub(crate) fn take_threads_not_sampled(&self) -> u64 {
        self.threads_not_sampled.swap(0, Ordering::Relaxed)
    }
}

fn raw_sample(thread: ThreadNumber, record: &Record<'_>) -> RawSample {
    let [at, request, trace_high, trace_low, span_id, guest_task, store] = record.fixed;
    let frames = record.frames().map(|(tag, address)| {
        let address = NativeAddress::new(address);
        match tag {
            FrameTag::Interrupted => RawFrame::Guest(address, PcKind::Interrupted),
            FrameTag::ReturnAddress => RawFrame::Guest(address, PcKind::ReturnAddress),
            FrameTag::Host => RawFrame::Host(address),
            FrameTag::Reentry => RawFrame::Reentry,
        }
    });
    RawSample {
        at: Timestamp::from_monotonic_nanos(at),
        thread,
        event: Event::Cpu,
        weight: u32::from(record.weight),
        nanos: 0,
        context: SampleContext {
            request,
            trace_id: (u128::from(trace_high) << 64) | u128::from(trace_low),
            span_id,
            guest_task,
            store,
        },
        frames: frames.collect(),
        end: match record.end {
            End::Entry => StackEnd::Entry,
            End::OuterUnknown => StackEnd::OuterUnknown,
            End::Truncated => StackEnd::Truncated,
            End::Broken => StackEnd::Broken,
            End::NoGuest => StackEnd::NoGuest,
        },
    }
}

#[cfg(test)]
mod tests {
    use wasmscope_model::TimerKind;

    use super::*;

    fn session(kernel: bool) -> Session {
        let (kind, period) = (TimerKind::PerfTaskClock, Duration::from_millis(10));
        let choice = TimerChoice { kind, kernel, period, reason: String::new() };
        Session::new(SamplerConfig::default(), choice, CodeRegistry::new())
    }

    #[test]
    fn a_thread_that_cannot_be_sampled_is_told_in_one_cut_only() {
        let session = session(true);
        session.count_thread_not_sampled();
        assert_eq!(session.cut().losses.threads_not_sampled, 1);
        assert_eq!(session.cut().losses.threads_not_sampled, 0);
    }

    #[test]
    fn signals_that_interrupt_the_handler_are_lost_samples_with_every_timer() {
        for kernel in [true, false] {
            let session = session(kernel);
            lock(&session.departed_totals).merge(&Totals { missing: 5, reentered: 2, ..Totals::default() });
            let counter = |name: &str| session.counters().iter().find(|c| c.name == name).map_or(0, |c| c.value);
            let counted = ["merged_signals", "reentered_handler", "periods_without_sample"].map(counter);
            assert_eq!(counted, if kernel { [5, 2, 0] } else { [0, 2, 5] });
            let recording = session.cut();
            assert_eq!(recording.losses.lost_samples(), if kernel { 7 } else { 2 });
            assert_eq!(recording.losses.reentered_handler, 2);
            assert_eq!(recording.run.notes.len(), usize::from(!kernel), "{:?}", recording.run.notes);
        }
    }
}
