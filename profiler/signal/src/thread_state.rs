//! Everything the handler keeps for one thread.

use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU16, AtomicU64, AtomicUsize, Ordering, fence};

use crate::activation::Activations;
use crate::code_ranges::CodeRanges;
use crate::ring::Ring;
use crate::walk::StackSpan;

/// Buckets of the histogram of handler times; each is 20 ns wide, the last takes all longer ones.
pub const HANDLER_BUCKETS: usize = 128;
const HANDLER_BUCKET_NANOS: u64 = 20;
/// The handler's own work takes less, also at the depth limit and with page faults in a new ring. What takes longer was
/// descheduled meanwhile, and counts as this much: other threads' time is not our cost.
const LONGEST_RUN_NANOS: u64 = 20_000;

/// What a tick of the thread's timer means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ticks {
    /// Each is one period of CPU time.
    Exact,
    /// Each is one period of CPU time, and its overrun count says how many more.
    Overrun,
    /// It is a period of wall time, and counts when the thread's CPU clock has advanced by this many nanoseconds.
    CheckCpu(u64),
}

/// The state of one sampled thread: written by its handler, read by the drain thread.
///
/// States are made once and used again by later threads; they are never freed, so no handler can outlive one.
#[derive(Debug, Default)]
pub struct ThreadState {
    /// The guest activations of the thread.
    pub activations: Activations,
    /// What the handler counts. The counters only grow, also from one thread to the next.
    pub counters: Counters,
    ring: AtomicPtr<Ring<'static>>,
    ranges: AtomicPtr<CodeRanges<'static>>,
    /// As `ranges`, for walks by the thread itself, which its handler may interrupt.
    ranges_outside_handler: AtomicPtr<CodeRanges<'static>>,
    max_depth: AtomicU16,
    /// 0: exact. 1: overrun. Otherwise the period of a CPU check.
    ticks: AtomicU64,
    /// The CPU time at which the next sample is due; with epochs, up to which guests are accounted for.
    pub(crate) next_cpu_nanos: AtomicU64,
    /// With epochs, the CPU time at which the thread left its last guest, and what it spent outside that no sample stands for.
    pub(crate) left_cpu_nanos: AtomicU64,
    pub(crate) outside_nanos: AtomicU64,
    /// Request, trace id (high, low), span id, guest task.
    labels: [AtomicU64; 5],
    /// The thread's own stack; both zero when unknown.
    stack_low: AtomicUsize,
    stack_high: AtomicUsize,
}

/// What the handler of one thread counts; only its own thread writes.
#[derive(Debug)]
pub struct Counters {
    /// Ticks that stood for CPU time: recorded or dropped.
    pub ticks: AtomicU64,
    /// Periods that those ticks stood for.
    pub periods: AtomicU64,
    /// Ticks of a wall timer during which the thread used no CPU.
    pub idle_ticks: AtomicU64,
    /// Samples dropped because the ring was full.
    pub dropped_full: AtomicU64,
    /// Signals that came from elsewhere, such as `kill -PROF`.
    pub foreign_signals: AtomicU64,
    /// Times the handler found itself running already.
    pub reentered: AtomicU64,
    /// Nanoseconds inside the handler.
    pub handler_nanos: AtomicU64,
    /// Handler times, 20 ns a bucket.
    pub handler_histogram: [AtomicU64; HANDLER_BUCKETS],
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            ticks: AtomicU64::new(0),
            periods: AtomicU64::new(0),
            idle_ticks: AtomicU64::new(0),
            dropped_full: AtomicU64::new(0),
            foreign_signals: AtomicU64::new(0),
            reentered: AtomicU64::new(0),
            handler_nanos: AtomicU64::new(0),
            handler_histogram: core::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, amount: u64) {
        // One writer: a plain read and write suffice, and are cheaper than a locked addition.
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }

    pub(crate) fn handler_took(&self, nanos: u64) {
        Self::add(&self.handler_nanos, nanos.min(LONGEST_RUN_NANOS));
        let bucket = usize::try_from(nanos / HANDLER_BUCKET_NANOS).unwrap_or(usize::MAX);
        let bucket = bucket.min(HANDLER_BUCKETS.saturating_sub(1));
        if let Some(counter) = self.handler_histogram.get(bucket) {
            Self::add(counter, 1);
        }
    }
}

