//! One unit of the debug information: what was compiled at once.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use gimli::{Abbreviations, AttributeValue, DebugInfoOffset, DebugLineOffset, Dwarf, UnitHeader};

use super::Slice;
use super::fuel::{Fuel, Unreadable};
use super::functions::Functions;
use super::lines::Lines;
use crate::ModuleImage;

/// What an entry of a list of ranges costs: about its size in the section.
const RANGE_COST: usize = 8;

/// A unit; its functions and lines are read when first asked for.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    pub(super) unit: gimli::Unit<Slice<'a>>,
    line_program: Option<DebugLineOffset<usize>>,
    /// The code that it says it covers; may be empty.
    pub(super) ranges: Vec<Range<u32>>,
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
        let encoding = header.encoding();
        let root = header.entry(&abbreviations, header.root_offset())?;
        fuel.spend(root.attrs().len())?;
        let mut unit = gimli::Unit {
            abbreviations,
            name: None,
            comp_dir: None,
            low_pc: 0,
            str_offsets_base: gimli::DebugStrOffsetsBase::default_for_encoding_and_file(encoding, dwarf.file_type),
            addr_base: gimli::DebugAddrBase(0),
            loclists_base: gimli::DebugLocListsBase::default_for_encoding_and_file(encoding, dwarf.file_type),
            rnglists_base: gimli::DebugRngListsBase::default_for_encoding_and_file(encoding, dwarf.file_type),
            line_program: None,
            dwo_id: None,
            header,
        };
        for attribute in root.attrs() {
            match attribute.value() {
                AttributeValue::DebugStrOffsetsBase(base) => unit.str_offsets_base = base,
                AttributeValue::DebugAddrBase(base) => unit.addr_base = base,
                AttributeValue::DebugRngListsBase(base) => unit.rnglists_base = base,
                _ => {}
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
        let reader = UnitReader { dwarf, unit: &unit };
        let ranges =
            reader.ranges(value(gimli::DW_AT_low_pc), value(gimli::DW_AT_high_pc), value(gimli::DW_AT_ranges), fuel)?;
        Ok(Self { unit, line_program, ranges, functions: None, lines: None })
    }

    /// Returns where the unit begins in the section.
    pub(super) fn offset(&self) -> Option<usize> {
        self.unit.header.debug_info_offset().map(|offset| offset.0)
    }

    /// Drops the tables that were read; they are read again when asked for.
    pub(super) fn forget_tables(&mut self) {
        (self.functions, self.lines) = (None, None);
    }

    /// Returns the functions of the unit, reading them first if need be.
    pub(super) fn functions(&mut self, dwarf: &Dwarf<Slice<'a>>, image: &ModuleImage, fuel: &mut Fuel) -> &Functions {
        let unit = &self.unit;
        self.functions.get_or_insert_with(|| Functions::read(&UnitReader { dwarf, unit }, image, fuel))
    }

    /// Returns the lines of the unit, reading them first if need be.
    pub(super) fn lines(&mut self, dwarf: &Dwarf<Slice<'a>>, image: &ModuleImage, fuel: &mut Fuel) -> &mut Lines<'a> {
        let Self { unit, line_program, lines, .. } = self;
        lines.get_or_insert_with(|| Lines::read(&UnitReader { dwarf, unit }, *line_program, image, fuel))
    }

    /// Returns the path of a file by its index in the unit's line table; empty when there is none.
    pub(super) fn path(
        &mut self,
        dwarf: &Dwarf<Slice<'a>>,
        file: u64,
        image: &ModuleImage,
        fuel: &mut Fuel,
    ) -> Rc<str> {
        self.lines(dwarf, image, fuel);
        let reader = UnitReader { dwarf, unit: &self.unit };
        self.lines.as_mut().map_or_else(|| "".into(), |lines| lines.path(&reader, file, fuel))
    }
}

/// A unit together with the sections that it points into.
pub(super) struct UnitReader<'u, 'a> {
    pub(super) dwarf: &'u Dwarf<Slice<'a>>,
    pub(super) unit: &'u gimli::Unit<Slice<'a>>,
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
    pub(super) fn reference(&self, value: Option<AttributeValue<Slice<'a>>>) -> Option<DebugInfoOffset<usize>> {
        match value? {
            AttributeValue::UnitRef(offset) => offset.to_debug_info_offset(&self.unit.header),
            AttributeValue::DebugInfoRef(offset) => Some(offset),
            _ => None,
        }
    }
}

fn code_range(begin: u64, end: u64) -> Option<Range<u32>> {
    let begin = u32::try_from(begin).ok()?;
    let end = u32::try_from(end).unwrap_or(u32::MAX);
    (begin < end).then_some(begin..end)
}
