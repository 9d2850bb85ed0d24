//! Copies a log that speaks of a small module: nothing of it is lost, and nothing of the module ends a line or moves a
//! cursor.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasm_encoder::{
    CodeSection, Function, FunctionSection, Instruction, Module, NameMap, NameSection, TypeSection,
};
use wasmscope_symbolizer::{KnownModules, LogSymbolizer, find_mentions};

fuzz_target!(|log: &[u8]| {
    let mut last = 0;
    for mention in find_mentions(log) {
        assert!(mention.range.start < mention.range.end && mention.range.end <= mention.insert_at);
        assert!(last <= mention.range.start && mention.insert_at <= log.len());
        last = mention.insert_at;
    }
    let mut modules = KnownModules::new();
    modules.add_guest("app.wasm", &module().into()).expect("the module is sound");
    let mut symbolizer = LogSymbolizer::new(modules);
    let mut copy = Vec::new();
    symbolizer.copy(log, &mut copy).expect("memory can be read and written");
    let mut rest = copy.iter();
    assert!(log.iter().all(|byte| rest.any(|other| other == byte)), "something is lost");
    let count = |text: &[u8], byte: u8| text.iter().filter(|other| **other == byte).count();
    assert_eq!(count(log, 0x1b), count(&copy, 0x1b));
    let totals = symbolizer.totals();
    let told = [
        totals.filled,
        totals.had_line,
        totals.nothing_new,
        totals.not_in_code,
        totals.other_function,
        totals.ambiguous,
    ];
    assert_eq!(told.iter().sum::<u64>(), totals.mentioned);
    if totals.filled == 0 {
        assert_eq!(copy, log);
    }
});

/// Makes a module of sixteen functions of 16 bytes, whose code begins near the start of the file.
fn module() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut declared, mut code, mut named) = (FunctionSection::new(), CodeSection::new(), NameMap::new());
    for index in 0..16 {
        declared.function(0);
        let mut body = Function::new([]);
        for _ in 0..14 {
            body.instruction(&Instruction::Nop);
        }
        code.function(body.instruction(&Instruction::End));
        if index < 12 {
            named.append(index, &format!("f{index}\u{1b}[31m\n\"\\"));
        }
    }
    let mut names = NameSection::new();
    names.module("app.wasm");
    names.functions(&named);
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code).section(&names);
    module.finish()
}
