//! The structure of a core module, read once.

use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use wasmparser::{Encoding, ExternalKind, Imports, Parser, Payload, TypeRef};
use wasmscope_model::{ByteSize, CodeIdentity, CodeOffset, Module};

use crate::Error;
use crate::names::Names;

/// The structure of a core module: where its code lies, which functions it has, and what it calls them.
#[derive(Clone, Debug)]
pub struct ModuleImage {
    bytes: Arc<[u8]>,
    /// Where the module begins in the file: 0, unless it is part of a component.
    file_start: usize,
    identity: CodeIdentity,
    /// The contents of the code section in the file.
    code_section: Range<usize>,
    /// Imported functions, as `module.name`.
    imports: Vec<String>,
    /// How many bytes of names of imports may still be kept.
    import_bytes_left: usize,
    /// The bodies of defined functions, without their size, in order.
    bodies: Vec<Range<u32>>,
    exports: HashMap<u32, String>,
    pub(crate) names: Names,
    /// The `.debug_*` sections in the file.
    debug_sections: HashMap<String, Range<usize>>,
    build_id: String,
    producers: Vec<String>,
    source_map: Option<String>,
    external_debug_info: Option<String>,
    is_object: bool,
}

/// What a module tells of its code; more is greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(crate) struct Worth {
    dwarf: bool,
    names: bool,
    source_map: bool,
}

/// Import names are cut at this many bytes each.
const MAX_IMPORT_NAME_BYTES: usize = 512;
/// All import names together are cut at this many bytes: many may share one long module name.
const MAX_IMPORT_BYTES: usize = 16 << 20;

impl ModuleImage {
    /// Reads the structure of a module. Function bodies are not validated.
    ///
    /// # Errors
    ///
    /// When the bytes are not WebAssembly, are a component, or break off or go wrong somewhere, with the offset.
    /// Unreadable names are no error; the functions stay without a name.
    pub fn parse(bytes: Arc<[u8]>) -> Result<Self, Error> {
        Self::parse_at(0, bytes)
    }

    /// As [`ModuleImage::parse`], of a module that begins at `file_start` of a component's file.
    pub(crate) fn parse_at(file_start: usize, bytes: Arc<[u8]>) -> Result<Self, Error> {
        if !bytes.starts_with(b"\0asm") {
            return Err(Error::NotWasm);
        }
        if u32::try_from(bytes.len()).is_err() {
            return Err(Error::TooLarge { size: bytes.len() });
        }
        let mut image = Self {
            bytes: bytes.clone(),
            file_start,
            identity: CodeIdentity::from_digest(Sha256::digest([]).into()),
            code_section: 0..0,
            imports: Vec::new(),
            import_bytes_left: MAX_IMPORT_BYTES,
            bodies: Vec::new(),
            exports: HashMap::default(),
            names: Names::default(),
            debug_sections: HashMap::default(),
            build_id: String::new(),
            producers: Vec::new(),
            source_map: None,
            external_debug_info: None,
            is_object: false,
        };
        for payload in Parser::new(0).parse_all(&bytes) {
            image.take(payload?)?;
        }
        Ok(image)
    }

