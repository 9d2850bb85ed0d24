//! One unit of the debug information: what was compiled at once.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use gimli::{Abbreviations, AttributeValue, DebugLineOffset, Dwarf, UnitHeader, UnitOffset, UnitType};

use super::Slice;
use super::fuel::{Fuel, Unreadable};
use super::functions::Functions;
use super::lines::Lines;
use super::parts::{EntryPlace, bare_unit};
use super::units::Sources;
use crate::ModuleImage;

/// What an entry of a list of ranges costs: about its size in the section.
const RANGE_COST: usize = 8;

/// A split unit by where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitUnit {
    /// The number of its part.
    pub(super) part: u32,
    /// Its position in the part.
    pub(super) unit: usize,
    /// Whether it is of another build.
    pub(super) is_other_build: bool,
}

/// A unit; its functions and lines are read when first asked for.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    pub(super) unit: gimli::Unit<Slice<'a>>,
    line_program: Option<DebugLineOffset<usize>>,
    /// The code that it says it covers; may be empty.
    pub(super) ranges: Vec<Range<u32>>,
    /// The id of the split unit that tells the rest, if this is the skeleton of one.
    pub(super) skeleton_of: Option<u64>,
    /// The file that it was written to.
    pub(super) dwo_name: Option<Slice<'a>>,
    /// That unit, if it was found.
    pub(super) split: Option<SplitUnit>,
    functions: Option<Functions>,
    lines: Option<Lines<'a>>,
}

impl<'a> Unit<'a> {
    /// Reads the first entry of a unit.
    pub(super) fn read(
        dwarf: &Dwarf<Slice<'a>>,
        header: UnitHeader<Slice<'a>>,
        abbreviations: Arc<Abbreviations>,
        fuel: &mut Fuel,
    ) -> Result<Self, Unreadable> {
        let (mut unit, root) = bare_unit(dwarf, header, abbreviations, fuel)?;
        let mut dwo_name = None;
        for attribute in root.attrs() {
            match attribute.value() {
                AttributeValue::DebugStrOffsetsBase(base) => unit.str_offsets_base = base,
                AttributeValue::DebugAddrBase(base) => unit.addr_base = base,
                AttributeValue::DebugRngListsBase(base) => unit.rnglists_base = base,
                _ => {}
            }
            if matches!(attribute.name(), gimli::DW_AT_dwo_name | gimli::DW_AT_GNU_dwo_name) {
                dwo_name = Some(attribute.value());
            }
        }
        let text = |unit: &gimli::Unit<Slice<'a>>, name| dwarf.attr_string(unit, root.attr_value(name)?).ok();
        unit.name = text(&unit, gimli::DW_AT_name);
        unit.comp_dir = text(&unit, gimli::DW_AT_comp_dir);
        if let Some(low) = root.attr_value(gimli::DW_AT_low_pc) {
            unit.low_pc = dwarf.attr_address(&unit, low)?.unwrap_or(0);
        }
        let line_program = match root.attr_value(gimli::DW_AT_stmt_list) {
            Some(AttributeValue::DebugLineRef(offset)) => Some(offset),
            _ => None,
        };
        let value = |name| root.attr_value(name);
        let is_skeleton = dwo_name.is_some() || matches!(unit.header.type_(), UnitType::Skeleton(_));
        let skeleton_of = unit.dwo_id.filter(|_| is_skeleton).map(|id| id.0);
        let dwo_name = dwo_name.and_then(|name| dwarf.attr_string(&unit, name).ok());
        let reader = UnitReader { dwarf, unit: &unit, part: None };
        let ranges =
            reader.ranges(value(gimli::DW_AT_low_pc), value(gimli::DW_AT_high_pc), value(gimli::DW_AT_ranges), fuel)?;
        Ok(Self { unit, line_program, ranges, skeleton_of, dwo_name, split: None, functions: None, lines: None })
    }

    /// Drops the tables that were read; they are read again when asked for.
    pub(super) fn forget_tables(&mut self) {
        (self.functions, self.lines) = (None, None);
    }

