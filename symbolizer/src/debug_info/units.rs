//! All units of a module, and the way from an offset to frames.

use std::collections::HashMap;

use gimli::Dwarf;
use wasmscope_model::ResolvedFrame;

use super::descriptions::Descriptions;
use super::fuel::{Fuel, Unreadable};
use super::parts::{EntryPlace, SplitPart, abbreviations, headers};
use super::unit::{SplitUnit, Unit, UnitReader};
use super::{Frames, Slice};
use crate::ModuleImage;
use crate::split_dwarf::SplitUnits;

/// How many units that claim an offset are asked; honest units do not overlap, except where linkers left removed code
/// at address zero.
const MAX_CLAIMS: usize = 256;
/// How many units are looked at to tell whether the code was rewritten.
const SAMPLED_UNITS: usize = 16;

/// What units point into.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    /// The sections of the module.
    pub(super) dwarf: Dwarf<Slice<'a>>,
    /// Those of its split units.
    split: Vec<SplitPart<'a>>,
}

impl<'a> Sources<'a> {
    /// Returns a split unit with its sections.
    pub(super) fn split_reader(&self, place: SplitUnit) -> Option<UnitReader<'_, 'a>> {
        let part = self.split.get(place.part as usize)?;
        Some(UnitReader { dwarf: &part.dwarf, unit: part.units.get(place.unit)?, part: Some(place.part) })
    }
}

/// The units in the order of the section.
#[derive(Debug)]
pub(super) struct UnitList<'a> {
    pub(super) sources: Sources<'a>,
    pub(super) units: Vec<Unit<'a>>,
}

impl<'a> UnitList<'a> {
    /// Reads the header and first entry of each unit; tells besides whether some could not be read.
    pub(super) fn read(dwarf: Dwarf<Slice<'a>>, fuel: &mut Fuel) -> (Self, bool) {
        let (headers, mut broken) = headers(&dwarf);
        let tables = abbreviations(&dwarf, &headers, fuel);
        let mut units = Vec::new();
        for header in headers.into_iter().filter(|header| header.debug_info_offset().is_some()) {
            let table = tables.get(&header.debug_abbrev_offset().0).cloned().ok_or(Unreadable);
            match table.and_then(|table| Unit::read(&dwarf, header, table, fuel)) {
                Ok(unit) => units.push(unit),
                Err(Unreadable) => broken = true,
            }
        }
        (Self { sources: Sources { dwarf, split: Vec::new() }, units }, broken)
    }