    fn take(&mut self, payload: Payload<'_>) -> Result<(), Error> {
        match payload {
            Payload::Version { encoding: Encoding::Component, .. } => return Err(Error::Component),
            Payload::ImportSection(reader) => {
                for group in reader {
                    self.take_imports(group?)?;
                }
            }
            Payload::ExportSection(reader) => {
                for export in reader {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        self.exports.entry(export.index).or_insert_with(|| crate::names::cut(export.name).to_owned());
                    }
                }
            }
            Payload::CodeSectionStart { unchecked_range: range, .. } => {
                self.code_section = usize_range(&range);
                let code = self.bytes.get(self.code_section.clone()).unwrap_or_default();
                self.identity = CodeIdentity::from_digest(Sha256::digest(code).into());
            }
            Payload::CodeSectionEntry(body) => {
                let range = usize_range(&body.range());
                let offset = |position: usize| {
                    u32::try_from(position.saturating_sub(self.code_section.start)).unwrap_or(u32::MAX)
                };
                self.bodies.push(offset(range.start)..offset(range.end));
            }
            Payload::CustomSection(section) => self.take_custom(&section),
            _ => {}
        }
        Ok(())
    }

    fn take_imports(&mut self, group: Imports<'_>) -> Result<(), Error> {
        let mut add = |module: &str, name: &str, ty: &TypeRef| {
            if matches!(ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                let limit = MAX_IMPORT_NAME_BYTES.min(self.import_bytes_left);
                let short = |text: &str| text[..text.floor_char_boundary(limit)].to_owned();
                let mut full = short(&(short(module) + "." + &short(name)));
                full.shrink_to_fit();
                self.import_bytes_left = self.import_bytes_left.saturating_sub(full.len());
                self.imports.push(full);
            }
        };
        match group {
            Imports::Single(_, import) => add(import.module, import.name, &import.ty),
            Imports::Compact1 { module, items } => {
                for item in items {
                    let item = item?;
                    add(module, item.name, &item.ty);
                }
            }
            Imports::Compact2 { module, ty, names } => {
                for name in names {
                    add(module, name?, &ty);
                }
            }
        }
        Ok(())
    }

    fn take_custom(&mut self, section: &wasmparser::CustomSectionReader<'_>) {
        let start = usize::try_from(section.data_offset()).unwrap_or(usize::MAX);
        let range = start..start.saturating_add(section.data().len());
        match section.name() {
            "build_id" => self.build_id = build_id(section.data()),
            "sourceMappingURL" => {
                self.source_map = length_prefixed_text(section.data());
            }
            "external_debug_info" => self.external_debug_info = length_prefixed_text(section.data()),
            "producers" => self.producers = producers(section),
            "linking" => self.is_object = true,
            // A later section of the same name does not replace the first, as in every other reader.
            name if name.starts_with(".debug_") => {
                self.debug_sections.entry(name.to_owned()).or_insert(range);
            }
            _ => self.names.read(section),
        }
    }

    /// Returns the identity of the module's code.
    pub fn identity(&self) -> CodeIdentity {
        self.identity
    }

    /// Returns the bytes of the module.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Returns where the contents of the code section begin in the file: the component's, if the module is part of one.
    pub fn code_section_start(&self) -> ByteSize {
        ByteSize::new(self.file_start.saturating_add(self.code_section.start) as u64)
    }

    /// Returns where the contents of the code section begin in the module, whether it is part of a component or not.
    pub(crate) fn code_start_in_module(&self) -> usize {
        self.code_section.start
    }

    /// Tells whether an offset in the file lies in the code section.
    pub fn has_code_at(&self, file_offset: u64) -> bool {
        let start = self.code_section_start().get();
        file_offset.checked_sub(start).is_some_and(|offset| offset < self.code_section.len() as u64)
    }

    /// Tells whether a tool made the module to join others, so that its functions are of little interest: the adapter
    /// from one WASI version to another, and the shims of a component.
    pub fn is_adapter(&self) -> bool {
        self.names.module().is_some_and(|name| name.starts_with("wit-component:"))
    }

    /// Returns what the `name` section calls the module.
    pub fn module_name(&self) -> Option<&str> {
        self.names.module()
    }

    /// Tells whether this is an object, for a linker to make a module of.
    pub(crate) fn is_object(&self) -> bool {
        self.is_object
    }

    /// Returns how many functions the module defines.
    pub fn defined_functions(&self) -> usize {
        self.bodies.len()
    }

    /// Returns the function imports in order, as `module.name`.
    pub fn function_imports(&self) -> &[String] {
        &self.imports
    }

    /// Returns the export name of a function.
    pub fn export_of(&self, function_index: u32) -> Option<&str> {
        self.exports.get(&function_index).map(String::as_str)
    }

    /// Finds the function whose body covers an offset.
    pub fn function_at(&self, offset: CodeOffset) -> Option<u32> {
        let behind = self.bodies.partition_point(|body| body.start <= offset.get());
        let index = behind.checked_sub(1)?;
        self.bodies.get(index)?.contains(&offset.get()).then(|| self.function_index(index))
    }

    /// Returns the body of a defined function as offsets of the code section; `None` for imports.
    pub fn body(&self, function_index: u32) -> Option<Range<u32>> {
        let index = (function_index as usize).checked_sub(self.imports.len())?;
        self.bodies.get(index).cloned()
    }

    /// Returns the offset of the first instruction of a defined function, which follows the declarations of its locals;
    /// `None` for imports, and for a body that cannot be read.
    pub fn first_instruction(&self, function_index: u32) -> Option<u32> {
        let instructions = crate::call_site::instructions(self, self.body(function_index)?)?;
        u32::try_from(instructions.original_position()).ok()
    }

    /// Tells whether an offset lies no further in a function than its first instruction.
    pub(crate) fn is_at_beginning(&self, offset: u32) -> bool {
        let function = self.function_at(CodeOffset::new(offset));
        function.and_then(|index| self.first_instruction(index)).is_some_and(|first| offset <= first)
    }

    /// Returns the body that an offset lies in or leads into: its size, too, belongs to a function. `None` for offset 0,
    /// where linkers leave what described removed functions.
    pub(crate) fn body_reached_from(&self, offset: u32) -> Option<Range<u32>> {
        let next = self.bodies.partition_point(|body| body.end <= offset);
        self.bodies.get(next).filter(|_| offset != 0).cloned()
    }

    /// Returns the bodies of all defined functions, with their function indices.
    pub fn bodies(&self) -> impl Iterator<Item = (u32, Range<u32>)> {
        self.bodies.iter().enumerate().map(|(index, body)| (self.function_index(index), body.clone()))
    }

    fn function_index(&self, defined: usize) -> u32 {
        u32::try_from(defined.saturating_add(self.imports.len())).unwrap_or(u32::MAX)
    }

    /// Returns the bytes of the file at offsets of the code section.
    pub(crate) fn code_bytes(&self, range: Range<u32>) -> Option<&[u8]> {
        let at = |offset: u32| self.code_section.start.checked_add(offset as usize);
        self.bytes.get(at(range.start)?..at(range.end)?)
    }

    /// Returns the contents of a `.debug_*` section; empty when there is none.
    pub(crate) fn debug_section<'b>(&self, bytes: &'b [u8], name: &str) -> &'b [u8] {
        self.debug_sections.get(name).and_then(|range| bytes.get(range.clone())).unwrap_or_default()
    }

    /// Returns where a `.debug_*` section lies in the module; empty when there is none.
    pub(crate) fn debug_section_range(&self, name: &str) -> Range<usize> {
        self.debug_sections.get(name).cloned().unwrap_or_default()
    }

    /// Returns how many bytes of debug information the module carries.
    pub(crate) fn debug_bytes(&self) -> usize {
        self.debug_sections.values().map(ExactSizeIterator::len).sum()
    }

    /// Tells whether the module carries DWARF.
    pub fn has_dwarf(&self) -> bool {
        self.debug_sections.contains_key(".debug_info")
    }

    /// Tells whether the module carries names of functions.
    pub fn has_names(&self) -> bool {
        self.names.len() > 0
    }

    /// Tells how much the module tells of its code.
    pub(crate) fn worth(&self) -> Worth {
        Worth { dwarf: self.has_dwarf(), names: self.has_names(), source_map: self.source_map.is_some() }
    }

    /// Returns the name that the `name` section has for a function, as it stands there.
    pub fn name_of(&self, function_index: u32) -> Option<&str> {
        self.names.function(function_index)
    }

    /// Returns the contents of the `build_id` section, hexadecimal; empty when there is none.
    pub fn build_id(&self) -> &str {
        &self.build_id
    }

    /// Returns the source map that the module points to.
    pub fn source_map(&self) -> Option<&str> {
        self.source_map.as_deref()
    }

    /// Returns what the module says of a file with its debug information.
    pub fn external_debug_info(&self) -> Option<&str> {
        self.external_debug_info.as_deref()
    }

    /// Returns languages and tools that the module says it was made by.
    pub fn producers(&self) -> &[String] {
        &self.producers
    }

    /// Describes the module for a recording, under the name given.
    pub fn to_model_module(&self, name: &str) -> Module {
        Module {
            name: name.to_owned(),
            identity: self.identity,
            code_section_start: self.code_section_start(),
            code_section_size: ByteSize::new(self.code_section.len() as u64),
            file_hash: hex(&Sha256::digest(&self.bytes)),
            build_id: self.build_id.clone(),
            is_adapter: self.is_adapter(),
        }
    }
}

