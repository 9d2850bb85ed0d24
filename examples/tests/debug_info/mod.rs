//! What the DWARF of a module holds, counted a unit at a time, read with gimli alone. A component's is that of the one
//! module in it that has any.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use gimli::{AttributeValue, DebuggingInformationEntry, Dwarf, EndianSlice, LittleEndian, SectionId, UnitRef};
use wasmparser::{Parser, Payload};

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// The units of a module, and every path that they or their line tables name.
pub struct DebugInfo {
    pub units: Vec<Unit>,
    pub paths: BTreeSet<String>,
}

/// One compilation unit.
#[derive(Default)]
pub struct Unit {
    pub name: String,
    /// The folder of compilation.
    pub folder: String,
    /// Has a function with an address that the linker kept.
    pub has_code: bool,
    /// Rows of its line table.
    pub rows: usize,
    /// Entries of inlined calls.
    pub inlined: usize,
    pub types: usize,
    pub variables: usize,
    /// Chains of inlined calls, outermost function first.
    pub inline_chains: BTreeSet<Vec<String>>,
}

impl DebugInfo {
    pub fn bytes_of_example(guest: &str) -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests").join(guest);
        std::fs::read(path).unwrap()
    }

    pub fn of_example(guest: &str) -> DebugInfo {
        DebugInfo::parse(&DebugInfo::bytes_of_example(guest)).unwrap()
    }

    fn parse(module: &[u8]) -> gimli::Result<DebugInfo> {
        let sections = custom_sections(module);
        let load = |id: SectionId| -> gimli::Result<Bytes> {
            Ok(EndianSlice::new(sections.get(id.name()).copied().unwrap_or_default(), LittleEndian))
        };
        let dwarf = Dwarf::load(load)?;
        let mut info = DebugInfo { units: Vec::new(), paths: BTreeSet::new() };
        let mut headers = dwarf.units();
        while let Some(header) = headers.next()? {
            let unit = dwarf.unit(header)?;
            let unit = unit.unit_ref(&dwarf);
            info.units.push(summary(unit)?);
            add_paths(unit, &mut info.paths)?;
        }
        Ok(info)
    }
}

fn custom_sections(module: &[u8]) -> HashMap<&str, &[u8]> {
    let mut sections = HashMap::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CustomSection(section) = payload.unwrap() {
            sections.insert(section.name(), section.data());
        }
    }
    sections
}

fn text(bytes: Bytes) -> String {
    bytes.to_string_lossy().into_owned()
}

fn summary(unit: UnitRef<Bytes>) -> gimli::Result<Unit> {
    let mut found = Unit {
        name: unit.name.map(text).unwrap_or_default(),
        folder: unit.comp_dir.map(text).unwrap_or_default(),
        ..Unit::default()
    };
    if let Some(program) = unit.line_program.clone() {
        let mut rows = program.rows();
        while rows.next_row()?.is_some() {
            found.rows += 1;
        }
    }
    // The functions around the entry, each with its depth in the tree.
    let mut chain: Vec<(isize, String)> = Vec::new();
    let mut entries = unit.entries();
    while let Some(entry) = entries.next_dfs()? {
        let depth = entry.depth();
        chain.retain(|(outer, _)| *outer < depth);
        match entry.tag() {
            gimli::DW_TAG_subprogram => {
                found.has_code |= has_kept_address(entry);
                chain.push((depth, function_name(unit, entry)?));
            }
            gimli::DW_TAG_inlined_subroutine => {
                found.inlined += 1;
                chain.push((depth, function_name(unit, entry)?));
                found.inline_chains.insert(chain.iter().map(|(_, name)| name.clone()).collect());
            }
            gimli::DW_TAG_base_type
            | gimli::DW_TAG_structure_type
            | gimli::DW_TAG_enumeration_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_typedef
            | gimli::DW_TAG_pointer_type
            | gimli::DW_TAG_array_type => found.types += 1,
            gimli::DW_TAG_variable | gimli::DW_TAG_formal_parameter => found.variables += 1,
            _ => {}
        }
    }
    Ok(found)
}

/// The linker writes 0, -1 or -2 as the address of a function that it dropped.
fn has_kept_address(entry: &DebuggingInformationEntry<Bytes>) -> bool {
    match entry.attr_value(gimli::DW_AT_low_pc) {
        Some(AttributeValue::Addr(address)) => (1..0xffff_fffe).contains(&address),
        _ => false,
    }
}

/// The name of a function, or of the function that it is an instance of.
fn function_name<'a>(unit: UnitRef<Bytes<'a>>, entry: &DebuggingInformationEntry<Bytes<'a>>) -> gimli::Result<String> {
    if let Some(name) = entry.attr_value(gimli::DW_AT_name) {
        return Ok(text(unit.attr_string(name)?));
    }
    let origin =
        entry.attr_value(gimli::DW_AT_abstract_origin).or_else(|| entry.attr_value(gimli::DW_AT_specification));
    match origin {
        Some(AttributeValue::UnitRef(offset)) => function_name(unit, &unit.entry(offset)?),
        _ => Ok(String::new()),
    }
}

fn add_paths(unit: UnitRef<Bytes>, paths: &mut BTreeSet<String>) -> gimli::Result<()> {
    paths.extend(unit.name.map(text));
    paths.extend(unit.comp_dir.map(text));
    let Some(program) = &unit.line_program else { return Ok(()) };
    let header = program.header();
    for folder in header.include_directories() {
        paths.insert(text(unit.attr_string(*folder)?));
    }
    for file in header.file_names() {
        paths.insert(text(unit.attr_string(file.path_name())?));
    }
    Ok(())
}
