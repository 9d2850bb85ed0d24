//! Split units of objects that may have been linked.
//!
//! Compilers write one set of sections for each object, with offsets that count from its own beginning. `wasm-ld` puts the
//! sections of all objects one behind another, where other linkers leave them out, and changes no offset; which part is
//! whose is found again from the parts themselves. Unless it is told `-O0`, it besides merges equal strings and puts
//! them in an order of its own, after which nothing leads to them any more; such sections are refused.

use std::ops::Range;

use gimli::{DwForm, EndianSlice, LittleEndian, Reader, UnitHeader};

use super::SplitUnit;
use super::roots::{compiled, ids};
use super::sections::{SplitSections, part_of};
use crate::debug_info::{Fuel, Slice};

/// Bytes of a length before a part.
const LENGTH_BYTES: usize = 4;
/// Bytes before the entries of a table of strings, its length included.
const TABLE_HEADER_BYTES: usize = 8;
/// Bytes of an entry of such a table.
const ENTRY_BYTES: usize = 4;

/// Forms of strings by index.
const STRING_FORMS: [DwForm; 6] = [
    gimli::DW_FORM_strx,
    gimli::DW_FORM_strx1,
    gimli::DW_FORM_strx2,
    gimli::DW_FORM_strx3,
    gimli::DW_FORM_strx4,
    gimli::DW_FORM_GNU_str_index,
];

/// Where sections of split units come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// Most likely from a compiler, as they are.
    Object,
    /// From a linker.
    LinkedModule,
}

/// Lists the units of one object, or of several that were linked.
pub(super) fn units_of_objects(
    bytes: &[u8],
    whole: &SplitSections,
    origin: Origin,
    fuel: &mut Fuel,
) -> Result<Vec<SplitUnit>, String> {
    let headers = compiled(&whole.dwarf(bytes, None), fuel)?;
    let sets = match (origin, headers.len()) {
        (_, 0) => Vec::new(),
        (Origin::Object, 1) => vec![whole.clone()],
        _ => sets(bytes, whole, origin, &headers)?,
    };
    let mut units = Vec::new();
    for sections in sets {
        let ids = ids(&sections.dwarf(bytes, None), fuel)?;
        units.extend(ids.into_iter().map(|id| SplitUnit { id, sections: sections.clone() }));
    }
    Ok(units)
}