    /// Gives each skeleton its split unit, if it was found; tells whether some could not be read.
    fn join(&mut self, split: &SplitUnits, files: &[&'a [u8]], fuel: &mut Fuel) -> bool {
        let (mut numbers, mut broken) = (HashMap::new(), false);
        for unit in &mut self.units {
            let Some(found) = unit.skeleton_of.and_then(|id| split.get(id)) else {
                continue;
            };
            let number = *numbers.entry(found.part()).or_insert_with(|| {
                let bytes = files.get(found.file).copied().unwrap_or_default();
                let dwarf = found.sections.dwarf(bytes, Some(&self.sources.dwarf));
                self.sources.split.push(SplitPart::read(dwarf, fuel).ok()?);
                u32::try_from(self.sources.split.len()).ok()?.checked_sub(1)
            });
            let part = number.and_then(|number| Some((number, self.sources.split.get_mut(number as usize)?)));
            let place = part.and_then(|(number, part)| {
                let index = part.take_bases(found.id, &unit.unit)?;
                Some(SplitUnit { part: number, unit: index, is_other_build: found.is_other_build })
            });
            broken |= place.is_none();
            unit.split = place;
        }
        broken
    }

    /// Finds the unit that an entry lies in.
    pub(super) fn unit_of(&self, place: EntryPlace) -> Option<UnitReader<'_, 'a>> {
        let begins_before = |unit: &gimli::Unit<Slice<'a>>| {
            unit.header.debug_info_offset().is_some_and(|begin| begin.0 <= place.offset.0)
        };
        let (dwarf, unit) = match place.part {
            None => {
                let behind = self.units.partition_point(|unit| begins_before(&unit.unit));
                (&self.sources.dwarf, &self.units.get(behind.checked_sub(1)?)?.unit)
            }
            Some(part) => {
                let part = self.sources.split.get(part as usize)?;
                let behind = part.units.partition_point(begins_before);
                (&part.dwarf, part.units.get(behind.checked_sub(1)?)?)
            }
        };
        Some(UnitReader { dwarf, unit, part: place.part })
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
    /// Reads the header and first entry of each unit; `files` are those of the split units, and `debug_bytes` is how much
    /// debug information there is in all.
    pub(super) fn read(
        dwarf: Dwarf<Slice<'a>>,
        split: &SplitUnits,
        files: &[&'a [u8]],
        image: &ModuleImage,
        debug_bytes: usize,
    ) -> Self {
        let mut fuel = Fuel::for_bytes(debug_bytes);
        let (mut list, mut broken) = UnitList::read(dwarf, &mut fuel);
        broken |= list.join(split, files, &mut fuel);
        let mut units =
            Self { list, claims: Vec::new(), descriptions: Descriptions::default(), fuel, broken, left_behind: None };
        units.collect_claims(image);
        units
    }

    fn collect_claims(&mut self, image: &ModuleImage) {
        let UnitList { sources, units } = &mut self.list;
        for (index, unit) in units.iter_mut().enumerate() {
            let mut ranges = std::mem::take(&mut unit.ranges);
            if ranges.is_empty() {
                ranges.extend(unit.functions(sources, image, &mut self.fuel).extent());
            }
            if ranges.is_empty() {
                ranges.extend(unit.lines(sources, image, &mut self.fuel).extent());
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
        let UnitList { sources, units } = &mut self.list;
        let step = units.len().div_ceil(SAMPLED_UNITS).max(1);
        for unit in units.iter_mut().step_by(step) {
            let functions = unit.functions(sources, image, &mut self.fuel);
            // What breaks off is no witness.
            if !functions.broken {
                placed = placed.saturating_add(functions.placed);
                misplaced = misplaced.saturating_add(functions.misplaced);
            }
        }
        *self.left_behind.insert(misplaced > placed)
    }

    /// Looks up the inline chain at an offset, innermost first; `None` when no unit covers it.
    pub(super) fn frames_at(&mut self, offset: u32, image: &ModuleImage) -> Result<Option<Frames>, Unreadable> {
        if self.are_left_behind(image) {
            return Ok(None);
        }
        let mut broken = self.broken;
        let mut only_lines = None;
        for index in self.claimants(offset) {
            let Some(unit) = self.list.units.get_mut(index) else {
                continue;
            };
            let functions = unit.functions(&self.list.sources, image, &mut self.fuel);
            broken |= functions.broken;
            if functions.at(offset).is_some() {
                return Ok(Some(self.chain(index, offset, image)));
            }
            let lines = unit.lines(&self.list.sources, image, &mut self.fuel);
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
    fn chain(&mut self, index: usize, offset: u32, image: &ModuleImage) -> Frames {
        let Self { list, descriptions, fuel, .. } = self;
        let mut chain = Frames::default();
        let Some(unit) = list.units.get_mut(index) else {
            return chain;
        };
        chain.is_other_build = unit.split.is_some_and(|split| split.is_other_build);
        let mut position = unit.lines(&list.sources, image, fuel).at(offset).unwrap_or_default();
        let mut node = unit.functions(&list.sources, image, fuel).at(offset).copied();
        loop {
            let description = node.map(|node| descriptions.at(list, node.described_at, fuel));
            let Some(unit) = list.units.get_mut(index) else {
                return chain;
            };
            let file = position.file.map(|file| unit.path(&list.sources, file, image, fuel));
            chain.frames.push(ResolvedFrame {
                name: description.as_ref().map(|known| known.name.clone()).unwrap_or_default(),
                system_name: description.as_ref().map(|known| known.system_name.clone()).unwrap_or_default(),
                file: file.as_deref().unwrap_or_default().to_owned(),
                start_line: description.map_or(0, |known| known.start_line),
                line: position.line,
                column: position.column,
            });
            let Some((call, parent)) = node.and_then(|node| Some((node.call, node.parent?))) else {
                return chain;
            };
            position = call;
            node = unit.functions(&list.sources, image, fuel).node(parent).copied();
        }
    }
}
