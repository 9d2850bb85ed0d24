//! A file with split units.

use std::ops::Range;
use std::sync::Arc;

use object::{Endianness, Object, ObjectSection};

use super::concatenated::{Origin, missing_section, units_of_objects};
use super::package::units_of_package;
use super::sections::SplitSections;
use super::{SplitUnit, roots};
use crate::debug_info::{Fuel, Slice};
use crate::{Error, ModuleImage};

/// A file with split units: of one object (`.dwo`, or `.o`), or of many and packed (`.dwp`). WebAssembly or ELF.
#[derive(Clone, Debug)]
pub(crate) struct SplitFile {
    bytes: Arc<[u8]>,
    sections: SplitSections,
    /// The index of a package; empty for objects.
    index: Range<usize>,
    origin: Origin,
}

impl SplitFile {
    /// Finds the sections in a file.
    ///
    /// # Errors
    ///
    /// Says in words that follow its name what is wrong: the file is neither WebAssembly nor ELF, breaks off, or holds no
    /// split units.
    pub(crate) fn parse(bytes: Arc<[u8]>) -> Result<Self, String> {
        let mut origin = Origin::Object;
        let (sections, index) = match &*bytes {
            [b'\0', b'a', b's', b'm', ..] => {
                let image = ModuleImage::parse(bytes.clone()).map_err(told)?;
                if image.defined_functions() > 0 && !image.is_object() {
                    origin = Origin::LinkedModule;
                }
                of_image(&image)
            }
            [0x7f, b'E', b'L', b'F', ..] => of_elf(&bytes)?,
            _ => return Err("neither WebAssembly nor ELF".to_owned()),
        };
        if sections.info.is_empty() {
            return Err("it holds no split units (there is no .debug_info.dwo)".to_owned());
        }
        if let Some(name) = missing_section(&bytes, &sections) {
            return Err(format!("it lacks {name}: it may be cut"));
        }
        Ok(Self { bytes, sections, index, origin })
    }

    /// Finds the sections in a module that was linked from objects with split units in themselves.
    pub(crate) fn of_module(image: &ModuleImage) -> Option<Self> {
        let (sections, index) = of_image(image);
        let bytes = image.bytes().clone();
        (!sections.info.is_empty()).then_some(Self { bytes, sections, index, origin: Origin::LinkedModule })
    }

    /// Tells whether the file has an index of its units, as packages do.
    pub(crate) fn is_package(&self) -> bool {
        !self.index.is_empty()
    }

    /// Tells whether a linker made the file, so that its own module is the one that has use for it.
    pub(crate) fn is_linked_module(&self) -> bool {
        self.origin == Origin::LinkedModule
    }

    pub(crate) fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Returns how many bytes of debug information the file carries.
    pub(crate) fn debug_bytes(&self) -> usize {
        self.sections.len()
    }

    /// Lists the units.
    ///
    /// # Errors
    ///
    /// Says in words that follow the file's name what is broken.
    pub(crate) fn units(&self, fuel: &mut Fuel) -> Result<Vec<SplitUnit>, String> {
        match self.is_package() {
            true => units_of_package(&self.bytes, self.index.clone(), &self.sections),
            false => units_of_objects(&self.bytes, &self.sections, self.origin, fuel),
        }
    }

    /// Returns the id of a unit as the unit itself has it. An index may say otherwise.
    ///
    /// # Errors
    ///
    /// Says in words that follow the file's name what is broken.
    pub(crate) fn own_id(&self, unit: &SplitUnit, fuel: &mut Fuel) -> Result<u64, String> {
        let ids = roots::ids(&self.dwarf(unit), fuel)?;
        let own = ids.iter().find(|id| **id == unit.id).or(ids.first());
        own.copied().ok_or_else(|| "its index leads to a place where no unit is".to_owned())
    }

    /// Returns the name of the file that a unit was written to first, if it has one.
    pub(crate) fn name_of(&self, unit: &SplitUnit, fuel: &mut Fuel) -> Option<String> {
        roots::dwo_name(&self.dwarf(unit), unit.id, fuel)
    }

    /// Returns the work that may be done to look at all units.
    pub(crate) fn fuel(&self) -> Fuel {
        Fuel::for_bytes(self.debug_bytes())
    }

    fn dwarf(&self, unit: &SplitUnit) -> gimli::Dwarf<Slice<'_>> {
        unit.sections.dwarf(&self.bytes, None)
    }
}

/// Says why a file is no WebAssembly, and what that may come from.
fn told(error: Error) -> String {
    match &error {
        Error::Malformed { reason, .. } if reason.starts_with("unexpected end") => format!("{error}: it may be cut"),
        _ => error.to_string(),
    }
}

fn of_image(image: &ModuleImage) -> (SplitSections, Range<usize>) {
    let find = |name: &str| image.debug_section_range(name);
    (SplitSections::named(find), find(".debug_cu_index"))
}

fn of_elf(bytes: &[u8]) -> Result<(SplitSections, Range<usize>), String> {
    let file = object::File::parse(bytes).map_err(|error| format!("broken ELF: {error}"))?;
    if file.endianness() != Endianness::Little {
        return Err("of a machine with its bytes in the other order".to_owned());
    }
    let mut problem = None;
    let mut find = |name: &str| {
        let Some(section) = file.section_by_name_bytes(name.as_bytes()) else { return 0..0 };
        let found = section.compressed_file_range().map_err(|error| format!("{name}: {error}")).and_then(|range| {
            if range.format != object::CompressionFormat::None {
                return Err(format!("{name} is compressed; llvm-objcopy --decompress-debug-sections undoes that"));
            }
            let begin = usize::try_from(range.offset).map_err(|error| error.to_string())?;
            let size = usize::try_from(range.uncompressed_size).map_err(|error| error.to_string())?;
            let end = begin.checked_add(size).filter(|end| *end <= bytes.len());
            end.map(|end| begin..end).ok_or_else(|| format!("{name} reaches behind the end of the file"))
        });
        found.unwrap_or_else(|reason| {
            problem.get_or_insert(reason);
            0..0
        })
    };
    let (sections, index) = (SplitSections::named(&mut find), find(".debug_cu_index"));
    problem.map_or(Ok((sections, index)), Err)
}
