//! All units of a module, and the way from an offset to frames.

use std::sync::Arc;

use gimli::{Abbreviations, DebugAbbrev, DebugInfoOffset, Dwarf, LittleEndian, Section, UnitHeader};
use std::collections::HashMap;
use wasmscope_model::ResolvedFrame;

use super::Slice;
use super::descriptions::Descriptions;
use super::fuel::{Fuel, Unreadable};
use super::unit::{Unit, UnitReader};
use crate::ModuleImage;

/// Units beyond this many are not read; the largest programs known have half as many.
const MAX_UNITS: usize = 1 << 16;
/// What a byte of a table of abbreviations costs that was read before, since its copy in memory is many times as long.
const REPEATED_TABLE_COST: usize = 16;
/// How many units that claim an offset are asked; honest units do not overlap, except where linkers left removed code
/// at address zero.
const MAX_CLAIMS: usize = 256;
/// How many units are looked at to tell whether the code was rewritten.
const SAMPLED_UNITS: usize = 16;

/// The units in the order of the section.
#[derive(Debug)]
pub(super) struct UnitList<'a> {
    pub(super) dwarf: Dwarf<Slice<'a>>,
    pub(super) units: Vec<Unit<'a>>,
}

impl<'a> UnitList<'a> {
    /// Finds the unit that an entry lies in.
    pub(super) fn unit_of(&self, offset: DebugInfoOffset<usize>) -> Option<UnitReader<'_, 'a>> {
        let behind = self.units.partition_point(|unit| unit.offset().is_some_and(|begin| begin <= offset.0));
        let unit = self.units.get(behind.checked_sub(1)?)?;
        Some(UnitReader { dwarf: &self.dwarf, unit: &unit.unit })
    }
}

/// A unit says that it covers this code.
#[derive(Clone, Copy, Debug)]
struct Claim {
    begin: u32,
    end: u32,
    /// The furthest end of this and all claims before.
    furthest: u32,
    unit: usize,
}

/// The debug information of a module, read unit by unit.
#[derive(Debug)]
pub(super) struct Units<'a> {
    pub(super) list: UnitList<'a>,
    /// Sorted by their first address.
    claims: Vec<Claim>,
    pub(super) descriptions: Descriptions,
    pub(super) fuel: Fuel,
    /// Whether some unit could not be read at all.
    pub(super) broken: bool,
    /// Whether the code was rewritten, and the units were not; `None` until that is asked.
    left_behind: Option<bool>,
}

impl<'a> Units<'a> {
    /// Reads the header and first entry of each unit.
    pub(super) fn read(dwarf: Dwarf<Slice<'a>>, image: &ModuleImage, debug_bytes: usize) -> Self {
        let mut fuel = Fuel::for_bytes(debug_bytes);
        let mut headers = Vec::new();
        let mut iterator = dwarf.units();
        let broken = loop {
            match iterator.next() {
                Ok(Some(header)) if headers.len() < MAX_UNITS => headers.push(header),
                Ok(None) => break false,
                Ok(Some(_)) | Err(_) => break true,
            }
        };
        let tables = abbreviations(&dwarf, &headers, &mut fuel);
        let mut units = Self {
            list: UnitList { dwarf, units: Vec::new() },
            claims: Vec::new(),
            descriptions: Descriptions::default(),
            fuel,
            broken,
            left_behind: None,
        };
        for header in headers.into_iter().filter(|header| header.debug_info_offset().is_some()) {
            let table = tables.get(&header.debug_abbrev_offset().0).cloned().ok_or(Unreadable);
            match table.and_then(|table| Unit::read(&units.list.dwarf, header, table, &mut units.fuel)) {
                Ok(unit) => units.list.units.push(unit),
                Err(Unreadable) => units.broken = true,
            }
        }
        units.collect_claims(image);
        units
    }

    fn collect_claims(&mut self, image: &ModuleImage) {
        let UnitList { dwarf, units } = &mut self.list;
        for (index, unit) in units.iter_mut().enumerate() {
            let mut ranges = std::mem::take(&mut unit.ranges);
            if ranges.is_empty() {
                ranges.extend(unit.functions(dwarf, image, &mut self.fuel).extent());
            }
            if ranges.is_empty() {
                ranges.extend(unit.lines(dwarf, image, &mut self.fuel).extent());
            }
            let claims =
                ranges.iter().map(|range| Claim { begin: range.start, end: range.end, furthest: 0, unit: index });
            self.claims.extend(claims);
        }
        self.claims.sort_unstable_by_key(|claim| (claim.begin, claim.unit));
        let mut furthest = 0;
        for claim in &mut self.claims {
            furthest = furthest.max(claim.end);
            claim.furthest = furthest;
        }
    }

    /// Returns the units that claim an offset, in the order of the section.
    fn claimants(&self, offset: u32) -> Vec<usize> {
        let behind = self.claims.partition_point(|claim| claim.begin <= offset);
        let before = self.claims.get(..behind).unwrap_or_default().iter().rev();
        let reaching = before.take_while(|claim| claim.furthest > offset).take(MAX_CLAIMS);
        let mut units: Vec<usize> = reaching.filter(|claim| claim.end > offset).map(|claim| claim.unit).collect();
        units.sort_unstable();
        units.dedup();
        units
    }

