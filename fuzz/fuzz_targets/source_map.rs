//! Reads the input as the source map of a small module, and as the URL by which the module names its map.

#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use wasm_encoder::{CodeSection, CustomSection, Encode, Function, FunctionSection, Instruction, Module, TypeSection};
use wasmscope_model::{CodeLocation, CodeOffset, SymbolSource};
use wasmscope_symbolizer::{DebugFiles, ModuleImage, SourceMap, Symbolizer};

fuzz_target!(|bytes: &[u8]| {
    let mut url = Vec::new();
    String::from_utf8_lossy(bytes).encode(&mut url);
    let mut module = code();
    module.section(&CustomSection { name: Cow::Borrowed("sourceMappingURL"), data: Cow::Borrowed(&url) });
    let image = ModuleImage::parse(module.finish().into()).expect("the module is sound");
    let end = image.bodies().last().map_or(0, |(_, body)| body.end);
    if let Ok(map) = SourceMap::parse(bytes, &image) {
        let faults = map.faults();
        let wrong = [
            faults.outside_code,
            faults.between_instructions,
            faults.out_of_order,
            faults.unknown_source,
            faults.impossible_position,
            faults.too_many,
        ];
        assert!(wrong.iter().sum::<usize>() <= map.mappings());
        assert_eq!(faults.is_empty(), faults.to_string().is_empty());
        for offset in 0..end {
            if let Some(position) = map.position_at(CodeOffset::new(offset)) {
                assert!(position.line > 0 && position.column > 0 && offset > 0);
            }
        }
        assert!(
            map.position_at(CodeOffset::new(end)).is_none() && map.position_at(CodeOffset::new(u32::MAX)).is_none()
        );
    }
    // No folder is given, so no file is read.
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());
    symbolizer.add_source_maps(&DebugFiles::default());
    for (function_index, body) in image.bodies() {
        let offset = Some(CodeOffset::new(body.start));
        let place = CodeLocation { module: image.identity(), function_index, offset, approximate: false };
        assert_eq!(symbolizer.resolve(&place).frames.len(), 1);
    }
});

/// Begins a module of two functions with instructions of one to three bytes.
fn code() -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut declared, mut code) = (FunctionSection::new(), CodeSection::new());
    for _ in 0..2 {
        declared.function(0);
        let mut body = Function::new([(1, wasm_encoder::ValType::I32)]);
        for _ in 0..4 {
            body.instruction(&Instruction::I32Const(1000));
            body.instruction(&Instruction::LocalSet(0));
            body.instruction(&Instruction::Nop);
        }
        code.function(body.instruction(&Instruction::End));
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    module
}
