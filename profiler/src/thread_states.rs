//! The states of all sampled threads, past and present.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, OnceLock, PoisonError};

use wasmscope_signal::{Ring, ThreadState};

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
    ring: Option<(&'static Ring<'static>, usize)>,
}

impl PooledState {
    /// Returns the ring, made or enlarged to hold at least `bytes`.
    pub(crate) fn ring(&mut self, bytes: usize) -> &'static Ring<'static> {
        match self.ring {
            Some((ring, size)) if size >= bytes => ring,
            _ => {
                let words: Box<[AtomicU64]> = (0..bytes / size_of::<u64>()).map(|_| AtomicU64::new(0)).collect();
                let ring: &'static Ring<'static> = Box::leak(Box::new(Ring::new(Box::leak(words))));
                self.ring = Some((ring, bytes));
                ring
            }
        }
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
        Some(PooledState { state, ring: None })
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
}
