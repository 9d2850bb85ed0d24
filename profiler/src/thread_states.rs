//! The states of all sampled threads, past and present.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use wasmscope_signal::{Ring, ThreadState};

use crate::defaults::{MAX_TOTAL_RING_BYTES, MIN_RING_BYTES};
use crate::guest_time::GuestTime;

/// Threads sampled at a time, at most; each needs a ring.
const MAX_STATES: usize = 2048;

/// A pool of states. They are made when needed, used again by later threads, and never freed, so that a handler that
/// runs late always finds valid memory. Their number is that of the most threads at one time.
#[derive(Debug, Default)]
pub(crate) struct ThreadStates {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    all: Vec<&'static ThreadState>,
    free: Vec<PooledState>,
}

/// A state with the ring that was made for it, if one was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PooledState {
    pub(crate) state: &'static ThreadState,
    pub(crate) guest_time: &'static GuestTime,
    ring: Option<(&'static Ring<'static>, usize)>,
}

impl PooledState {
    /// Returns the ring, made or enlarged to hold `bytes`; less when all rings together take too much.
    pub(crate) fn ring(&mut self, bytes: usize) -> &'static Ring<'static> {
        match self.ring {
            Some((ring, size)) if size >= RING_BYTES.allowed(bytes) => ring,
            _ => {
                let bytes = RING_BYTES.take(bytes);
                let words: Box<[AtomicU64]> = (0..bytes / size_of::<u64>()).map(|_| AtomicU64::new(0)).collect();
                let ring: &'static Ring<'static> = Box::leak(Box::new(Ring::new(Box::leak(words))));
                self.ring = Some((ring, bytes));
                ring
            }
        }
    }

    /// Returns the ring as it was made, if it was.
    pub(crate) fn made_ring(&self) -> Option<&'static Ring<'static>> {
        self.ring.map(|(ring, _)| ring)
    }
}

/// What the rings of this process take, those included that were given up for larger ones.
static RING_BYTES: RingBytes = RingBytes(AtomicUsize::new(0));

struct RingBytes(AtomicUsize);

impl RingBytes {
    /// Returns how large a ring may be for which `wanted` bytes are wanted.
    fn allowed(&self, wanted: usize) -> usize {
        let room = MAX_TOTAL_RING_BYTES.saturating_sub(self.0.load(Ordering::Relaxed));
        let mut size = wanted;
        while size > room && size > MIN_RING_BYTES {
            size /= 2;
        }
        size
    }

    /// Counts a ring for which `wanted` bytes are wanted, and returns how large it may be.
    fn take(&self, wanted: usize) -> usize {
        let size = self.allowed(wanted);
        self.0.fetch_add(size, Ordering::Relaxed);
        size
    }
}

/// Waits until no handler that began before this call is at work on the thread of `state`.
///
/// A handler takes less than a microsecond, unless its thread is put aside meanwhile.
pub(crate) fn wait_until_unread(state: &ThreadState) {
    let mut rounds = 0u32;
    while state.activations.is_read() {
        rounds = rounds.saturating_add(1);
        if rounds < 64 {
            std::hint::spin_loop();
        } else {
            // The thread may be waiting for this very processor, so give it up for a moment.
            std::thread::sleep(std::time::Duration::from_micros(50));
        }
    }
}

impl ThreadStates {
    pub(crate) fn global() -> &'static ThreadStates {
        static GLOBAL: OnceLock<ThreadStates> = OnceLock::new();
        GLOBAL.get_or_init(ThreadStates::default)
    }

    /// Takes a state; `None` when too many threads have one.
    pub(crate) fn acquire(&self) -> Option<PooledState> {
        let inner = &mut *self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = inner.free.pop() {
            return Some(free);
        }
        if inner.all.len() >= MAX_STATES {
            return None;
        }
        let state: &'static ThreadState = Box::leak(Box::default());
        inner.all.push(state);
        Some(PooledState { state, guest_time: Box::leak(Box::default()), ring: None })
    }

    /// Gives a state back. Its ring must be empty and no handler may use it.
    pub(crate) fn release(&self, state: PooledState) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).free.push(state);
    }

    /// Tells whether `test` holds for the state of any thread, past or present.
    pub(crate) fn any(&self, test: impl Fn(&ThreadState) -> bool) -> bool {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).all.iter().any(|state| test(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_rings_are_used_again_and_grow_only_when_they_must() {
        let pool = ThreadStates::default();
        let mut first = pool.acquire().unwrap();
        let small = first.ring(1 << 10);
        assert!(std::ptr::eq(first.ring(1 << 9), small));
        let state = first.state;
        pool.release(first);
        let mut again = pool.acquire().unwrap();
        assert!(std::ptr::eq(again.state, state) && std::ptr::eq(again.ring(1 << 10), small));
        assert!(!std::ptr::eq(again.ring(1 << 11), small));
        assert!(!std::ptr::eq(pool.acquire().unwrap().state, state));
    }

    #[test]
    fn the_rings_of_all_threads_at_the_highest_rate_stay_within_a_bound() {
        let all = RingBytes(AtomicUsize::new(0));
        let wanted = crate::SamplerConfig { rate_hz: 20_000, ..crate::SamplerConfig::default() }.ring_size();
        let sizes: Vec<usize> = (0..MAX_STATES).map(|_| all.take(wanted)).collect();
        assert_eq!((sizes[0], sizes[MAX_STATES - 1]), (wanted, MIN_RING_BYTES));
        assert!(sizes.iter().sum::<usize>() <= MAX_TOTAL_RING_BYTES + MAX_STATES * MIN_RING_BYTES);
        assert_eq!(MAX_TOTAL_RING_BYTES + MAX_STATES * MIN_RING_BYTES, 384 << 20);
        assert_eq!(all.take(1 << 10), 1 << 10, "a small ring is never made larger");
    }

    #[test]
    fn a_ring_that_cannot_grow_any_more_stays_in_use() {
        let all = RingBytes(AtomicUsize::new(MAX_TOTAL_RING_BYTES));
        assert_eq!(all.allowed(16 << 20), MIN_RING_BYTES);
    }
}