/// Gives an identity to a module of which only a file of machine code is there: it tells it from others, and finds no debug
/// information.
pub fn identity_of_machine_code(file: &[u8], module: u32) -> CodeIdentity {
    let digest = Sha256::new().chain_update(file).chain_update(module.to_le_bytes());
    CodeIdentity::from_digest(digest.finalize().into())
}

fn usize_range(range: &Range<u64>) -> Range<usize> {
    let convert = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
    convert(range.start)..convert(range.end)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a section that is a length and that many bytes of text.
fn length_prefixed_text(data: &[u8]) -> Option<String> {
    let mut reader = wasmparser::BinaryReader::new(data, 0);
    let length = usize::try_from(reader.read_var_u32().ok()?).ok()?;
    let text = reader.read_bytes(length).ok()?;
    Some(String::from_utf8_lossy(text).into_owned()).filter(|text| !text.is_empty())
}

/// Reads a `build_id` section: a length and that many bytes.
fn build_id(data: &[u8]) -> String {
    let Some((length, id)) = data.split_first() else {
        return String::new();
    };
    hex(id.get(..usize::from(*length)).unwrap_or(id))
}

/// Reads the `producers` section as far as it can be read.
fn producers(section: &wasmparser::CustomSectionReader<'_>) -> Vec<String> {
    let wasmparser::KnownCustom::Producers(fields) = section.as_known() else {
        return Vec::new();
    };
    let values = fields.into_iter().flatten().flat_map(|field| field.values.into_iter().flatten());
    values.take(64).map(|value| format!("{} {}", value.name, value.version).trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> ModuleImage {
        ModuleImage::parse(wat::parse_str(text).unwrap().into()).unwrap()
    }

    #[test]
    fn code_identity_survives_stripping_and_not_a_change_of_code() {
        let named = image("(module (func $a nop) (func $b nop nop))");
        let stripped = image("(module (func nop) (func nop nop))");
        let other = image("(module (func nop nop) (func nop nop))");
        assert_eq!(named.identity(), stripped.identity());
        assert_ne!(named.identity(), other.identity());
        assert!(named.has_names() && !stripped.has_names());
    }

    #[test]
    fn offsets_belong_to_the_function_whose_body_covers_them() {
        let image = image(r#"(module (import "env" "f" (func)) (func nop) (func nop nop))"#);
        // One byte for the count, one for the size of each body.
        assert_eq!(image.body(1), Some(2..5));
        assert_eq!(image.body(2), Some(6..10));
        assert_eq!(image.function_at(CodeOffset::new(2)), Some(1));
        assert_eq!(image.function_at(CodeOffset::new(5)), None);
        assert_eq!(image.function_at(CodeOffset::new(9)), Some(2));
        assert_eq!(image.function_imports(), ["env.f"]);
        assert_eq!(image.body(0), None);
    }

    #[test]
    fn what_is_no_module_is_refused_by_its_kind() {
        let refused = |bytes: &[u8]| ModuleImage::parse(bytes.into()).unwrap_err();
        assert_eq!(refused(b"\x7fELF"), Error::NotWasm);
        assert_eq!(refused(&wat::parse_str("(component)").unwrap()), Error::Component);
        let whole = wat::parse_str("(module (func nop))").unwrap();
        assert!(matches!(refused(&whole[..whole.len() - 1]), Error::Malformed { .. }));
    }
}
