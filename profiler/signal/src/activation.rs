//! The guest activations of one thread: host calls guest, guest calls host, host calls guest again.

use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, compiler_fence, fence};

/// How many nested activations are linked; deeper ones are counted and not linked.
const MAX_LINKED: usize = 32;
/// How far from the hook's frame a guest's entry may lie: between them are a few frames of wasmtime's.
const MAX_ENTRY_DISTANCE: usize = 64 << 10;

/// Where a store keeps its last exit from, and its last entry into, WebAssembly.
///
/// The words belong to wasmtime's `VMStoreContext`; zero means that there was none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreContext {
    exit_fp: *const usize,
    exit_pc: *const usize,
    entry_fp: *const usize,
}

// SAFETY: the pointers are only read by a handler on the thread that entered the store, under the promise of `new`.
unsafe impl Send for StoreContext {}
// SAFETY: as above.
unsafe impl Sync for StoreContext {}

impl StoreContext {
    /// Wraps the addresses of a store's words: the frame pointer of the trampoline through which the guest last called
    /// the host, the guest's return address of that call, and the frame pointer of the trampoline through which the
    /// host entered the guest.
    ///
    /// # Safety
    ///
    /// The words must stay readable until the store is forgotten on every thread that entered it, and must hold what
    /// is said above whenever they are not zero: the walk reads the stack between those frame pointers.
    pub const unsafe fn new(exit_fp: *const usize, exit_pc: *const usize, entry_fp: *const usize) -> Self {
        Self { exit_fp, exit_pc, entry_fp }
    }
}

/// The values of a [`StoreContext`] at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct ExitPoint {
    pub(crate) exit_fp: usize,
    pub(crate) exit_pc: usize,
    pub(crate) entry_fp: usize,
}

#[derive(Debug, Default)]
struct Slot {
    exit_fp: AtomicPtr<usize>,
    exit_pc: AtomicPtr<usize>,
    entry_fp: AtomicPtr<usize>,
    store: AtomicU64,
    /// Where the enclosing activation had left its guest when this one began.
    outer_exit_fp: AtomicUsize,
    outer_exit_pc: AtomicUsize,
    outer_entry_fp: AtomicUsize,
    /// What the store's own word held when this activation began: it has entered when the word differs.
    entry_fp_before: AtomicUsize,
    /// An address in the frame that entered the guest: the guest's entry lies near it, or is another thread's.
    entered_at: AtomicUsize,
}

/// The stack of activations, written by its thread and read by the handler on the same thread.
///
/// One thread writes and a handler on that very thread reads, so plain ordering by the compiler is enough: a slot is
/// complete before the depth covers it. The exception is [`Activations::forget_store`], which any thread may call.
#[derive(Debug, Default)]
pub struct Activations {
    slots: [Slot; MAX_LINKED],
    depth: AtomicUsize,
    /// How many reads of the stores' words are going on: the handler's, and those of an entry beneath another.
    reads: AtomicU32,
}

/// Says that its thread may be reading the stores' words, as long as it lives.
pub(crate) struct Reading<'a>(&'a AtomicU32);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_sub(1), Ordering::Release);
    }
}

/// One activation as the handler sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Activation {
    pub(crate) now: Option<ExitPoint>,
    entry_fp_before: usize,
    entered_at: usize,
}

impl Activation {
    /// Returns the frame pointer at which the activation ends, if the guest's entry code has stored it already.
    ///
    /// A store that another thread has entered since, after a panic unwound past this activation, names a place on that
    /// thread's stack, far from where this one was entered.
    pub(crate) fn entry_fp(&self) -> Option<usize> {
        let entry_fp = self.now?.entry_fp;
        let is_near = entry_fp.abs_diff(self.entered_at) < MAX_ENTRY_DISTANCE;
        (is_near && entry_fp != 0 && entry_fp != self.entry_fp_before).then_some(entry_fp)
    }
}

impl Activations {
    /// Notes that the host is about to enter the guest of `store`.
    ///
    /// Slots left behind by a panic that unwound past their guest are pruned first.
    pub fn enter(&self, context: Option<StoreContext>, store: u64) {
        let here = 0u8;
        self.enter_at(context, store, core::ptr::from_ref(core::hint::black_box(&here)).addr());
    }

