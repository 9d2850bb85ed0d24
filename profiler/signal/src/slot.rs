//! One place in the stack of activations.

use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering};

use crate::store_context::{ExitPoint, StoreContext};

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
    pub(crate) exit_fp: AtomicPtr<usize>,
    pub(crate) exit_pc: AtomicPtr<usize>,
    pub(crate) entry_fp: AtomicPtr<usize>,
    kind: AtomicU8,
    pub(crate) store: AtomicU64,
    /// Where the enclosing activation had left its guest when this one began.
    outer_exit_fp: AtomicUsize,
    outer_exit_pc: AtomicUsize,
    outer_entry_fp: AtomicUsize,
    /// What the store's own word held when this activation began: it has entered when the word differs.
    pub(crate) entry_fp_before: AtomicUsize,
    /// An address in the frame that entered the guest: the guest's entry lies near it, or is another thread's.
    pub(crate) entered_at: AtomicUsize,
}

/// An inner activation of a store that is not being polled now.
#[derive(Clone, Copy, Debug)]
pub struct ParkedActivation {
    outer: ExitPoint,
    entry_fp_before: usize,
    entered_at: usize,
}

impl Slot {
    /// Fills the slot, all but what the store's own word held.
    pub(crate) fn set(
        &self,
        kind: Kind,
        context: Option<StoreContext>,
        store: u64,
        outer: ExitPoint,
        entered_at: usize,
    ) {
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
