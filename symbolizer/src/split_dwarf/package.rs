//! The units of a package (`.dwp`), by its index.

use std::ops::Range;

use gimli::{DebugCuIndex, IndexSectionId, LittleEndian, UnitIndex};

use super::SplitUnit;
use super::sections::{SplitSections, part_of};
use crate::debug_info::{MAX_UNITS, Slice};

/// Bytes before the table of an index.
const HEADER_BYTES: usize = 16;
/// Bytes of an id in the table.
const ID_BYTES: usize = 8;
/// Bytes of a row's number in the table.
const ROW_BYTES: usize = 4;

/// Lists the units of a package. The whole table is read once, since a search in a hostile one may go through all of it
/// each time.
pub(super) fn units_of_package(
    bytes: &[u8],
    index: Range<usize>,
    whole: &SplitSections,
) -> Result<Vec<SplitUnit>, String> {
    let section = bytes.get(index).unwrap_or_default();
    let broken = |error: gimli::Error| format!("the index of its units is broken: {error}");
    let index = DebugCuIndex::new(section, LittleEndian).index().map_err(broken)?;
    let too_many = || format!("it holds more than {MAX_UNITS} units");
    let mut units = Vec::new();
    for (id, row) in slots(section, index.slot_count() as usize) {
        if units.len() >= MAX_UNITS {
            return Err(too_many());
        }
        units.push(SplitUnit { id, sections: row_sections(&index, row, whole)? });
    }
    Ok(units)
}

/// Lists the ids of the table with the numbers of their rows.
fn slots(section: &[u8], count: usize) -> impl Iterator<Item = (u64, u32)> {
    let table = section.get(HEADER_BYTES..).unwrap_or_default();
    let (ids, rows) = table.split_at_checked(count.saturating_mul(ID_BYTES)).unwrap_or_default();
    let ids = ids.as_chunks::<ID_BYTES>().0.iter().map(|id| u64::from_le_bytes(*id));
    let rows = rows.as_chunks::<ROW_BYTES>().0.iter().map(|row| u32::from_le_bytes(*row));
    ids.zip(rows).take(count).filter(|(_, row)| *row != 0)
}

fn row_sections(index: &UnitIndex<Slice<'_>>, row: u32, whole: &SplitSections) -> Result<SplitSections, String> {
    let parts = index.sections(row).map_err(|error| format!("the index of its units is broken: {error}"))?;
    // Strings are shared by all.
    let mut sections = SplitSections { str: whole.str.clone(), ..SplitSections::default() };
    for part in parts {
        let (taken, whole) = match part.section {
            IndexSectionId::DebugInfo => (&mut sections.info, &whole.info),
            IndexSectionId::DebugAbbrev => (&mut sections.abbrev, &whole.abbrev),
            IndexSectionId::DebugStrOffsets => (&mut sections.str_offsets, &whole.str_offsets),
            IndexSectionId::DebugRngLists => (&mut sections.rnglists, &whole.rnglists),
            _ => continue,
        };
        let name = part.section.dwo_name();
        *taken = part_of(whole, part.offset as usize, part.size as usize)
            .ok_or_else(|| format!("its index says more of {name} than there is: the file may be cut"))?;
    }
    Ok(sections)
}