    /// As [`Activations::enter`], from a frame that lies at `entered_at`.
    pub(crate) fn enter_at(&self, context: Option<StoreContext>, store: u64, entered_at: usize) {
        // Words of other stores are read only beneath another activation.
        let _reading = (self.depth() > 0).then(|| self.begin_reading());
        self.prune();
        let depth = self.depth.load(Ordering::Relaxed);
        // A slot that a panic left behind may belong to a store that another thread runs now: its exit is not on our
        // stack, and `entry_fp` tells.
        let outer = depth.checked_sub(1).and_then(|index| self.get(index));
        let outer = outer.and_then(|outer| outer.entry_fp().and(outer.now)).unwrap_or_default();
        if let Some(slot) = self.slots.get(depth) {
            let null = core::ptr::null();
            slot.exit_fp.store(context.map_or(null, |c| c.exit_fp).cast_mut(), Ordering::Relaxed);
            slot.exit_pc.store(context.map_or(null, |c| c.exit_pc).cast_mut(), Ordering::Relaxed);
            slot.entry_fp.store(context.map_or(null, |c| c.entry_fp).cast_mut(), Ordering::Relaxed);
            slot.store.store(store, Ordering::Relaxed);
            slot.outer_exit_fp.store(outer.exit_fp, Ordering::Relaxed);
            slot.outer_exit_pc.store(outer.exit_pc, Ordering::Relaxed);
            slot.outer_entry_fp.store(outer.entry_fp, Ordering::Relaxed);
            let before = slot.exit_point().unwrap_or_default().entry_fp;
            slot.entry_fp_before.store(before, Ordering::Relaxed);
            slot.entered_at.store(entered_at, Ordering::Relaxed);
        }
        compiler_fence(Ordering::SeqCst);
        self.depth.store(depth.saturating_add(1), Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
    }

    /// Notes that the guest entered last has returned.
    pub fn leave(&self) {
        compiler_fence(Ordering::SeqCst);
        self.depth.store(self.depth.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
    }

    /// Removes the innermost activations of a store that is about to be dropped, and its words from all others. Any
    /// thread may call it.
    ///
    /// Returns whether anything was there. If so, the words may be read until [`Activations::is_read`] has been false
    /// once.
    pub fn forget_store(&self, store: u64) -> bool {
        let mut found = false;
        for slot in self.slots.iter().filter(|slot| slot.store.load(Ordering::Relaxed) == store) {
            let null = core::ptr::null_mut();
            for pointer in [&slot.exit_fp, &slot.exit_pc, &slot.entry_fp] {
                found |= !pointer.swap(null, Ordering::Relaxed).is_null();
            }
        }
        let mut depth = self.depth.load(Ordering::Relaxed);
        while let Some(innermost) = depth.checked_sub(1).filter(|_| self.current_store() == store) {
            // The owner may enter or leave meanwhile; then what it has written counts.
            if self.depth.compare_exchange(depth, innermost, Ordering::Relaxed, Ordering::Relaxed).is_err() {
                break;
            }
            depth = innermost;
        }
        fence(Ordering::SeqCst);
        found
    }

    /// Announces that the calling thread is going to read the stores' words.
    ///
    /// # Signal safety
    ///
    /// Atomics only. Only the owning thread and its handler announce, one inside the other, so plain reads and writes
    /// keep count.
    pub(crate) fn begin_reading(&self) -> Reading<'_> {
        self.reads.store(self.reads.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        // Either this read is seen by whoever takes words away and looks after that, or it sees that they are gone.
        fence(Ordering::SeqCst);
        Reading(&self.reads)
    }

    /// Tells whether the owning thread may be reading words of stores.
    pub fn is_read(&self) -> bool {
        self.reads.load(Ordering::Acquire) != 0
    }

    /// Returns how many activations there are.
    pub fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    /// Returns the store of the innermost activation; zero when there is none or it is not linked.
    pub(crate) fn current_store(&self) -> u64 {
        let innermost = self.depth.load(Ordering::Relaxed).checked_sub(1).and_then(|index| self.slots.get(index));
        innermost.map_or(0, |slot| slot.store.load(Ordering::Relaxed))
    }

    /// Drops slots whose guest is no longer there.
    ///
    /// A live activation has stored where it entered the guest; wasmtime puts back the outer value when the
    /// activation ends, also when a panic unwinds past it.
    fn prune(&self) {
        while let Some(innermost) = self.depth.load(Ordering::Relaxed).checked_sub(1) {
            let Some(activation) = self.get(innermost) else {
                return;
            };
            if activation.now.is_none() || activation.entry_fp().is_some() {
                return;
            }
            self.depth.store(innermost, Ordering::Relaxed);
        }
    }

    /// Returns the activation with `outside` others around it, or `None` when there is none or it is not linked.
    pub(crate) fn get(&self, outside: usize) -> Option<Activation> {
        let slot = self.slots.get(outside)?;
        Some(Activation {
            now: slot.exit_point(),
            entry_fp_before: slot.entry_fp_before.load(Ordering::Relaxed),
            entered_at: slot.entered_at.load(Ordering::Relaxed),
        })
    }

    /// Returns where the guest around the activation with `outside` others around it was left when that one began;
    /// `None` when it is not linked.
    pub(crate) fn outer_exit(&self, outside: usize) -> Option<ExitPoint> {
        let slot = self.slots.get(outside)?;
        Some(ExitPoint {
            exit_fp: slot.outer_exit_fp.load(Ordering::Relaxed),
            exit_pc: slot.outer_exit_pc.load(Ordering::Relaxed),
            entry_fp: slot.outer_entry_fp.load(Ordering::Relaxed),
        })
    }
}

impl Slot {
    fn exit_point(&self) -> Option<ExitPoint> {
        let read = |pointer: &AtomicPtr<usize>| {
            let pointer = pointer.load(Ordering::Relaxed);
            // SAFETY: `StoreContext::new` asks for words that stay readable while the slot may be used; null is sorted
            // out here. The guest's code writes these words on this very thread, so the read is volatile.
            (!pointer.is_null()).then(|| unsafe { pointer.read_volatile() })
        };
        Some(ExitPoint {
            exit_fp: read(&self.exit_fp)?,
            exit_pc: read(&self.exit_pc)?,
            entry_fp: read(&self.entry_fp)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A store's words: exit frame pointer, exit program counter, entry frame pointer.
    type Words = [Cell<usize>; 3];

    /// Enters a store, whose guest then sets its words.
    fn enter(activations: &Activations, words: &Words, store: u64, then: [usize; 3]) {
        // SAFETY: the tests keep `words` alive while the slot is in use.
        let context = unsafe { StoreContext::new(words[0].as_ptr(), words[1].as_ptr(), words[2].as_ptr()) };
        activations.enter_at(Some(context), store, then[2]);
        set(words, then);
    }

    fn set(words: &Words, values: [usize; 3]) {
        words.iter().zip(values).for_each(|(word, value)| word.set(value));
    }

    #[test]
    fn a_nested_activation_remembers_where_the_outer_one_left_its_guest() {
        let words = Words::default();
        let activations = Activations::default();
        enter(&activations, &words, 1, [100, 200, 300]);
        enter(&activations, &words, 1, [10, 20, 30]);
        let inner = activations.get(1).unwrap();
        assert_eq!(activations.outer_exit(1), Some(ExitPoint { exit_fp: 100, exit_pc: 200, entry_fp: 300 }));
        assert_eq!(inner.entry_fp(), Some(30));
        assert_eq!(activations.outer_exit(0), Some(ExitPoint::default()));
        activations.leave();
        assert_eq!(activations.depth(), 1);
    }

    #[test]
    fn activations_that_a_panic_unwound_past_are_pruned_by_the_next_entry() {
        let (first, second) = (Words::default(), Words::default());
        let activations = Activations::default();
        enter(&activations, &first, 1, [1, 2, 300]);
        enter(&activations, &second, 2, [4, 5, 60]);
        set(&second, [0; 3]);
        enter(&activations, &first, 3, [7, 8, 90]);
        assert_eq!((activations.depth(), activations.current_store()), (2, 3));
        activations.forget_store(3);
        assert_eq!(activations.depth(), 1);
    }

    #[test]
    fn a_forgotten_store_is_read_no_more_even_if_its_thread_enters_meanwhile() {
        let (gone, live) = (Words::default(), Words::default());
        let activations = Activations::default();
        enter(&activations, &gone, 1, [1, 2, 300]);
        enter(&activations, &live, 2, [4, 5, 60]);
        assert!(activations.forget_store(1));
        assert_eq!((activations.depth(), activations.current_store()), (2, 2), "the live one stays");
        assert_eq!(activations.get(0).unwrap().now, None);
        assert!(!activations.forget_store(1), "there is nothing left to wait for");
    }

    #[test]
    fn reads_are_announced_and_nest() {
        let activations = Activations::default();
        assert!(!activations.is_read());
        let outer = activations.begin_reading();
        drop(activations.begin_reading());
        assert!(activations.is_read());
        drop(outer);
        assert!(!activations.is_read());
    }

    #[test]
    fn activations_beyond_the_limit_are_counted_and_not_linked() {
        let activations = Activations::default();
        (0..MAX_LINKED + 5).for_each(|_| activations.enter(None, 1));
        assert_eq!(activations.depth(), MAX_LINKED + 5);
        assert!(activations.get(MAX_LINKED).is_none());
        (0..MAX_LINKED + 5).for_each(|_| activations.leave());
        assert_eq!(activations.depth(), 0);
    }
}
