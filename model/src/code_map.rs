//! Which compiled code lay at an address, at a time.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use crate::{ByteSize, NativeAddress, Timestamp};

/// Names one piece of compiled code: the machine code of one module, in the order in which pieces were loaded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CodeId(pub u32);

/// One stay of one piece of compiled code at one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeRange {
    /// Where the code begins.
    pub start: NativeAddress,
    /// How long it is.
    pub size: ByteSize,
    /// Which code it is.
    pub code: CodeId,
    /// When it became executable.
    pub loaded_at: Timestamp,
    /// When it was unloaded; `None` while it is loaded.
    pub retired_at: Option<Timestamp>,
}

impl CodeRange {
    fn covers(&self, address: NativeAddress, at: Timestamp) -> bool {
        address.offset_from(self.start).is_some_and(|offset| offset < self.size.get())
            && self.loaded_at <= at
            && self.retired_at.is_none_or(|retired| at <= retired)
    }
}

/// Maps (native address, time) to compiled code.
///
/// Unloaded code is retired and stays findable for samples taken while it was loaded, until [`CodeMap::forget_before`]
/// says that no such sample can come any more. Addresses are reused by later code, so the time decides between them.
///
/// # Accuracy
///
/// Exact as long as no two loaded ranges overlap; of overlapping ones the last loaded wins.
#[derive(Clone, Debug, Default)]
pub struct CodeMap {
    /// Stays by start address, oldest first. The longest range bounds how far below an address a cover may start.
    by_start: BTreeMap<NativeAddress, Vec<CodeRange>>,
    longest: u64,
}

impl CodeMap {
    /// Makes an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that `code` became executable at `start`.
    pub fn load(&mut self, code: CodeId, start: NativeAddress, size: ByteSize, at: Timestamp) {
        self.longest = self.longest.max(size.get());
        let range = CodeRange { start, size, code, loaded_at: at, retired_at: None };
        self.by_start.entry(start).or_default().push(range);
    }

    /// Notes that the code at `start` is gone, and returns which it was.
    pub fn retire(&mut self, start: NativeAddress, at: Timestamp) -> Option<CodeId> {
        let stays = self.by_start.get_mut(&start)?;
        let range = stays.iter_mut().rev().find(|range| range.retired_at.is_none())?;
        range.retired_at = Some(at);
        Some(range.code)
    }

    /// Finds the code that lay at `address` at the time `at`.
    pub fn find(&self, address: NativeAddress, at: Timestamp) -> Option<&CodeRange> {
        let lowest = NativeAddress::new(address.get().saturating_sub(self.longest));
        let stays = self.by_start.range(lowest..=address).rev();
        stays.flat_map(|(_, stays)| stays.iter().rev()).find(|range| range.covers(address, at))
    }

    /// Drops stays that ended before `at`, and returns the code that has no stay left.
    ///
    /// Call it only with a time up to which all samples have been resolved.
    pub fn forget_before(&mut self, at: Timestamp) -> Vec<CodeId> {
        let mut dropped = Vec::new();
        self.by_start.retain(|_, stays| {
            stays.retain(|range| {
                let keep = range.retired_at.is_none_or(|retired| retired >= at);
                if !keep {
                    dropped.push(range.code);
                }
                keep
            });
            !stays.is_empty()
        });
        if !dropped.is_empty() {
            let kept: FxHashSet<CodeId> = self.ranges().map(|range| range.code).collect();
            dropped.retain(|code| !kept.contains(code));
        }
        dropped
    }

    /// Iterates over every stay, by address and then by age.
    pub fn ranges(&self) -> impl Iterator<Item = &CodeRange> {
        self.by_start.values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Timestamp {
        Timestamp::from_monotonic_nanos(nanos)
    }

    fn address(number: u64) -> NativeAddress {
        NativeAddress::new(number)
    }

    #[test]
    fn a_reused_address_belongs_to_whoever_was_there_at_the_time() {
        let mut map = CodeMap::new();
        map.load(CodeId(1), address(0x1000), ByteSize::new(0x100), at(10));
        assert_eq!(map.retire(address(0x1000), at(20)), Some(CodeId(1)));
        map.load(CodeId(2), address(0x1000), ByteSize::new(0x80), at(30));

        let code = |a, t| map.find(address(a), at(t)).map(|range| range.code);
        assert_eq!(code(0x1010, 15), Some(CodeId(1)));
        assert_eq!(code(0x1010, 25), None);
        assert_eq!(code(0x1010, 35), Some(CodeId(2)));
        assert_eq!(code(0x1090, 35), None);
        assert_eq!(code(0xfff, 35), None);
    }

    #[test]
    fn a_short_range_does_not_hide_a_long_one_that_starts_below_it() {
        let mut map = CodeMap::new();
        map.load(CodeId(1), address(0x1000), ByteSize::new(0x1000), at(0));
        map.load(CodeId(2), address(0x1100), ByteSize::new(0x10), at(0));
        assert_eq!(map.find(address(0x1800), at(1)).map(|range| range.code), Some(CodeId(1)));
        assert_eq!(map.find(address(0x1108), at(1)).map(|range| range.code), Some(CodeId(2)));
    }

    #[test]
    fn forgetting_keeps_what_is_loaded_and_what_late_samples_may_need() {
        let mut map = CodeMap::new();
        map.load(CodeId(1), address(0x1000), ByteSize::new(0x100), at(0));
        map.load(CodeId(2), address(0x2000), ByteSize::new(0x100), at(0));
        map.load(CodeId(3), address(0x3000), ByteSize::new(0x100), at(0));
        map.retire(address(0x1000), at(5));
        map.retire(address(0x2000), at(9));
        assert_eq!(map.forget_before(at(8)), vec![CodeId(1)]);
        assert_eq!(map.ranges().count(), 2);
    }
}
