//! Resolves places of a small module whose debug sections are the input: a length of two bytes before each but the last.

#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use wasm_encoder::{CodeSection, CustomSection, Function, FunctionSection, Instruction, Module, TypeSection};
use wasmscope_model::{CodeLocation, CodeOffset, SymbolSource};
use wasmscope_symbolizer::{ModuleImage, Symbolizer};

const SECTIONS: [&str; 9] = [
    ".debug_info",
    ".debug_abbrev",
    ".debug_line",
    ".debug_ranges",
    ".debug_rnglists",
    ".debug_addr",
    ".debug_str_offsets",
    ".debug_line_str",
    ".debug_str",
];

fuzz_target!(|bytes: &[u8]| {
    let mut module = code();
    let mut rest = bytes;
    for name in SECTIONS {
        let Some((length, behind)) = rest.split_first_chunk::<2>() else {
            break;
        };
        let (data, behind) = behind.split_at(behind.len().min(usize::from(u16::from_le_bytes(*length))));
        module.section(&CustomSection { name: Cow::Borrowed(name), data: Cow::Borrowed(data) });
        rest = behind;
    }
    let image = ModuleImage::parse(module.finish().into()).expect("the module is sound");
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());
    for (function_index, body) in image.bodies() {
        for offset in body.step_by(7) {
            let offset = Some(CodeOffset::new(offset));
            let place = CodeLocation { module: image.identity(), function_index, offset, approximate: false };
            let resolved = symbolizer.resolve(&place);
            assert!(!resolved.frames.is_empty());
            assert!(resolved.frames.iter().all(|frame| !frame.name.is_empty()));
            assert_eq!(symbolizer.resolve(&place), resolved);
        }
    }
});

/// Begins a module of four functions with 100 bytes of code each.
fn code() -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut declared, mut code) = (FunctionSection::new(), CodeSection::new());
    for _ in 0..4 {
        declared.function(0);
        let mut body = Function::new([]);
        for _ in 0..98 {
            body.instruction(&Instruction::Nop);
        }
        code.function(body.instruction(&Instruction::End));
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    module
}