impl ThreadState {
    /// Gives the thread a ring and a depth limit. Call it before the thread's timer starts.
    pub fn prepare(&self, ring: &'static Ring<'static>, max_depth: u16, ticks: Ticks) {
        self.max_depth.store(max_depth, Ordering::Relaxed);
        let ticks = match ticks {
            Ticks::Exact => 0,
            Ticks::Overrun => 1,
            Ticks::CheckCpu(period) => period.max(2),
        };
        self.ticks.store(ticks, Ordering::Relaxed);
        self.next_cpu_nanos.store(0, Ordering::Relaxed);
        self.ring.store(ptr::from_ref(ring).cast_mut(), Ordering::Release);
    }

    /// Tells where the thread's own stack lies, for walks that have nothing better to bound them.
    pub fn set_stack(&self, stack: Range<usize>) {
        self.stack_low.store(stack.start, Ordering::Relaxed);
        self.stack_high.store(stack.end, Ordering::Relaxed);
    }

    pub(crate) fn stack(&self) -> StackSpan {
        StackSpan { low: self.stack_low.load(Ordering::Relaxed), high: self.stack_high.load(Ordering::Relaxed) }
    }

    /// Takes the ring away: handlers that begin after this record nothing.
    ///
    /// One that is running may still record and count, until `activations.is_read()` has been false once.
    pub fn retire(&self) {
        self.ring.store(ptr::null_mut(), Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Sets what the thread is working for: request, trace id (high, low), span id, guest task.
    pub fn set_labels(&self, labels: [u64; 5]) {
        for (slot, label) in self.labels.iter().zip(labels) {
            slot.store(label, Ordering::Relaxed);
        }
    }

    /// Tells whether this thread, or a handler on it, may be reading `table`.
    pub fn reads_ranges(&self, table: *const CodeRanges<'static>) -> bool {
        let hazards = [&self.ranges, &self.ranges_outside_handler];
        hazards.into_iter().any(|hazard| ptr::eq(hazard.load(Ordering::SeqCst), table))
    }

    pub(crate) fn ring(&self) -> Option<&'static Ring<'static>> {
        let ring = self.ring.load(Ordering::Acquire);
        // SAFETY: `prepare` takes the ring by a 'static reference, so it is valid whenever it is not null.
        (!ring.is_null()).then(|| unsafe { &*ring })
    }

    pub(crate) fn ranges_hazard(&self) -> &AtomicPtr<CodeRanges<'static>> {
        &self.ranges
    }

    pub(crate) fn ranges_hazard_outside_handler(&self) -> &AtomicPtr<CodeRanges<'static>> {
        &self.ranges_outside_handler
    }

    pub(crate) fn unpin_ranges_outside_handler(&self) {
        self.ranges_outside_handler.store(ptr::null_mut(), Ordering::Release);
    }

    pub(crate) fn unpin_ranges(&self) {
        self.ranges.store(ptr::null_mut(), Ordering::Release);
    }

    pub(crate) fn max_depth(&self) -> u16 {
        self.max_depth.load(Ordering::Relaxed)
    }

    pub(crate) fn ticks(&self) -> Ticks {
        match self.ticks.load(Ordering::Relaxed) {
            0 => Ticks::Exact,
            1 => Ticks::Overrun,
            period => Ticks::CheckCpu(period),
        }
    }

    /// Returns what the thread is working for, as [`ThreadState::set_labels`] was told.
    pub fn labels_now(&self) -> [u64; 5] {
        core::array::from_fn(|index| self.labels.get(index).map_or(0, |label| label.load(Ordering::Relaxed)))
    }

    pub(crate) fn labels(&self) -> impl Iterator<Item = u64> {
        self.labels.iter().map(|label| label.load(Ordering::Relaxed))
    }
}
