//! JSON arrays that are written while they are counted up.

use serde::{Serialize, Serializer};

/// An array of what an iterator yields. It is iterated over when it is written, and nothing of it is kept.
pub(super) struct Column<F>(pub(super) F);

impl<F, I> Serialize for Column<F>
where
    F: Fn() -> I,
    I: IntoIterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}
