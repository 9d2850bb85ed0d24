//! The guest activations of one thread: host calls guest, guest calls host, host calls guest again.

use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, compiler_fence};

/// How many nested activations are linked; deeper ones are counted and not linked.
const MAX_LINKED: usize = 32;

/// Where a store keeps its last exit from, and its last entry into, WebAssembly.
///
/// The words belong to wasmtime's `VMStoreContext`; zero means that there was none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreContext {
    /// Holds the frame pointer of the trampoline through which the guest last called the host.
    pub exit_fp: *const usize,
    /// Holds the guest's return address of that call.
    pub exit_pc: *const usize,
    /// Holds the frame pointer of the trampoline through which the host entered the guest.
    pub entry_fp: *const usize,
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
    /// A stack address of the host that is about to enter the guest: everything of the guest lies below it.
    host_sp: AtomicUsize,
    /// Where the enclosing activation had left its guest when this one began.
    outer_exit_fp: AtomicUsize,
    outer_exit_pc: AtomicUsize,
    outer_entry_fp: AtomicUsize,
}

/// The stack of activations, written by its thread and read by the handler on the same thread.
///
/// One thread writes and a handler on that very thread reads, so plain ordering by the compiler is enough: a slot is
/// complete before the depth covers it.
#[derive(Debug, Default)]
pub struct Activations {
    slots: [Slot; MAX_LINKED],
    depth: AtomicUsize,
}

/// One activation as the handler sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Activation {
    pub(crate) now: Option<ExitPoint>,
    pub(crate) outer: ExitPoint,
    pub(crate) host_sp: usize,
}

impl Activations {
    /// Notes that the host is about to enter the guest of `store`; `host_sp` is a live stack address of the caller.
    ///
    /// Slots left behind by a panic that unwound past their guest are pruned: a live outer activation has its host
    /// frame above the present one.
    ///
    /// # Safety
    ///
    /// The pointers in `context` must stay readable until [`Activations::leave`], [`Activations::forget_store`] or a
    /// pruning `enter` removes the slot.
    pub unsafe fn enter(&self, context: Option<StoreContext>, store: u64, host_sp: usize) {
        self.prune(host_sp);
        let depth = self.depth.load(Ordering::Relaxed);
        let outer = match depth.checked_sub(1).and_then(|index| self.slots.get(index)) {
            Some(slot) => slot.exit_point().unwrap_or_default(),
            None => ExitPoint::default(),
        };
        if let Some(slot) = self.slots.get(depth) {
            let null = core::ptr::null();
            slot.exit_fp.store(context.map_or(null, |c| c.exit_fp).cast_mut(), Ordering::Relaxed);
            slot.exit_pc.store(context.map_or(null, |c| c.exit_pc).cast_mut(), Ordering::Relaxed);
            slot.entry_fp.store(context.map_or(null, |c| c.entry_fp).cast_mut(), Ordering::Relaxed);
            slot.store.store(store, Ordering::Relaxed);
            slot.host_sp.store(host_sp, Ordering::Relaxed);
            slot.outer_exit_fp.store(outer.exit_fp, Ordering::Relaxed);
            slot.outer_exit_pc.store(outer.exit_pc, Ordering::Relaxed);
            slot.outer_entry_fp.store(outer.entry_fp, Ordering::Relaxed);
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

    /// Removes the activations of a store that is about to be dropped, and those inside them.
    pub fn forget_store(&self, store: u64) {
        let depth = self.depth.load(Ordering::Relaxed);
        let first = self.slots.iter().take(depth).position(|slot| slot.store.load(Ordering::Relaxed) == store);
        if let Some(first) = first {
            self.depth.store(first, Ordering::SeqCst);
        }
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

    fn prune(&self, host_sp: usize) {
        let mut depth = self.depth.load(Ordering::Relaxed).min(MAX_LINKED);
        if depth != self.depth.load(Ordering::Relaxed) {
            return;
        }
        while let Some(slot) = depth.checked_sub(1).and_then(|index| self.slots.get(index)) {
            if slot.host_sp.load(Ordering::Relaxed) > host_sp {
                break;
            }
            depth = depth.saturating_sub(1);
        }
        self.depth.store(depth, Ordering::Relaxed);
    }

    /// Returns the activation with `outside` others around it, or `None` when there is none or it is not linked.
    pub(crate) fn get(&self, outside: usize) -> Option<Activation> {
        let slot = self.slots.get(outside)?;
        Some(Activation {
            now: slot.exit_point(),
            outer: ExitPoint {
                exit_fp: slot.outer_exit_fp.load(Ordering::Relaxed),
                exit_pc: slot.outer_exit_pc.load(Ordering::Relaxed),
                entry_fp: slot.outer_entry_fp.load(Ordering::Relaxed),
            },
            host_sp: slot.host_sp.load(Ordering::Relaxed),
        })
    }
}

impl Slot {
    fn exit_point(&self) -> Option<ExitPoint> {
        let read = |pointer: &AtomicPtr<usize>| {
            let pointer = pointer.load(Ordering::Relaxed);
            // SAFETY: `enter` asks its caller to keep the pointers readable while the slot is in use; null is sorted
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
    use super::*;

    fn context(words: &[usize; 3]) -> StoreContext {
        StoreContext { exit_fp: &words[0], exit_pc: &words[1], entry_fp: &words[2] }
    }

    fn enter(activations: &Activations, words: &[usize; 3], store: u64, host_sp: usize) {
        // SAFETY: the tests keep `words` alive while the slot is in use.
        unsafe { activations.enter(Some(context(words)), store, host_sp) };
    }

    #[test]
    fn a_nested_activation_remembers_where_the_outer_one_left_its_guest() {
        let words = [100, 200, 300];
        let activations = Activations::default();
        enter(&activations, &words, 1, 4000);
        enter(&activations, &words, 1, 3000);
        let inner = activations.get(1).unwrap();
        assert_eq!(inner.outer, ExitPoint { exit_fp: 100, exit_pc: 200, entry_fp: 300 });
        assert_eq!(activations.get(0).unwrap().outer, ExitPoint::default());
        activations.leave();
        assert_eq!(activations.depth(), 1);
    }

    #[test]
    fn activations_that_a_panic_unwound_past_are_pruned_by_the_next_entry() {
        let words = [1, 2, 3];
        let activations = Activations::default();
        enter(&activations, &words, 1, 4000);
        enter(&activations, &words, 1, 3000);
        enter(&activations, &words, 2, 3500);
        assert_eq!(activations.depth(), 2);
        assert_eq!(activations.current_store(), 2);
        activations.forget_store(2);
        assert_eq!(activations.depth(), 1);
    }

    #[test]
    fn activations_beyond_the_limit_are_counted_and_not_linked() {
        let words = [1, 2, 3];
        let activations = Activations::default();
        for level in 0..MAX_LINKED + 5 {
            enter(&activations, &words, 1, 1_000_000 - level);
        }
        assert_eq!(activations.depth(), MAX_LINKED + 5);
        assert!(activations.get(MAX_LINKED).is_none());
        (0..MAX_LINKED + 5).for_each(|_| activations.leave());
        assert_eq!(activations.depth(), 0);
    }
}
