//! The sections that entries stand in: the module's own, and those of split units, which lie in other files.

use std::collections::HashMap;
use std::sync::Arc;

use gimli::{Abbreviations, DebugAbbrev, DebugInfoOffset, Dwarf, LittleEndian, Section, UnitHeader, UnitType};

use super::Slice;
use super::fuel::{Fuel, Unreadable};

/// Units beyond this many are not read; the largest programs known have half as many.
pub(crate) const MAX_UNITS: usize = 1 << 16;
/// An entry with its attributes.
type Entry<'a> = gimli::DebuggingInformationEntry<Slice<'a>>;

/// What a byte of a table of abbreviations costs that may have been read before, since its copy in memory is many times
/// as long.
const REPEATED_TABLE_COST: usize = 16;

/// Where an entry stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct EntryPlace {
    /// The split part by its number; `None` for the module's own sections.
    pub(super) part: Option<u32>,
    /// The offset in the section of that part.
    pub(super) offset: DebugInfoOffset<usize>,
}

/// One of the sets of sections with split units: an object, or what one object gave to a package.
#[derive(Debug)]
pub(super) struct SplitPart<'a> {
    pub(super) dwarf: Dwarf<Slice<'a>>,
    /// In the order of the section.
    pub(super) units: Vec<gimli::Unit<Slice<'a>>>,
    /// Their positions by their ids.
    by_id: HashMap<u64, usize>,
}

impl<'a> SplitPart<'a> {
    /// Reads the headers of the compiled units of a part; `dwarf` has what the part takes from the module.
    pub(super) fn read(dwarf: Dwarf<Slice<'a>>, fuel: &mut Fuel) -> Result<Self, Unreadable> {
        let abbreviation_bytes = dwarf.debug_abbrev.reader().slice().len();
        fuel.spend(abbreviation_bytes.saturating_mul(REPEATED_TABLE_COST))?;
        let mut headers = Vec::new();
        let mut iterator = dwarf.units();
        while let Some(header) = iterator.next()? {
            fuel.spend(1)?;
            // In DWARF 4 types have a section of their own.
            let is_compiled = matches!(header.type_(), UnitType::SplitCompilation(_) | UnitType::Compilation);
            if is_compiled && headers.len() < MAX_UNITS {
                headers.push(header);
            }
        }
        let tables = abbreviations(&dwarf, &headers, fuel);
        let (mut units, mut by_id) = (Vec::new(), HashMap::new());
        for header in headers {
            let Some(table) = tables.get(&header.debug_abbrev_offset().0).cloned() else { continue };
            let Ok((unit, _)) = bare_unit(&dwarf, header, table, fuel) else { continue };
            if let Some(id) = unit.dwo_id {
                by_id.entry(id.0).or_insert(units.len());
            }
            units.push(unit);
        }
        Ok(Self { dwarf, units, by_id })
    }

    /// Finds a unit by its id, and lets it count from where its skeleton does.
    pub(super) fn take_bases(&mut self, id: u64, skeleton: &gimli::Unit<Slice<'a>>) -> Option<usize> {
        let index = *self.by_id.get(&id)?;
        self.units.get_mut(index)?.copy_relocated_attributes(skeleton);
        Some(index)
    }
}

/// Reads a unit with its id, and with none of the bases that its first entry gives; returns that entry besides.
pub(crate) fn bare_unit<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    header: UnitHeader<Slice<'a>>,
    abbreviations: Arc<Abbreviations>,
    fuel: &mut Fuel,
) -> Result<(gimli::Unit<Slice<'a>>, Entry<'a>), Unreadable> {
    let encoding = header.encoding();
    let in_header = match header.type_() {
        UnitType::Skeleton(id) | UnitType::SplitCompilation(id) => Some(id),
        _ => None,
    };
    let root = header.entry(&abbreviations, header.root_offset())?;
    fuel.spend(root.attrs().len())?;
    let in_root = match root.attr_value(gimli::DW_AT_GNU_dwo_id) {
        Some(gimli::AttributeValue::DwoId(id)) => Some(id),
        _ => None,
    };
    let file_type = dwarf.file_type;
    let unit = gimli::Unit {
        abbreviations,
        name: None,
        comp_dir: None,
        low_pc: 0,
        str_offsets_base: gimli::DebugStrOffsetsBase::default_for_encoding_and_file(encoding, file_type),
        addr_base: gimli::DebugAddrBase(0),
        loclists_base: gimli::DebugLocListsBase::default_for_encoding_and_file(encoding, file_type),
        rnglists_base: gimli::DebugRngListsBase::default_for_encoding_and_file(encoding, file_type),
        line_program: None,
        dwo_id: in_header.or(in_root),
        header,
    };
    Ok((unit, root))
}

/// Reads the headers of all units, and tells whether the list broke off.
pub(super) fn headers<'a>(dwarf: &Dwarf<Slice<'a>>) -> (Vec<UnitHeader<Slice<'a>>>, bool) {
    let mut headers = Vec::new();
    let mut iterator = dwarf.units();
    loop {
        match iterator.next() {
            Ok(Some(header)) if headers.len() < MAX_UNITS => headers.push(header),
            Ok(None) => return (headers, false),
            Ok(Some(_)) | Err(_) => return (headers, true),
        }
    }
}

/// Reads each table of abbreviations that the units use, once.
///
/// Tables stand one behind another; one that reaches into the next is read again, and paid for, as far as it goes.
pub(crate) fn abbreviations(
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
