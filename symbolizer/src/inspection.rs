//! What a module is, and what its debug information is worth.

mod allocator;
mod coverage;
mod producers;
mod surface;
mod toolchain;

use std::collections::BTreeMap;

use wasmscope_model::{ByteSize, CodeIdentity};

use crate::debug_info::Survey;
use crate::demangle::demangle;
use crate::{ModuleImage, SourceMap, SourceMapFaults, SplitUnits};

pub use allocator::{Allocator, Found};
pub use coverage::{Coverage, Share};
pub use producers::{Language, Producers};
pub use surface::{ComponentSurface, Import, Section, Surface};
pub use toolchain::Toolchain;

/// Names that are looked at for what they tell of allocators and toolchains; no real module has more functions.
const MAX_NAMES_SEEN: usize = 1 << 20;

/// What a core module is, and what its debug information is worth: facts, each of them computed.
///
/// # Accuracy
///
/// Coverage counts the bytes of function bodies, without the sizes between them. The work is bounded in proportion to the
/// size of the debug information; where the bound is met, [`DwarfFacts`] says that something could not be read, and
/// what was read before counts.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The identity of the module's code.
    pub identity: CodeIdentity,
    /// What the `name` section calls the module.
    pub module_name: Option<String>,
    /// Whether a tool made the module to join others.
    pub is_adapter: bool,
    /// The size of the module.
    pub size: ByteSize,
    /// What it takes, gives, and is made of.
    pub surface: Surface,
    /// What the module says it was made by.
    pub producers: Producers,
    /// Which toolchains made it, as far as the signs tell; the one whose advice matters most first.
    pub toolchains: Vec<Toolchain>,
    /// Its allocators, those of the language before those of the C library.
    pub allocators: Vec<Found>,
    /// Its `name` section.
    pub names: Option<NameSection>,
    /// Its DWARF.
    pub dwarf: Option<DwarfFacts>,
    /// Its source map, if one was given. Which one the module names, [`Surface`] tells.
    pub source_map: Option<SourceMapFacts>,
    /// How much of its code can be named and placed.
    pub coverage: Coverage,
}

/// What the `name` section holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NameSection {
    /// Functions that the module defines and the section names.
    pub functions: usize,
    /// Whether a part of the section could not be read.
    pub broken: bool,
}

/// What is known of a module's DWARF.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DwarfFacts {
    /// Bytes of all `.debug_*` sections.
    pub size: ByteSize,
    /// Units that could be read: what was compiled at once.
    pub units: usize,
    /// Units of which functions or lines could be read in part only.
    pub broken_units: usize,
    /// Whether the list of units broke off, or some unit could not be read at all.
    pub incomplete: bool,
    /// Units by version of DWARF.
    pub versions: BTreeMap<u16, usize>,
    /// Units by language.
    pub languages: BTreeMap<String, usize>,
    /// Units by compiler.
    pub producers: BTreeMap<String, usize>,
    /// Units whose debug information lies in another file.
    pub split_units: usize,
    /// The names of such files, the first few.
    pub split_names: Vec<String>,
    /// Those of the split units whose file was not found, or does not have them.
    pub missing_split_units: usize,
    /// The names of their files, the first few.
    pub missing_split_names: Vec<String>,
    /// Whether it describes code that is not there: most likely a tool rewrote that, and not the DWARF.
    pub left_behind: bool,
    /// Units whose texts could not be read, as when the section of strings is missing.
    pub units_without_text: usize,
    /// Calls of which the DWARF says that they were inlined.
    pub inlined_calls: usize,
}

/// What is known of a module's source map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceMapFacts {
    /// Its mappings, those that cannot be true among them.
    pub mappings: usize,
    /// What it says that cannot be true.
    pub faults: SourceMapFaults,
}

impl Inspection {
    /// Inspects a module; takes about a second for 50 MB of debug information.
    pub fn of(image: &ModuleImage) -> Self {
        Self::with(image, image, None, &SplitUnits::default())
    }

    /// Inspects a module with its source map, which gives lines where there is no DWARF.
    pub fn with_source_map(image: &ModuleImage, map: Option<&SourceMap>) -> Self {
        Self::with(image, image, map, &SplitUnits::default())
    }

    /// Inspects a module with what was split off its DWARF.
    pub fn with_split_units(image: &ModuleImage, split: &SplitUnits) -> Self {
        Self::with(image, image, None, split)
    }

    /// Inspects a module with the DWARF of a file that has no code of its own, and with what was split off that.
    pub fn with_debug_file(image: &ModuleImage, dwarf: &ModuleImage, split: &SplitUnits) -> Self {
        let mut inspection = Self::with(image, dwarf, None, split);
        let is_of_dwarf = |section: &Section| section.name.starts_with(".debug_");
        inspection.surface.custom_sections.retain(|section| !is_of_dwarf(section));
        inspection.surface.custom_sections.extend(Surface::of(dwarf).custom_sections.into_iter().filter(is_of_dwarf));
        inspection
    }

    fn with(image: &ModuleImage, dwarf: &ModuleImage, map: Option<&SourceMap>, split: &SplitUnits) -> Self {
        let mut signs = toolchain::NameSigns::default();
        let mut allocators = allocator::Search::default();
        let mut seen = 0usize;
        let mut see = |name: &str| {
            seen = seen.saturating_add(1);
            if seen <= MAX_NAMES_SEEN {
                signs.see(name);
                allocators.see(name);
            }
        };
        for (index, _) in image.bodies() {
            if let Some(name) = image.name_of(index).or_else(|| image.export_of(index)) {
                see(&demangle(name));
            }
        }
        let survey = (dwarf.debug_bytes() > 0).then(|| Survey::of(image, dwarf, split, &mut see));
        let surface = Surface::of(image);
        let producers = Producers::of(image);
        let toolchains = toolchain::toolchains(&surface, &producers, survey.as_ref(), &signs);
        Self {
            identity: image.identity(),
            module_name: image.module_name().map(str::to_owned),
            is_adapter: image.is_adapter(),
            size: ByteSize::new(image.bytes().len() as u64),
            toolchains,
            allocators: allocators.found(),
            names: image.names.present.then(|| NameSection {
                functions: image.bodies().filter(|(index, _)| image.name_of(*index).is_some()).count(),
                broken: image.names.unreadable,
            }),
            coverage: Coverage::of(image, survey.as_ref(), map),
            source_map: map.map(|map| SourceMapFacts { mappings: map.mappings(), faults: map.faults() }),
            dwarf: survey.map(|survey| DwarfFacts::new(dwarf, survey)),
            surface,
            producers,
        }
    }
}

impl DwarfFacts {
    fn new(dwarf: &ModuleImage, survey: Survey) -> Self {
        Self {
            size: ByteSize::new(dwarf.debug_bytes() as u64),
            units: survey.units,
            broken_units: survey.broken_units,
            incomplete: survey.incomplete,
            versions: survey.versions,
            languages: survey.languages,
            producers: survey.producers,
            split_units: survey.split_units,
            split_names: survey.split_names,
            missing_split_units: survey.missing_split_units,
            missing_split_names: survey.missing_split_names,
            left_behind: survey.left_behind,
            units_without_text: survey.units_without_text,
            inlined_calls: survey.inlined_calls,
        }
    }
}
