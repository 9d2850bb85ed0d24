//! Where guest code lies: a sorted table that the handler reads and the host replaces.

use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

/// The addresses of one piece of guest code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeRange {
    /// The first address.
    pub start: usize,
    /// The address behind the last.
    pub end: usize,
}

impl CodeRange {
    fn covers(&self, address: usize) -> bool {
        self.start <= address && address < self.end
    }
}

/// The addresses of all guest code, sorted, without overlaps.
#[derive(Debug)]
pub struct CodeRanges<'a> {
    ranges: &'a [CodeRange],
}

impl<'a> CodeRanges<'a> {
    /// Wraps ranges that are sorted by start and do not overlap; anything else gives misses.
    pub const fn new(ranges: &'a [CodeRange]) -> Self {
        Self { ranges }
    }

    /// Finds the range that covers `address`.
    ///
    /// # Signal safety
    ///
    /// Reads the table only; the loop halves it each time.
    pub fn find(&self, address: usize) -> Option<CodeRange> {
        let behind = self.ranges.partition_point(|range| range.start <= address);
        let range = self.ranges.get(behind.checked_sub(1)?)?;
        range.covers(address).then_some(*range)
    }
}

/// Asks for ranges again and again, and remembers the last answer: most frames lie in the range of the one before.
pub(crate) struct RangeCursor<'a> {
    ranges: &'a CodeRanges<'a>,
    last: CodeRange,
}

impl<'a> RangeCursor<'a> {
    pub(crate) fn new(ranges: &'a CodeRanges<'a>) -> Self {
        Self { ranges, last: CodeRange { start: 0, end: 0 } }
    }

    pub(crate) fn range_of(&mut self, address: usize) -> Option<CodeRange> {
        if !self.last.covers(address) {
            self.last = self.ranges.find(address)?;
        }
        Some(self.last)
    }
}

static EMPTY: CodeRanges<'static> = CodeRanges::new(&[]);
static CURRENT: AtomicPtr<CodeRanges<'static>> = AtomicPtr::new(ptr::null_mut());

/// Makes `table` the one that handlers read from now on.
///
/// Handlers that are running may go on reading the table before it; free that one only when no thread's
/// [`ThreadState::reads_ranges`](crate::ThreadState::reads_ranges) names it.
pub fn publish(table: &'static CodeRanges<'static>) {
    CURRENT.store(ptr::from_ref(table).cast_mut(), Ordering::SeqCst);
}

/// Pins the published table: announces it in `hazard`, and makes sure that it was still published afterwards.
///
/// # Signal safety
///
/// Atomics only. The loop repeats when a table was published in between; it gives up after a few rounds.
pub(crate) fn pin<'h>(hazard: &'h AtomicPtr<CodeRanges<'static>>) -> &'h CodeRanges<'static> {
    for _ in 0..16 {
        let current = CURRENT.load(Ordering::SeqCst);
        if current.is_null() {
            return &EMPTY;
        }
        hazard.store(current, Ordering::SeqCst);
        if ptr::eq(CURRENT.load(Ordering::SeqCst), current) {
            // SAFETY: published tables are 'static until freed, and `publish` asks its caller not to free one that a
            // hazard names; this one was published after the hazard named it.
            return unsafe { &*current };
        }
    }
    &EMPTY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_between_and_beside_ranges_belong_to_none() {
        let ranges =
            [CodeRange { start: 10, end: 20 }, CodeRange { start: 20, end: 25 }, CodeRange { start: 40, end: 41 }];
        let table = CodeRanges::new(&ranges);
        let found: Vec<_> = [9, 10, 19, 20, 24, 25, 39, 40, 41].map(|a| table.find(a).map(|r| r.start)).into();
        assert_eq!(found, [None, Some(10), Some(10), Some(20), Some(20), None, None, Some(40), None]);
    }
}
