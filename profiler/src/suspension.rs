//! How long the guests of a store were suspended, between the polls of its future.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

use wasmscope_signal::OffCpu;

use crate::host_calls::is_recording_waits;
use crate::off_cpu::OffCpuTotals;
use crate::ticks;

/// The times between the polls of a store's future: waiting until it was woken, then ready until it was polled.
///
/// # Accuracy
///
/// A future that is polled again without having been woken by its waker waited the whole time.
#[derive(Debug, Default)]
pub struct Suspension {
    /// When the future was woken since its last poll began; 0 when it was not.
    woken_at: AtomicU64,
    waited: AtomicU64,
    ready: AtomicU64,
    /// Whether a host call of the store has not returned.
    in_host_call: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pending_since: Option<u64>,
    /// What passed while no host call was open, and has not been taken.
    without_stack: WithoutStack,
}

/// What tasks waited that had no stack meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WithoutStack {
    pub(crate) wait: OffCpuTotals,
    pub(crate) ready: OffCpuTotals,
}

impl WithoutStack {
    pub(crate) fn merge(&mut self, other: &WithoutStack) {
        self.wait.merge(other.wait);
        self.ready.merge(other.ready);
    }
}

impl Suspension {
    /// Notes that a poll of the future begins.
    pub fn poll_began(&self) {
        if is_recording_waits() {
            self.settle(&mut self.lock(), ticks::now_nanos());
            self.woken_at.store(0, Ordering::Relaxed);
        }
    }

    /// Notes that the poll is over, and the future goes on later.
    pub fn went_pending(&self) {
        if is_recording_waits() {
            self.lock().pending_since = Some(ticks::now_nanos());
        }
    }

    /// Notes that the future is to be polled.
    fn woken(&self) {
        // The first time counts; whether another came at the same moment does not matter.
        let _ = self.woken_at.compare_exchange(0, ticks::now_nanos(), Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(crate) fn set_in_host_call(&self, is_in: bool) {
        self.in_host_call.store(is_in, Ordering::Relaxed);
    }

    /// Returns what has passed between polls since the beginning, up to the present poll.
    pub(crate) fn total(&self) -> OffCpu {
        OffCpu { wait: self.waited.load(Ordering::Relaxed), ready: self.ready.load(Ordering::Relaxed) }
    }

    /// Takes what passed without any stack, and brings the totals up to now.
    pub(crate) fn take(&self) -> WithoutStack {
        let state = &mut *self.lock();
        let now = ticks::now_nanos();
        if self.settle(state, now) {
            state.pending_since = Some(now);
        }
        std::mem::take(&mut state.without_stack)
    }

    /// Forgets what passed before, when a recording begins.
    pub(crate) fn restart(&self) {
        *self.lock() = State::default();
    }

    /// Adds the time since the last poll to the totals; tells whether there was one.
    fn settle(&self, state: &mut State, now: u64) -> bool {
        let Some(since) = state.pending_since.take() else {
            return false;
        };
        let now = now.max(since);
        let wake = match self.woken_at.load(Ordering::Relaxed) {
            0 => now,
            woken => woken.clamp(since, now),
        };
        let (wait, ready) = (wake - since, now - wake);
        // Only whoever holds the lock writes.
        self.waited.fetch_add(wait, Ordering::Relaxed);
        self.ready.fetch_add(ready, Ordering::Relaxed);
        if !self.in_host_call.load(Ordering::Relaxed) {
            state.without_stack.wait.add(1, wait);
            state.without_stack.ready.add(1, ready);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes wakers that note the time, and wake the one they were made from.
#[derive(Debug)]
pub struct NotingWaker {
    suspension: Arc<Suspension>,
    last: Option<(Waker, Waker)>,
}

impl NotingWaker {
    /// Makes the wakers of one future of a store.
    pub fn new(suspension: Arc<Suspension>) -> Self {
        Self { suspension, last: None }
    }

    /// Returns the waker to poll with in place of `waker`; `None` when no waits are recorded.
    pub fn of(&mut self, waker: &Waker) -> Option<&Waker> {
        if !is_recording_waits() {
            return None;
        }
        if !self.last.as_ref().is_some_and(|(inner, _)| inner.will_wake(waker)) {
            let noting = Arc::new(Noting { inner: waker.clone(), suspension: self.suspension.clone() });
            self.last = Some((waker.clone(), Waker::from(noting)));
        }
        self.last.as_ref().map(|(_, noting)| noting)
    }
}

struct Noting {
    inner: Waker,
    suspension: Arc<Suspension>,
}

impl Wake for Noting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.suspension.woken();
        self.inner.wake_by_ref();
    }
}