/// Finds the sets of sections that the units stand in: one for all, or one for each.
fn sets(
    bytes: &[u8],
    whole: &SplitSections,
    origin: Origin,
    headers: &[UnitHeader<Slice<'_>>],
) -> Result<Vec<SplitSections>, String> {
    let section = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
    let unknown = || "the split units in it cannot be told apart".to_owned();
    let version = headers.first().map_or(0, UnitHeader::version);
    if headers.iter().any(|header| header.version() != version) {
        return Err(unknown());
    }
    let offsets = section(&whole.str_offsets);
    let tables = if version < 5 { tables_by_zeros(offsets) } else { parts_by_length(offsets).ok_or_else(unknown)? };
    if tables.len() <= 1 && origin == Origin::Object {
        return Ok(vec![whole.clone()]);
    }
    let header_bytes = if version < 5 { 0 } else { TABLE_HEADER_BYTES };
    let strings = tiles(section(&whole.str), offsets, &tables, header_bytes).ok_or_else(|| {
        "the linker merged the strings of the split units in it, and nothing leads to them any more (wasm-ld -O0 \
         merges none)"
            .to_owned()
    })?;
    if tables.len() <= 1 {
        return Ok(vec![whole.clone()]);
    }
    let abbreviations = abbreviation_tables(section(&whole.abbrev)).ok_or_else(unknown)?;
    let mut ranges = parts_by_length(section(&whole.rnglists)).ok_or_else(unknown)?.into_iter();
    if [tables.len(), abbreviations.len()] != [headers.len(); 2]
        || abbreviations.iter().filter(|table| table.names_ranges).count() != ranges.len()
    {
        return Err(unknown());
    }
    let begins = headers.iter().skip(1).map(|header| header.debug_info_offset().map_or(0, |offset| offset.0));
    let begins: Vec<_> = [0].into_iter().chain(begins).chain([whole.info.len()]).collect();
    let infos = begins.windows(2).map(|pair| match pair {
        [begin, end] => *begin..*end,
        _ => 0..0,
    });
    let mut sets = Vec::new();
    for (((info, table), strings), abbreviations) in infos.zip(tables).zip(strings).zip(abbreviations) {
        let part = |whole: &Range<usize>, part: Range<usize>| part_of(whole, part.start, part.len());
        let own_ranges = if abbreviations.names_ranges { ranges.next() } else { None };
        let set = || {
            Some(SplitSections {
                info: part(&whole.info, info)?,
                abbrev: part(&whole.abbrev, abbreviations.place)?,
                str: part(&whole.str, strings)?,
                str_offsets: part(&whole.str_offsets, table)?,
                rnglists: part(&whole.rnglists, own_ranges.unwrap_or(0..0))?,
            })
        };
        sets.push(set().ok_or_else(unknown)?);
    }
    Ok(sets)
}

/// Cuts a section into parts that each begin with their length; `None` where one reaches behind the end.
fn parts_by_length(section: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut parts = Vec::new();
    let mut begin = 0usize;
    while begin < section.len() {
        let length = section.get(begin..)?.first_chunk::<LENGTH_BYTES>()?;
        let end = begin.checked_add(LENGTH_BYTES)?.checked_add(u32::from_le_bytes(*length) as usize)?;
        if end > section.len() {
            return None;
        }
        parts.push(begin..end);
        begin = end;
    }
    Some(parts)
}

/// Cuts a table of strings of DWARF 4, which has no header, into those of the objects: each begins with its first string,
/// at 0.
fn tables_by_zeros(section: &[u8]) -> Vec<Range<usize>> {
    let entries = section.as_chunks::<ENTRY_BYTES>().0.iter().enumerate();
    let zeros = entries.filter(|(_, entry)| **entry == [0; ENTRY_BYTES]);
    let mut begins: Vec<_> = zeros.map(|(index, _)| index.saturating_mul(ENTRY_BYTES)).collect();
    begins.push(section.len());
    begins.array_windows().map(|[begin, end]| *begin..*end).collect()
}

/// Finds the strings of each table, provided that they stand as a compiler leaves them: in the order of the tables, one
/// behind another, and nothing else besides.
fn tiles(strings: &[u8], offsets: &[u8], tables: &[Range<usize>], header_bytes: usize) -> Option<Vec<Range<usize>>> {
    let mut found = Vec::new();
    let mut base = 0usize;
    for table in tables {
        let entries = offsets.get(table.clone())?.get(header_bytes..)?;
        let mut at = base;
        for entry in entries.as_chunks::<ENTRY_BYTES>().0 {
            if base.checked_add(u32::from_le_bytes(*entry) as usize)? != at {
                return None;
            }
            let length = strings.get(at..)?.iter().position(|byte| *byte == 0)?;
            at = at.checked_add(length)?.checked_add(1)?;
        }
        found.push(base..at);
        base = at;
    }
    (base == strings.len()).then_some(found)
}

/// Returns the section that units need by their abbreviations, and which is not there.
pub(super) fn missing_section(bytes: &[u8], sections: &SplitSections) -> Option<&'static str> {
    let abbreviations = bytes.get(sections.abbrev.clone()).unwrap_or_default();
    // What cannot be read is told of when its units are.
    let tables = abbreviation_tables(abbreviations).unwrap_or_default();
    let needs = [
        (true, &sections.abbrev, ".debug_abbrev.dwo"),
        (tables.iter().any(|table| table.names_strings), &sections.str_offsets, ".debug_str_offsets.dwo"),
        (tables.iter().any(|table| table.names_strings), &sections.str, ".debug_str.dwo"),
        (tables.iter().any(|table| table.names_ranges), &sections.rnglists, ".debug_rnglists.dwo"),
    ];
    needs.into_iter().find(|(is_needed, range, _)| *is_needed && range.is_empty()).map(|(_, _, name)| name)
}

