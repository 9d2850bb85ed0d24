//! From a thread pointer to the thread's state, without thread-local storage.

use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use crate::arch::thread_pointer;
use crate::thread_state::ThreadState;

/// Threads that can be registered at a time, at most; collisions may refuse one somewhat earlier.
const SLOTS: usize = 8192;
/// How far from its home slot an entry may lie.
const MAX_PROBES: usize = 128;
const EMPTY: usize = 0;
const FREED: usize = 1;

struct Slot {
    thread: AtomicUsize,
    state: AtomicPtr<ThreadState>,
}

static TABLE: [Slot; SLOTS] =
    [const { Slot { thread: AtomicUsize::new(EMPTY), state: AtomicPtr::new(ptr::null_mut()) } }; SLOTS];

/// Signals that found no state for their thread.
pub(crate) static UNREGISTERED_SIGNALS: AtomicU64 = AtomicU64::new(0);

/// The table has no room near this thread's slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadTableFull;

fn probes(thread: usize) -> impl Iterator<Item = &'static Slot> {
    // Thread pointers are aligned and lie a stack apart: spread them by Fibonacci hashing.
    let home = (thread as u64 >> 6).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let home = usize::try_from(home).unwrap_or(0);
    (0..MAX_PROBES).filter_map(move |step| TABLE.get(home.wrapping_add(step) & SLOTS.wrapping_sub(1)))
}

/// Gives the calling thread a state.
///
/// # Errors
///
/// [`ThreadTableFull`] when there is no room; the thread stays unsampled.
pub fn register_current_thread(state: &'static ThreadState) -> Result<(), ThreadTableFull> {
    // A thread that ended without a farewell left an entry, and a later thread may get its pointer.
    while current().is_some() {
        unregister_current_thread();
    }
    let thread = thread_pointer();
    for slot in probes(thread) {
        for free in [FREED, EMPTY] {
            if slot.thread.compare_exchange(free, thread, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                slot.state.store(ptr::from_ref(state).cast_mut(), Ordering::Release);
                return Ok(());
            }
        }
    }
    Err(ThreadTableFull)
}

/// Takes the calling thread's state away. Its timer must have been deleted before.
pub fn unregister_current_thread() {
    let thread = thread_pointer();
    for slot in probes(thread) {
        match slot.thread.load(Ordering::Relaxed) {
            EMPTY => return,
            found if found == thread => {
                slot.state.store(ptr::null_mut(), Ordering::Release);
                slot.thread.store(FREED, Ordering::Release);
                return;
            }
            _ => {}
        }
    }
}

/// Finds the state of the calling thread.
///
/// # Signal safety
///
/// Loads only, at most [`MAX_PROBES`] of them.
pub(crate) fn current() -> Option<&'static ThreadState> {
    let thread = thread_pointer();
    for slot in probes(thread) {
        match slot.thread.load(Ordering::Relaxed) {
            EMPTY => return None,
            found if found == thread => {
                let state = slot.state.load(Ordering::Acquire);
                // SAFETY: only `register_current_thread` stores here, and it takes the state by a 'static reference.
                return (!state.is_null()).then(|| unsafe { &*state });
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_left_behind_by_an_earlier_thread_with_the_same_pointer_is_taken_over() {
        let states: [&'static ThreadState; 2] = [(); 2].map(|()| &*Box::leak(Box::default()));
        register_current_thread(states[0]).unwrap();
        register_current_thread(states[1]).unwrap();
        assert!(ptr::eq(current().unwrap(), states[1]));
        unregister_current_thread();
        assert!(current().is_none());
    }

    #[test]
    fn each_thread_finds_its_own_state_and_none_after_leaving() {
        let threads: Vec<_> = (0..64)
            .map(|_| {
                std::thread::spawn(|| {
                    let state: &'static ThreadState = Box::leak(Box::default());
                    for _ in 0..100 {
                        assert!(current().is_none());
                        register_current_thread(state).unwrap();
                        assert!(ptr::eq(current().unwrap(), state));
                        unregister_current_thread();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}