    /// Tells whether a tool rewrote the code and left the units as they were: most of the functions that some of them
    /// describe begin within functions of the module. Wrong lines are worse than none.
    pub(super) fn are_left_behind(&mut self, image: &ModuleImage) -> bool {
        if let Some(known) = self.left_behind {
            return known;
        }
        let (mut placed, mut misplaced) = (0usize, 0usize);
        let UnitList { dwarf, units } = &mut self.list;
        let step = units.len().div_ceil(SAMPLED_UNITS).max(1);
        for unit in units.iter_mut().step_by(step) {
            let functions = unit.functions(dwarf, image, &mut self.fuel);
            // What breaks off is no witness.
            if !functions.broken {
                placed = placed.saturating_add(functions.placed);
                misplaced = misplaced.saturating_add(functions.misplaced);
            }
        }
        *self.left_behind.insert(misplaced > placed)
    }

    /// Looks up the inline chain at an offset, innermost first; `None` when no unit covers it.
    pub(super) fn frames_at(
        &mut self,
        offset: u32,
        image: &ModuleImage,
    ) -> Result<Option<Vec<ResolvedFrame>>, Unreadable> {
        if self.are_left_behind(image) {
            return Ok(None);
        }
        let mut broken = self.broken;
        let mut only_lines = None;
        for index in self.claimants(offset) {
            let Some(unit) = self.list.units.get_mut(index) else {
                continue;
            };
            let functions = unit.functions(&self.list.dwarf, image, &mut self.fuel);
            broken |= functions.broken;
            if functions.at(offset).is_some() {
                return Ok(Some(self.chain(index, offset, image)));
            }
            let lines = unit.lines(&self.list.dwarf, image, &mut self.fuel);
            broken |= lines.broken;
            if only_lines.is_none() && lines.at(offset).is_some() {
                only_lines = Some(index);
            }
        }
        match only_lines {
            Some(index) => Ok(Some(self.chain(index, offset, image))),
            None if broken => Err(Unreadable),
            None => Ok(None),
        }
    }

    /// Makes the frames of an offset that a unit covers.
    fn chain(&mut self, index: usize, offset: u32, image: &ModuleImage) -> Vec<ResolvedFrame> {
        let Self { list, descriptions, fuel, .. } = self;
        let mut frames = Vec::new();
        let Some(unit) = list.units.get_mut(index) else {
            return frames;
        };
        let mut position = unit.lines(&list.dwarf, image, fuel).at(offset).unwrap_or_default();
        let mut node = unit.functions(&list.dwarf, image, fuel).at(offset).copied();
        loop {
            let description = node.map(|node| descriptions.at(list, node.described_at, fuel));
            let Some(unit) = list.units.get_mut(index) else {
                return frames;
            };
            let file = position.file.map(|file| unit.path(&list.dwarf, file, image, fuel));
            frames.push(ResolvedFrame {
                name: description.as_ref().map(|known| known.name.clone()).unwrap_or_default(),
                system_name: description.as_ref().map(|known| known.system_name.clone()).unwrap_or_default(),
                file: file.as_deref().unwrap_or_default().to_owned(),
                start_line: description.map_or(0, |known| known.start_line),
                line: position.line,
                column: position.column,
            });
            let Some((call, parent)) = node.and_then(|node| Some((node.call, node.parent?))) else {
                return frames;
            };
            position = call;
            node = unit.functions(&list.dwarf, image, fuel).node(parent).copied();
        }
    }
}

/// Reads each table of abbreviations that the units use, once.
///
/// Tables stand one behind another; one that reaches into the next is read again, and paid for, as far as it goes.
fn abbreviations(
    dwarf: &Dwarf<Slice<'_>>,
    headers: &[UnitHeader<Slice<'_>>],
    fuel: &mut Fuel,
) -> HashMap<usize, Arc<Abbreviations>> {
    let section = dwarf.debug_abbrev.reader().slice();
    let mut offsets: Vec<_> = headers.iter().map(|header| header.debug_abbrev_offset()).collect();
    offsets.sort_unstable_by_key(|offset| offset.0);
    offsets.dedup();
    let mut tables = HashMap::default();
    for (index, offset) in offsets.iter().enumerate() {
        let end = offsets.get(index.saturating_add(1)).map_or(section.len(), |next| next.0);
        let alone = section.get(..end).unwrap_or(section);
        let table = DebugAbbrev::new(alone, LittleEndian).abbreviations(*offset).or_else(|error| {
            fuel.spend(section.len().saturating_sub(offset.0).saturating_mul(REPEATED_TABLE_COST))
                .map_err(|_| error)?;
            dwarf.debug_abbrev.abbreviations(*offset)
        });
        if let Ok(table) = table {
            tables.insert(offset.0, Arc::new(table));
        }
    }
    tables
}
