//! What the first entries of split units say.

use std::collections::HashMap;
use std::sync::Arc;

use gimli::{Abbreviations, Dwarf, Section, UnitHeader, UnitType};

use crate::debug_info::{Fuel, MAX_UNITS, Slice, Unreadable, abbreviations, bare_unit};
use crate::names::cut;

const TOO_MUCH_WORK: &str = "its units lie in each other, as those of no compiler do";

/// Lists the headers of the units that were compiled; in DWARF 5 types are among the others.
pub(super) fn compiled<'b>(dwarf: &Dwarf<Slice<'b>>, fuel: &mut Fuel) -> Result<Vec<UnitHeader<Slice<'b>>>, String> {
    let mut headers = Vec::new();
    let mut iterator = dwarf.units();
    while let Some(header) = iterator.next().map_err(|error| format!("its .debug_info.dwo is broken: {error}"))? {
        fuel.spend(1).map_err(|Unreadable| TOO_MUCH_WORK.to_owned())?;
        if matches!(header.type_(), UnitType::SplitCompilation(_) | UnitType::Compilation) {
            if headers.len() >= MAX_UNITS {
                return Err(format!("it holds more than {MAX_UNITS} units"));
            }
            headers.push(header);
        }
    }
    Ok(headers)
}

/// Lists the ids of the units that were compiled: in DWARF 5 the headers have them, before that the first entries.
pub(super) fn ids(dwarf: &Dwarf<Slice<'_>>, fuel: &mut Fuel) -> Result<Vec<u64>, String> {
    let headers = compiled(dwarf, fuel)?;
    let in_headers = headers.iter().map(|header| match header.type_() {
        UnitType::SplitCompilation(id) => Some(id.0),
        _ => None,
    });
    if let Some(ids) = in_headers.collect() {
        return Ok(ids);
    }
    let tables = tables(dwarf, &headers, fuel).map_err(|Unreadable| TOO_MUCH_WORK.to_owned())?;
    let mut ids = Vec::new();
    for header in headers {
        let table = tables.get(&header.debug_abbrev_offset().0).cloned();
        let unit = table.ok_or(Unreadable).and_then(|table| bare_unit(dwarf, header, table, fuel));
        let (unit, _) = unit.map_err(|Unreadable| "a unit of its .debug_info.dwo cannot be read".to_owned())?;
        ids.extend(unit.dwo_id.map(|id| id.0));
    }
    Ok(ids)
}

/// Reads which file a unit was written to first.
pub(super) fn dwo_name(dwarf: &Dwarf<Slice<'_>>, id: u64, fuel: &mut Fuel) -> Option<String> {
    let headers = compiled(dwarf, fuel).ok()?;
    let tables = tables(dwarf, &headers, fuel).ok()?;
    let mut units = headers.into_iter().filter_map(|header| {
        let table = tables.get(&header.debug_abbrev_offset().0).cloned()?;
        bare_unit(dwarf, header, table, fuel).ok()
    });
    let (unit, root) = units.find(|(unit, _)| unit.dwo_id.is_some_and(|found| found.0 == id))?;
    let name = root.attr_value(gimli::DW_AT_dwo_name).or_else(|| root.attr_value(gimli::DW_AT_GNU_dwo_name))?;
    let name = dwarf.attr_string(&unit, name).ok()?;
    Some(cut(&String::from_utf8_lossy(name.slice())).to_owned())
}

/// Reads the tables of abbreviations; those of several units of a package may be the same.
fn tables(
    dwarf: &Dwarf<Slice<'_>>,
    headers: &[UnitHeader<Slice<'_>>],
    fuel: &mut Fuel,
) -> Result<HashMap<usize, Arc<Abbreviations>>, Unreadable> {
    fuel.spend(dwarf.debug_abbrev.reader().len())?;
    Ok(abbreviations(dwarf, headers, fuel))
}
