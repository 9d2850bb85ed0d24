//! The guest activations of one thread: host calls guest, guest calls host, host calls guest again.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering, compiler_fence, fence};

use crate::poll::Poll;
use crate::slot::{Kind, Slot};
use crate::store_context::{ExitPoint, StoreContext};

/// How many nested activations are linked; deeper ones are counted and not linked.
const MAX_LINKED: usize = 32;
/// How far from the hook's frame a guest's entry may lie: between them are a few frames of wasmtime's.
const MAX_ENTRY_DISTANCE: usize = 64 << 10;

/// The stack of activations, written by its thread and read by the handler on the same thread.
///
/// One thread writes and a handler on that very thread reads, so plain ordering by the compiler is enough: a slot is
/// complete before the depth covers it. The exception is [`Activations::forget_store`], which any thread may call.
#[derive(Debug, Default)]
pub struct Activations {
    pub(crate) slots: [Slot; MAX_LINKED],
    pub(crate) depth: AtomicUsize,
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
    pub(crate) kind: Kind,
    entry_fp_before: usize,
    entered_at: usize,
}

impl Activation {
    /// Returns the frame pointer at which the activation ends, if the guest's entry code has stored it already.
    ///
    /// A store that another thread has entered since, after a panic unwound past this activation, names a place on that
    /// thread's stack, far from where this one was entered. A store that is polled runs here and nowhere else, on any
    /// stack.
    pub(crate) fn entry_fp(&self) -> Option<usize> {
        let entry_fp = self.now?.entry_fp;
        let is_own = self.kind == Kind::Polled || self.began_with(entry_fp);
        (is_own && entry_fp != 0).then_some(entry_fp)
    }

    /// Tells whether the activation is the one whose entry has this frame pointer.
    pub(crate) fn began_with(&self, entry_fp: usize) -> bool {
        self.is_near(entry_fp) && entry_fp != self.entry_fp_before
    }

    /// Tells whether this is an inner activation of another of the store's stacks than the one at `stack_pointer`, where
    /// its guest is suspended.
    pub(crate) fn is_elsewhere(&self, stack_pointer: usize) -> bool {
        let not_begun = || {
            let still_outer = self.now.is_some_and(|now| now.entry_fp == self.entry_fp_before);
            still_outer && self.is_near(stack_pointer)
        };
        self.kind == Kind::Nested && self.entry_fp().is_none() && !not_begun()
    }

    /// Tells whether code at `stack_pointer` may be what leads into the activation's guest, or out of it.
    pub(crate) fn is_beginning(&self, stack_pointer: usize) -> bool {
        self.kind == Kind::Polled || self.is_near(stack_pointer)
    }

    fn is_near(&self, address: usize) -> bool {
        address.abs_diff(self.entered_at) < MAX_ENTRY_DISTANCE
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
        match self.poll_of(store) {
            // The guest's words tell everything about an outermost activation of a store that is polled.
            Some(Poll { now, .. }) if now.is_none_or(|now| now.entry_fp == 0) => {}
            Some(Poll { now, .. }) => self.push(Kind::Nested, context, store, now.unwrap_or_default(), entered_at),
            None => {
                self.prune();
                self.push(Kind::Entered, context, store, self.innermost_exit(), entered_at);
            }
        }
    }

    /// Returns where the innermost guest of this thread left for the host; zeros when there is none.
    ///
    /// A slot that a panic left behind may belong to a store that another thread runs now: its exit is not on our
    /// stack, and `entry_fp` tells.
    pub(crate) fn innermost_exit(&self) -> ExitPoint {
        let outer = self.depth().checked_sub(1).and_then(|index| self.get(index));
        outer.and_then(|outer| outer.entry_fp().and(outer.now)).unwrap_or_default()
    }

    /// Adds a slot, inside an activation that left its guest at `outer`.
    pub(crate) fn push(
        &self,
        kind: Kind,
        context: Option<StoreContext>,
        store: u64,
        outer: ExitPoint,
        entered_at: usize,
    ) {
        let depth = self.depth.load(Ordering::Relaxed);
        if let Some(slot) = self.slots.get(depth) {
            slot.set(kind, context, store, outer, entered_at);
            let before = slot.exit_point().unwrap_or_default().entry_fp;
            slot.entry_fp_before.store(before, Ordering::Relaxed);
        }
        self.set_depth(depth.saturating_add(1));
    }

    /// Makes the first `depth` slots those that count; they must be complete.
    pub(crate) fn set_depth(&self, depth: usize) {
        compiler_fence(Ordering::SeqCst);
        self.depth.store(depth, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
    }

    /// Notes that the guest of `store` that was entered last has returned.
    ///
    /// Where another store's guest was entered last, this one was entered on another thread, and nothing is done.
    pub fn leave(&self, store: u64) {
        if self.poll_of(store).is_some() {
            self.leave_nested(store);
        } else if self.depth() > MAX_LINKED || self.current_store() == store {
            self.set_depth(self.depth().saturating_sub(1));
        }
    }

    /// Notes that the thread has left every guest.
    pub fn leave_all(&self) {
        self.set_depth(0);
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
            if activation.kind != Kind::Entered || activation.now.is_none() || activation.entry_fp().is_some() {
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
            kind: slot.kind(),
            entry_fp_before: slot.entry_fp_before.load(Ordering::Relaxed),
            entered_at: slot.entered_at.load(Ordering::Relaxed),
        })
    }

    /// Returns where the guest around the activation with `outside` others around it was left when that one began;
    /// `None` when it is not linked.
    pub(crate) fn outer_exit(&self, outside: usize) -> Option<ExitPoint> {
        self.slots.get(outside).map(Slot::outer)
    }
}

#[cfg(test)]
mod tests;
