//! The sections of split units.

use std::convert::Infallible;
use std::ops::Range;

use gimli::{Dwarf, DwarfFileType, EndianSlice, LittleEndian, SectionId};

use crate::debug_info::Slice;

/// Where in a file the sections lie that split units need, or their parts of these; empty where there is none.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct SplitSections {
    pub(crate) info: Range<usize>,
    pub(crate) abbrev: Range<usize>,
    pub(crate) str: Range<usize>,
    pub(crate) str_offsets: Range<usize>,
    pub(crate) rnglists: Range<usize>,
}

impl SplitSections {
    /// Finds the sections by their names.
    pub(crate) fn named(mut find: impl FnMut(&str) -> Range<usize>) -> Self {
        Self {
            info: find(".debug_info.dwo"),
            abbrev: find(".debug_abbrev.dwo"),
            str: find(".debug_str.dwo"),
            str_offsets: find(".debug_str_offsets.dwo"),
            rnglists: find(".debug_rnglists.dwo"),
        }
    }

    /// Returns the sections out of the bytes of the file; addresses and the ranges of DWARF 4 are the module's.
    pub(crate) fn dwarf<'b>(&self, bytes: &'b [u8], module: Option<&Dwarf<Slice<'b>>>) -> Dwarf<Slice<'b>> {
        let part = |id| match id {
            SectionId::DebugInfo => self.info.clone(),
            SectionId::DebugAbbrev => self.abbrev.clone(),
            SectionId::DebugStr => self.str.clone(),
            SectionId::DebugStrOffsets => self.str_offsets.clone(),
            SectionId::DebugRngLists => self.rnglists.clone(),
            _ => 0..0,
        };
        let slice = |id| EndianSlice::new(bytes.get(part(id)).unwrap_or_default(), LittleEndian);
        let Ok(mut dwarf) = Dwarf::load(|id| Ok::<_, Infallible>(slice(id)));
        dwarf.file_type = DwarfFileType::Dwo;
        if let Some(module) = module {
            dwarf.make_dwo(module);
        }
        dwarf
    }

    /// Returns how many bytes they are in all.
    pub(crate) fn len(&self) -> usize {
        let all = [&self.info, &self.abbrev, &self.str, &self.str_offsets, &self.rnglists];
        all.iter().fold(0, |sum, range| sum.saturating_add(range.len()))
    }
}

/// Returns a part of a range; `None` where it ends behind it.
pub(super) fn part_of(whole: &Range<usize>, offset: usize, size: usize) -> Option<Range<usize>> {
    let begin = whole.start.checked_add(offset)?;
    let end = begin.checked_add(size)?;
    (end <= whole.end).then_some(begin..end)
}
