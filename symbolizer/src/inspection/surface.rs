//! What a module or component takes from its host, what it gives, and which sections it has.

use wasmparser::{ExternalKind, Imports, KnownCustom, Parser, Payload};
use wasmscope_model::ByteSize;

use super::Producers;
use crate::names::cut;
use crate::{Error, ModuleImage};

/// Imports, exports and sections of each kind that are kept.
const MAX_KEPT: usize = 1 << 16;
/// How long names of imports and exports may be that are kept.
const MAX_NAME_BYTES: usize = 512;

/// Something that a module takes from its host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// Whom it wants it from.
    pub module: String,
    /// What it is called there.
    pub name: String,
}

/// A custom section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// The size of its contents.
    pub size: ByteSize,
}

/// What a core module takes, gives, and is made of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Surface {
    /// Imports of all kinds.
    pub imports: Vec<Import>,
    /// The names of exported functions.
    pub exports: Vec<String>,
    /// Custom sections, in the order of the file.
    pub custom_sections: Vec<Section>,
    /// Where `external_debug_info` says that the debug information is.
    pub external_debug_info: Option<String>,
    /// The contents of `build_id`, hexadecimal.
    pub build_id: Option<String>,
    /// The source map that the module points to.
    pub source_map: Option<String>,
}

/// What a component takes and gives, at its outermost level.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ComponentSurface {
    /// The names of its imports, such as `wasi:io/streams@0.2.6`.
    pub imports: Vec<String>,
    /// The names of its exports.
    pub exports: Vec<String>,
    /// What the component as a whole was made by.
    pub producers: Producers,
}

fn short(name: &str) -> String {
    name.get(..name.floor_char_boundary(MAX_NAME_BYTES)).unwrap_or(name).to_owned()
}

/// Reads a text behind its length, as `external_debug_info` and `sourceMappingURL` have it.
fn text(data: &[u8]) -> String {
    let mut reader = wasmparser::BinaryReader::new(data, 0);
    match reader.read_string() {
        Ok(text) => cut(text).to_owned(),
        Err(_) => cut(&String::from_utf8_lossy(data.get(..MAX_NAME_BYTES).unwrap_or(data))).to_owned(),
    }
}

impl Surface {
    pub(super) fn of(image: &ModuleImage) -> Self {
        let mut surface = Self::default();
        // The structure was read before, so nothing is an error here.
        for payload in Parser::new(0).parse_all(image.bytes()).map_while(Result::ok) {
            match payload {
                Payload::ImportSection(reader) => {
                    reader.into_iter().map_while(Result::ok).for_each(|group| surface.take_imports(group));
                }
                Payload::ExportSection(reader) => {
                    let functions = reader
                        .into_iter()
                        .map_while(Result::ok)
                        .filter(|export| matches!(export.kind, ExternalKind::Func | ExternalKind::FuncExact));
                    surface.exports.extend(functions.take(MAX_KEPT).map(|export| short(export.name)));
                }
                Payload::CustomSection(section) => surface.take_custom(&section),
                _ => {}
            }
        }
        surface.build_id = Some(image.build_id()).filter(|id| !id.is_empty()).map(str::to_owned);
        surface
    }

    fn take_imports(&mut self, group: Imports<'_>) {
        let mut add = |module: &str, name: &str| {
            if self.imports.len() < MAX_KEPT {
                self.imports.push(Import { module: short(module), name: short(name) });
            }
        };
        match group {
            Imports::Single(_, import) => add(import.module, import.name),
            Imports::Compact1 { module, items } => {
                items.into_iter().map_while(Result::ok).for_each(|item| add(module, item.name));
            }
            Imports::Compact2 { module, names, .. } => {
                names.into_iter().map_while(Result::ok).for_each(|name| add(module, name));
            }
        }
    }

    fn take_custom(&mut self, section: &wasmparser::CustomSectionReader<'_>) {
        match section.name() {
            "external_debug_info" => self.external_debug_info = Some(text(section.data())),
            "sourceMappingURL" => self.source_map = Some(text(section.data())),
            _ => {}
        }
        if self.custom_sections.len() < MAX_KEPT {
            let size = ByteSize::new(section.data().len() as u64);
            self.custom_sections.push(Section { name: short(section.name()), size });
        }
    }

    /// Returns the size of a custom section; `None` when there is none of this name.
    pub fn section(&self, name: &str) -> Option<ByteSize> {
        self.custom_sections.iter().find(|section| section.name == name).map(|section| section.size)
    }

    /// Tells whether the module exports a function of this name.
    pub fn has_export(&self, name: &str) -> bool {
        self.exports.iter().any(|export| export == name)
    }

    /// Tells whether the module imports anything from `module`.
    pub fn imports_from(&self, module: &str) -> bool {
        self.imports.iter().any(|import| import.module == module)
    }

    /// Returns the sections of DWARF that are compressed, as linkers for other systems do it and no reader of modules
    /// understands.
    pub fn compressed_debug_sections(&self) -> impl Iterator<Item = &Section> {
        self.custom_sections.iter().filter(|section| section.name.starts_with(".zdebug_"))
    }

    /// Returns the sections without which what there is of DWARF is worth little.
    pub fn missing_debug_sections(&self) -> Vec<&'static str> {
        let has = |name: &str| self.section(name).is_some();
        let any = self.custom_sections.iter().any(|section| section.name.starts_with(".debug_"));
        let needed = [".debug_info", ".debug_abbrev", ".debug_line"];
        needed.into_iter().filter(|name| any && !has(name)).collect()
    }
}

impl ComponentSurface {
    /// Reads what a component takes and gives.
    ///
    /// # Errors
    ///
    /// When the bytes break off or go wrong somewhere, with the offset.
    pub fn of(bytes: &[u8]) -> Result<Self, Error> {
        let mut surface = Self::default();
        // Modules and components inside are passed over.
        let mut depth = 0usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth = depth.saturating_add(1),
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                Payload::ComponentImportSection(reader) => {
                    for import in reader {
                        push(&mut surface.imports, import?.name.name);
                    }
                }
                Payload::ComponentExportSection(reader) => {
                    for export in reader {
                        push(&mut surface.exports, export?.name.name);
                    }
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Producers(fields) = section.as_known() {
                        surface.producers.take(fields);
                    }
                }
                _ => {}
            }
        }
        Ok(surface)
    }
}

fn push(names: &mut Vec<String>, name: &str) {
    if names.len() < MAX_KEPT {
        names.push(short(name));
    }
}
