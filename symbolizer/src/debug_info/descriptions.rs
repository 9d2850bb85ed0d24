//! What functions are called.

use std::rc::Rc;

use gimli::AttributeValue;
use std::collections::HashMap;

use super::Slice;
use super::fuel::{Fuel, Unreadable};
use super::parts::EntryPlace;
use super::text::lossy;
use super::unit::UnitReader;
use super::units::UnitList;
use crate::demangle::demangle;
use crate::names::cut;

/// How many references are followed from an entry to the one it was made from; a definition of an inlined member needs
/// two.
const MAX_HOPS: usize = 16;

/// What a function is called and where it is declared.
#[derive(Debug, Default)]
pub(super) struct Description {
    /// The name for people; empty when unknown.
    pub(super) name: String,
    /// The name of the linker, or else of the source; empty when unknown.
    pub(super) system_name: String,
    /// 1-based; 0 when unknown.
    pub(super) start_line: u32,
}

/// The descriptions that were asked for.
#[derive(Debug, Default)]
pub(super) struct Descriptions {
    known: HashMap<EntryPlace, Rc<Description>>,
}

impl Descriptions {
    /// Drops the descriptions that are kept.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// Describes the function at a place.
    pub(super) fn at(&mut self, units: &UnitList<'_>, place: EntryPlace, fuel: &mut Fuel) -> Rc<Description> {
        if let Some(known) = self.known.get(&place) {
            return known.clone();
        }
        let mut found = Found::default();
        // What was found before an entry could not be read stays true.
        let _unreadable = found.follow(units, place, fuel);
        let description = Rc::new(found.into_description());
        self.known.insert(place, description.clone());
        description
    }
}

/// The first of each along the references.
#[derive(Default)]
struct Found<'a> {
    linkage_name: Option<Slice<'a>>,
    name: Option<Slice<'a>>,
    line: Option<u32>,
}

impl<'a> Found<'a> {
    fn follow(&mut self, units: &UnitList<'a>, place: EntryPlace, fuel: &mut Fuel) -> Result<(), Unreadable> {
        let mut place = place;
        for _ in 0..MAX_HOPS {
            let reader = units.unit_of(place).ok_or(Unreadable)?;
            let within = place.offset.to_unit_offset(&reader.unit.header).ok_or(Unreadable)?;
            match self.take(&reader, within, fuel)? {
                Some(origin) => place = origin,
                None => break,
            }
        }
        Ok(())
    }

    /// Takes what one entry says, and returns the entry it was made from.
    fn take(
        &mut self,
        reader: &UnitReader<'_, 'a>,
        entry: gimli::UnitOffset,
        fuel: &mut Fuel,
    ) -> Result<Option<EntryPlace>, Unreadable> {
        let mut entries = reader.unit.header.entries_raw(&reader.unit.abbreviations, Some(entry))?;
        let abbreviation = entries.read_abbreviation()?.ok_or(Unreadable)?;
        fuel.spend(abbreviation.attributes().len())?;
        let mut origin = None;
        let mut text = |value: AttributeValue<Slice<'a>>| {
            let text = reader.dwarf.attr_string(reader.unit, value).ok()?;
            fuel.spend(text.len()).ok()?;
            Some(text)
        };
        for specification in abbreviation.attributes() {
            let attribute = entries.read_attribute(*specification)?;
            match attribute.name() {
                gimli::DW_AT_linkage_name | gimli::DW_AT_MIPS_linkage_name if self.linkage_name.is_none() => {
                    self.linkage_name = text(attribute.value());
                }
                gimli::DW_AT_name if self.name.is_none() => self.name = text(attribute.value()),
                gimli::DW_AT_decl_line if self.line.is_none() => {
                    self.line = attribute.udata_value().and_then(|line| u32::try_from(line).ok());
                }
                gimli::DW_AT_abstract_origin => origin = reader.reference(Some(attribute.value())),
                gimli::DW_AT_specification if origin.is_none() => {
                    origin = reader.reference(Some(attribute.value()));
                }
                _ => {}
            }
        }
        Ok(origin)
    }

    fn into_description(self) -> Description {
        let raw = self.linkage_name.or(self.name).map(lossy).unwrap_or_default();
        let system_name = cut(&raw);
        let mut name = demangle(system_name).into_owned();
        // A name that does not demangle is no name for people; the source's own, without its namespaces, is.
        if let (true, Some(own)) = (name == system_name, self.name) {
            name = cut(&lossy(own)).to_owned();
        }
        Description { name, system_name: system_name.to_owned(), start_line: self.line.unwrap_or(0) }
    }
}