    /// Returns the functions of the unit, reading them first if need be.
    pub(super) fn functions(&mut self, sources: &Sources<'a>, image: &ModuleImage, fuel: &mut Fuel) -> &Functions {
        let Self { unit, split, functions, .. } = self;
        functions.get_or_insert_with(|| {
            let reader = split.and_then(|split| sources.split_reader(split));
            let own = UnitReader { dwarf: &sources.dwarf, unit, part: None };
            Functions::read(&reader.unwrap_or(own), image, fuel)
        })
    }

    /// Returns the lines of the unit, reading them first if need be.
    ///
    /// Those of a split unit are its skeleton's.
    pub(super) fn lines(&mut self, sources: &Sources<'a>, image: &ModuleImage, fuel: &mut Fuel) -> &mut Lines<'a> {
        let Self { unit, line_program, lines, .. } = self;
        let reader = UnitReader { dwarf: &sources.dwarf, unit, part: None };
        lines.get_or_insert_with(|| Lines::read(&reader, *line_program, image, fuel))
    }

    /// Returns the path of a file by its index in the unit's line table; empty when there is none.
    pub(super) fn path(&mut self, sources: &Sources<'a>, file: u64, image: &ModuleImage, fuel: &mut Fuel) -> Rc<str> {
        self.lines(sources, image, fuel);
        let reader = UnitReader { dwarf: &sources.dwarf, unit: &self.unit, part: None };
        self.lines.as_mut().map_or_else(|| "".into(), |lines| lines.path(&reader, file, fuel))
    }
}

/// A unit together with the sections that it points into.
pub(super) struct UnitReader<'u, 'a> {
    pub(super) dwarf: &'u Dwarf<Slice<'a>>,
    pub(super) unit: &'u gimli::Unit<Slice<'a>>,
    /// The split part that the unit stands in; `None` for the module's own sections.
    pub(super) part: Option<u32>,
}

impl<'a> UnitReader<'_, 'a> {
    /// Reads the code that an entry covers; what cannot be in a module is left out.
    pub(super) fn ranges(
        &self,
        low: Option<AttributeValue<Slice<'a>>>,
        high: Option<AttributeValue<Slice<'a>>>,
        ranges: Option<AttributeValue<Slice<'a>>>,
        fuel: &mut Fuel,
    ) -> Result<Vec<Range<u32>>, Unreadable> {
        let mut found = Vec::new();
        let list = match ranges {
            Some(ranges) => self.dwarf.attr_ranges_offset(self.unit, ranges)?,
            None => None,
        };
        if let Some(list) = list {
            // Entries that cover nothing are passed over inside the second reader, unseen: they are paid for here.
            let mut raw = self.dwarf.raw_ranges(self.unit, list)?;
            while raw.next()?.is_some() {
                fuel.spend(RANGE_COST)?;
            }
            let mut ranges = self.dwarf.ranges(self.unit, list)?;
            while let Some(range) = ranges.next()? {
                found.extend(code_range(range.begin, range.end));
            }
        } else if let (Some(low), Some(high)) = (low, high)
            && let Some(low) = self.dwarf.attr_address(self.unit, low)?
        {
            let end = match self.dwarf.attr_address(self.unit, high)? {
                Some(end) => Some(end),
                None => high.udata_value().and_then(|size| low.checked_add(size)),
            };
            found.extend(end.and_then(|end| code_range(low, end)));
        }
        Ok(found)
    }

    /// Resolves a reference to an entry of this or another unit.
    pub(super) fn reference(&self, value: Option<AttributeValue<Slice<'a>>>) -> Option<EntryPlace> {
        match value? {
            AttributeValue::UnitRef(offset) => self.place(offset),
            AttributeValue::DebugInfoRef(offset) => Some(EntryPlace { part: self.part, offset }),
            _ => None,
        }
    }

    /// Returns where an entry of this unit stands.
    pub(super) fn place(&self, offset: UnitOffset<usize>) -> Option<EntryPlace> {
        let offset = offset.to_debug_info_offset(&self.unit.header)?;
        Some(EntryPlace { part: self.part, offset })
    }
}

fn code_range(begin: u64, end: u64) -> Option<Range<u32>> {
    let begin = u32::try_from(begin).ok()?;
    let end = u32::try_from(end).unwrap_or(u32::MAX);
    (begin < end).then_some(begin..end)
}
