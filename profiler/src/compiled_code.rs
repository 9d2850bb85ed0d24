//! What a compiled module tells about its machine code: functions, and the way back to WebAssembly offsets.

use std::ops::Range;

use wasmscope_model::{CodeOffset, Module};

/// A function's machine code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompiledFunction {
    /// Where it begins in the machine code.
    pub text_start: u32,
    /// How long it is.
    pub text_len: u32,
    /// Which of [`CompiledCode::modules`] it belongs to.
    pub module: u32,
    /// Its index in that module's function index space, imports included.
    pub function_index: u32,
}

/// The machine code of one or more modules that share a text section.
#[derive(Clone, Debug)]
pub struct CompiledCode {
    modules: Vec<Module>,
    functions: Vec<CompiledFunction>,
    address_map: AddressMap,
}

/// From machine code back to WebAssembly: at each offset of the text, the offset in the file it was compiled from.
#[derive(Clone, Debug, Default)]
pub struct AddressMap {
    text: Vec<u32>,
    file: Vec<u32>,
}

/// Stands for an entry without an origin in the file.
const NO_ORIGIN: u32 = u32::MAX;

impl AddressMap {
    /// Collects entries (offset in the text, offset in the file or `None`), sorted by the first.
    pub fn from_entries(entries: impl IntoIterator<Item = (u32, Option<u32>)>) -> Self {
        let (text, file) = entries.into_iter().map(|(text, file)| (text, file.unwrap_or(NO_ORIGIN))).unzip();
        Self { text, file }
    }

    /// Returns the offset in the file, and whether it is only that of the nearest instruction of the same function.
    ///
    /// A third to a half of the machine code has no origin: the optimizer dropped it. The nearest entry before it
    /// within the function stands in, else the nearest after it.
    fn origin(&self, text_offset: u32, function: Range<u32>) -> Option<(u32, bool)> {
        let behind = self.text.partition_point(|offset| *offset <= text_offset);
        let first = self.text.partition_point(|offset| *offset < function.start);
        let last = self.text.partition_point(|offset| *offset < function.end);
        let before = self.file.get(first..behind)?;
        if let Some((index, origin)) = before.iter().enumerate().rev().find(|(_, origin)| **origin != NO_ORIGIN) {
            return Some((*origin, index.saturating_add(1) != before.len()));
        }
        let after = self.file.get(behind..last)?;
        after.iter().find(|origin| **origin != NO_ORIGIN).map(|origin| (*origin, true))
    }
}

/// A place in machine code, given its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CodePlace {
    pub(crate) module: u32,
    pub(crate) function_index: u32,
    pub(crate) offset: Option<CodeOffset>,
    pub(crate) approximate: bool,
}

impl CompiledCode {
    /// Puts together what the compiler tells; functions may come in any order.
    pub fn new(modules: Vec<Module>, mut functions: Vec<CompiledFunction>, address_map: AddressMap) -> Self {
        functions.sort_by_key(|function| function.text_start);
        Self { modules, functions, address_map }
    }

    /// Returns the modules whose code this is.
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// Finds the function that covers an offset of the text; `None` for trampolines and gaps.
    pub(crate) fn place_at(&self, text_offset: u32) -> Option<CodePlace> {
        let behind = self.functions.partition_point(|function| function.text_start <= text_offset);
        let function = self.functions.get(behind.checked_sub(1)?)?;
        let end = function.text_start.saturating_add(function.text_len);
        if text_offset >= end {
            return None;
        }
        let origin = self.address_map.origin(text_offset, function.text_start..end);
        let module = self.modules.get(function.module as usize)?;
        let origin = origin.filter(|_| module.code_section_size.get() > 0);
        let code_start = module.code_section_start.get();
        let offset = origin.and_then(|(file, _)| CodeOffset::from_file_offset(u64::from(file), code_start));
        Some(CodePlace {
            module: function.module,
            function_index: function.function_index,
            offset,
            approximate: origin.is_some_and(|(_, approximate)| approximate),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmscope_model::{ByteSize, CodeIdentity};

    fn code() -> CompiledCode {
        let module = Module {
            name: "m".into(),
            identity: CodeIdentity::from_digest([0; 32]),
            code_section_start: ByteSize::new(100),
            code_section_size: ByteSize::new(1000),
            file_hash: String::new(),
            build_id: String::new(),
            is_adapter: false,
        };
        let function =
            |text_start, function_index| CompiledFunction { text_start, text_len: 50, module: 0, function_index };
        let map = [(0, Some(110)), (10, None), (20, Some(130)), (60, None), (80, Some(150)), (120, None)];
        CompiledCode::new(
            vec![module],
            vec![function(60, 8), function(0, 7), function(120, 9)],
            AddressMap::from_entries(map),
        )
    }

    fn place(text_offset: u32) -> Option<(u32, Option<u32>, bool)> {
        code().place_at(text_offset).map(|p| (p.function_index, p.offset.map(CodeOffset::get), p.approximate))
    }

    #[test]
    fn an_instruction_without_origin_takes_the_nearest_of_its_own_function_and_says_so() {
        assert_eq!(place(5), Some((7, Some(10), false)));
        assert_eq!(place(15), Some((7, Some(10), true)));
        assert_eq!(place(30), Some((7, Some(30), false)));
        assert_eq!(place(65), Some((8, Some(50), true)));
        assert_eq!(place(85), Some((8, Some(50), false)));
        assert_eq!(place(125), Some((9, None, false)));
    }

    #[test]
    fn gaps_between_functions_belong_to_none() {
        assert_eq!(place(55), None);
        assert_eq!(place(110), None);
        assert_eq!(place(500), None);
    }
}
