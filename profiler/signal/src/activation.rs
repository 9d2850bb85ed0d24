//! The guest activations of one thread: host calls guest, guest calls host, host calls guest again.

use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, compiler_fence, fence};

use crate::poll::Poll;

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
    /// The words must hold what is said above whenever they are not zero: the walk reads the stack between those frame
    /// pointers. They must stay readable as long as a copy of this is used, and until the store is forgotten on every
    /// thread that was given one.
    ///
    /// While one thread has the store between [`Activations::begin_poll`] and [`Activations::end_poll`], no other may run
    /// its guests, unless the store is forgotten on that thread first, and is read there no more.
    pub const unsafe fn new(exit_fp: *const usize, exit_pc: *const usize, entry_fp: *const usize) -> Self {
        Self { exit_fp, exit_pc, entry_fp }
    }

    /// Reads the words.
    pub fn read(&self) -> ExitPoint {
        let read = |word: *const usize| {
            // SAFETY: `new` asks for words that stay readable as long as this is used.
            unsafe { word.read_volatile() }
        };
        ExitPoint { exit_fp: read(self.exit_fp), exit_pc: read(self.exit_pc), entry_fp: read(self.entry_fp) }
    }
}

/// The values of a [`StoreContext`] at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExitPoint {
    /// The frame pointer of the trampoline through which the guest last called the host.
    pub exit_fp: usize,
    /// The guest's return address of that call.
    pub exit_pc: usize,
    /// The frame pointer of the trampoline through which the host entered the guest.
    pub entry_fp: usize,
}

/// What a slot stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A guest that runs on the stack of its thread until it returns.
    Entered,
    /// A store that is being polled: its guests run on stacks of their own, and its words tell which one does now.
    Polled,
    /// A guest that a host call entered, within a poll.
    Nested,
}

#[derive(Debug, Default)]
pub(crate) struct Slot {
    exit_fp: AtomicPtr<usize>,
    exit_pc: AtomicPtr<usize>,
    entry_fp: AtomicPtr<usize>,
    kind: AtomicU8,
    pub(crate) store: AtomicU64,
    /// Where the enclosing activation had left its guest when this one began.
    outer_exit_fp: AtomicUsize,
    outer_exit_pc: AtomicUsize,
    outer_entry_fp: AtomicUsize,
    /// What the store's own word held when this activation began: it has entered when the word differs.
    entry_fp_before: AtomicUsize,
    /// An address in the frame that entered the guest: the guest's entry lies near it, or is another thread's.
    entered_at: AtomicUsize,
}

/// An inner activation of a store that is not being polled now.
#[derive(Clone, Copy, Debug)]
pub struct ParkedActivation {
    outer: ExitPoint,
    entry_fp_before: usize,
    entered_at: usize,
}

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

impl Slot {
    /// Fills the slot, all but what the store's own word held.
    fn set(&self, kind: Kind, context: Option<StoreContext>, store: u64, outer: ExitPoint, entered_at: usize) {
        self.set_context(context);
        self.kind.store(kind as u8, Ordering::Relaxed);
        self.store.store(store, Ordering::Relaxed);
        self.outer_exit_fp.store(outer.exit_fp, Ordering::Relaxed);
        self.outer_exit_pc.store(outer.exit_pc, Ordering::Relaxed);
        self.outer_entry_fp.store(outer.entry_fp, Ordering::Relaxed);
        self.entered_at.store(entered_at, Ordering::Relaxed);
    }

    fn set_context(&self, context: Option<StoreContext>) {
        let null = core::ptr::null();
        self.exit_fp.store(context.map_or(null, |c| c.exit_fp).cast_mut(), Ordering::Relaxed);
        self.exit_pc.store(context.map_or(null, |c| c.exit_pc).cast_mut(), Ordering::Relaxed);
        self.entry_fp.store(context.map_or(null, |c| c.entry_fp).cast_mut(), Ordering::Relaxed);
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.kind.load(Ordering::Relaxed) {
            kind if kind == Kind::Polled as u8 => Kind::Polled,
            kind if kind == Kind::Nested as u8 => Kind::Nested,
            _ => Kind::Entered,
        }
    }

    /// Returns where the guest around this activation was left when this one began.
    pub(crate) fn outer(&self) -> ExitPoint {
        ExitPoint {
            exit_fp: self.outer_exit_fp.load(Ordering::Relaxed),
            exit_pc: self.outer_exit_pc.load(Ordering::Relaxed),
            entry_fp: self.outer_entry_fp.load(Ordering::Relaxed),
        }
    }

    /// Makes this slot the like of another, of the same thread.
    pub(crate) fn copy_from(&self, other: &Slot) {
        let pointers =
            [(&self.exit_fp, &other.exit_fp), (&self.exit_pc, &other.exit_pc), (&self.entry_fp, &other.entry_fp)];
        pointers.iter().for_each(|(to, from)| to.store(from.load(Ordering::Relaxed), Ordering::Relaxed));
        self.kind.store(other.kind.load(Ordering::Relaxed), Ordering::Relaxed);
        self.store.store(other.store.load(Ordering::Relaxed), Ordering::Relaxed);
        let places = [
            (&self.outer_exit_fp, &other.outer_exit_fp),
            (&self.outer_exit_pc, &other.outer_exit_pc),
            (&self.outer_entry_fp, &other.outer_entry_fp),
            (&self.entry_fp_before, &other.entry_fp_before),
            (&self.entered_at, &other.entered_at),
        ];
        places.iter().for_each(|(to, from)| to.store(from.load(Ordering::Relaxed), Ordering::Relaxed));
    }

    /// Takes down what a suspended activation needs to be found again.
    pub(crate) fn parked(&self) -> ParkedActivation {
        ParkedActivation {
            outer: self.outer(),
            entry_fp_before: self.entry_fp_before.load(Ordering::Relaxed),
            entered_at: self.entered_at.load(Ordering::Relaxed),
        }
    }

    /// Puts back what [`Slot::parked`] took down.
    pub(crate) fn unpark(&self, context: Option<StoreContext>, store: u64, parked: &ParkedActivation) {
        self.set(Kind::Nested, context, store, parked.outer, parked.entered_at);
        self.entry_fp_before.store(parked.entry_fp_before, Ordering::Relaxed);
    }

    pub(crate) fn exit_point(&self) -> Option<ExitPoint> {
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
mod tests;
