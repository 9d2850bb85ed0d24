//! Stores whose guests run on stacks of their own, and are suspended and resumed.
//!
//! An async guest runs while its future is polled. Within one poll, guests of one store may take turns on several stacks,
//! unnoticed by anybody but the store, whose words always tell of the one that runs. So a poll is a slot whose words are
//! trusted as they stand; only guests that a host call enters take slots of their own, for the link to what is around
//! them. When the poll ends while such guests are suspended, they are parked until the next poll, on any thread.

use core::sync::atomic::Ordering;

use crate::activation::Activations;
use crate::slot::{Kind, ParkedActivation, Slot};
use crate::store_context::{ExitPoint, StoreContext};

/// The innermost poll of a thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poll {
    index: usize,
    /// What its store's words tell; `None` when the store is forgotten.
    pub(crate) now: Option<ExitPoint>,
}

/// A poll that has begun; pass it to [`Activations::end_poll`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct BegunPoll(usize);

impl Activations {
    /// Notes that a future that drives guests of `store` is about to be polled, and puts back its suspended activations.
    ///
    /// From now on the store's words are believed, whatever stack they point to, until the poll ends.
    pub fn begin_poll(&self, context: StoreContext, store: u64, parked: &[ParkedActivation]) -> BegunPoll {
        let _reading = (self.depth() > 0).then(|| self.begin_reading());
        let begun = BegunPoll(self.depth());
        self.push(Kind::Polled, Some(context), store, self.innermost_exit(), 0);
        for parked in parked {
            let depth = self.depth();
            if let Some(slot) = self.slots.get(depth) {
                slot.unpark(Some(context), store, parked);
            }
            self.set_depth(depth.saturating_add(1));
        }
        begun
    }

    /// Notes that the poll is over; `park` gets each activation that is suspended now, outermost first.
    pub fn end_poll(&self, begun: BegunPoll, mut park: impl FnMut(ParkedActivation)) {
        let depth = self.depth();
        let inside = self.slots.get(begun.0.saturating_add(1)..depth.min(self.slots.len())).unwrap_or_default();
        inside.iter().filter(|slot| slot.kind() == Kind::Nested).for_each(|slot| park(slot.parked()));
        // A store that was forgotten meanwhile took its slots with it.
        self.set_depth(depth.min(begun.0));
    }

    /// Finds the innermost poll, if it is one of `store`.
    pub(crate) fn poll_of(&self, store: u64) -> Option<Poll> {
        let index = self.linked().rposition(|slot| slot.kind() == Kind::Polled)?;
        let slot = self.slots.get(index)?;
        (slot.store.load(Ordering::Relaxed) == store).then(|| Poll { index, now: slot.exit_point() })
    }

    /// Removes the innermost activation of a polled store that its guest has just left: the one that was entered from
    /// where the store's words point again.
    pub(crate) fn leave_nested(&self, store: u64) {
        let _reading = self.begin_reading();
        let Some(Poll { index: poll, now: Some(now) }) = self.poll_of(store) else {
            return;
        };
        let depth = self.depth();
        let is_left = |slot: &Slot| slot.kind() == Kind::Nested && slot.outer().entry_fp == now.entry_fp;
        let Some(left) = self.linked().rposition(is_left).filter(|index| *index > poll) else {
            return;
        };
        // What is further in goes one down; the handler must not see a slot half moved.
        self.set_depth(left);
        let inner = self.slots.get(left..depth.min(self.slots.len())).unwrap_or_default();
        inner.windows(2).for_each(|pair| {
            if let [to, from] = pair {
                to.copy_from(from);
            }
        });
        self.set_depth(depth.saturating_sub(1));
    }

    /// Iterates over the slots that count.
    fn linked(&self) -> impl DoubleEndedIterator<Item = &Slot> + ExactSizeIterator {
        self.slots.iter().take(self.depth())
    }
}

#[cfg(test)]
mod tests;
