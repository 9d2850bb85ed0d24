//! Equal stacks stored once.

use std::hash::{Hash, RandomState};

use indexmap::IndexSet;

/// Names a stack inside one [`StackTable`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StackId(pub u32);

/// Interns stacks of frames of any kind, innermost first, up to a limit.
#[derive(Clone, Debug)]
pub struct StackTable<F> {
    /// Hashed with a secret: stacks come from files too, and a file made for it could have them all collide.
    stacks: IndexSet<Box<[F]>, RandomState>,
    max_stacks: usize,
}

impl<F: Copy + Eq + Hash> StackTable<F> {
    /// Makes a table that holds at most `max_stacks` different stacks.
    pub fn with_max_stacks(max_stacks: usize) -> Self {
        Self { stacks: IndexSet::default(), max_stacks: max_stacks.min(u32::MAX as usize) }
    }

    /// Returns the name of `stack`, adding it when it is new; `None` when it is new and the table is full.
    pub fn intern(&mut self, stack: &[F]) -> Option<StackId> {
        let index = match self.stacks.get_index_of(stack) {
            Some(index) => index,
            None if self.stacks.len() >= self.max_stacks => return None,
            None => self.stacks.insert_full(stack.into()).0,
        };
        u32::try_from(index).ok().map(StackId)
    }

    /// Returns the frames of a stack, innermost first; `None` for a name of another table.
    pub fn frames(&self, id: StackId) -> Option<&[F]> {
        self.stacks.get_index(id.0 as usize).map(|stack| &**stack)
    }

    /// Returns how many different stacks there are.
    pub fn len(&self) -> usize {
        self.stacks.len()
    }

    /// Tells whether there is no stack.
    pub fn is_empty(&self) -> bool {
        self.stacks.is_empty()
    }

    /// Iterates over the stacks in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (StackId, &[F])> {
        (0..).map(StackId).zip(self.stacks.iter().map(|stack| &**stack))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stacks_share_a_name_and_a_full_table_refuses_only_new_ones() {
        let mut table = StackTable::with_max_stacks(2);
        let first = table.intern(&[1, 2, 3]);
        assert_eq!(table.intern(&[1, 2]), Some(StackId(1)));
        assert_eq!(table.intern(&[9]), None);
        assert_eq!(table.intern(&[1, 2, 3]), first);
        assert_eq!(table.frames(StackId(0)), Some(&[1, 2, 3][..]));
        assert_eq!(table.frames(StackId(2)), None);
    }
}