struct AbbreviationTable {
    place: Range<usize>,
    /// Whether its units name lists of ranges by index.
    names_ranges: bool,
    /// Whether they name strings by index.
    names_strings: bool,
}

/// Cuts a section into its tables of abbreviations; `None` where one breaks off.
fn abbreviation_tables(section: &[u8]) -> Option<Vec<AbbreviationTable>> {
    let mut tables = Vec::new();
    let mut input = EndianSlice::new(section, LittleEndian);
    let mut begin = 0;
    while !input.is_empty() {
        let (mut names_ranges, mut names_strings) = (false, false);
        while input.read_uleb128().ok()? != 0 {
            let (_tag, _has_children) = (input.read_uleb128().ok()?, input.read_u8().ok()?);
            loop {
                let (name, form) = (input.read_uleb128().ok()?, input.read_uleb128().ok()?);
                if form == u64::from(gimli::DW_FORM_implicit_const.0) {
                    input.read_sleb128().ok()?;
                }
                names_ranges |= form == u64::from(gimli::DW_FORM_rnglistx.0);
                names_strings |= STRING_FORMS.iter().any(|other| form == u64::from(other.0));
                if (name, form) == (0, 0) {
                    break;
                }
            }
        }
        let end = section.len().saturating_sub(input.len());
        tables.push(AbbreviationTable { place: begin..end, names_ranges, names_strings });
        begin = end;
    }
    Some(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two objects of two strings each, as linked without merging: "ab" and "c", then "d" and "".
    const STRINGS: &[u8] = b"ab\0c\0d\0\0";

    fn table(offsets: &[u32]) -> Vec<u8> {
        offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect()
    }

    #[test]
    fn strings_of_each_object_are_told_apart_and_merged_ones_refused() {
        let offsets = table(&[0, 3, 0, 2]);
        let tables = tables_by_zeros(&offsets);
        assert_eq!(tables, [0..8, 8..16]);
        assert_eq!(tiles(STRINGS, &offsets, &tables, 0), Some(vec![0..5, 5..8]));
        for merged in [&b"c\0ab\0d\0\0"[..], b"ab\0c\0d\0", b"ab\0c\0d\0\0x\0", b"ab\0c\0d"] {
            assert_eq!(tiles(merged, &offsets, &tables, 0), None, "{merged:?}");
        }
        assert_eq!(tables_by_zeros(&[]), []);
        assert_eq!(tiles(&[], &[], &[], 0), Some(vec![]));
    }

    #[test]
    fn parts_end_where_their_lengths_say() {
        let parts = [&table(&[4, 7])[..], &table(&[0])].concat();
        assert_eq!(parts_by_length(&parts), Some(vec![0..8, 8..12]));
        assert_eq!(parts_by_length(&parts[..11]), None);
        assert_eq!(parts_by_length(&table(&[u32::MAX])), None);
    }

    #[test]
    fn tables_of_abbreviations_end_with_a_zero() {
        let first = [1, 0x11, 1, 0x03, 0x26, 0x55, 0x23, 0, 0, 0];
        let second = [1, 0x11, 0, 0x02, 0x21, 0x7f, 0, 0, 2, 0x2e, 0, 0, 0, 0];
        let both = [&first[..], &second].concat();
        let tables = abbreviation_tables(&both).unwrap();
        let found: Vec<_> = tables.iter().map(|table| (table.place.clone(), table.names_ranges)).collect();
        assert_eq!(found, [(0..10, true), (10..24, false)]);
        for length in (1..both.len()).filter(|length| *length != first.len()) {
            assert!(abbreviation_tables(&both[..length]).is_none(), "{length}");
        }
    }
}
