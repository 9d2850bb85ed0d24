//! A small module, and maps of it written segment by segment.

use std::borrow::Cow;

use wasm_encoder::{
    CodeSection, CustomSection, Function, FunctionSection, Instruction, Module, NameMap, NameSection, TypeSection,
    ValType,
};
use wasmscope_symbolizer::{ModuleImage, SourceMap};

/// The function `first`: the declaration of a local at 2, instructions at 5 to 9. Its size is at 1.
pub const FIRST: u32 = 0;
/// The function `second`: no locals at 11, instructions at 12 to 18; that at 14 has three bytes. Its size is at 10.
pub const SECOND: u32 = 1;
/// Where the code section ends.
pub const END: u32 = 19;

/// Makes the module, with custom sections before its code and behind.
pub fn module(before: &[(&str, &[u8])], behind: &[(&str, &[u8])]) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut declared = FunctionSection::new();
    declared.function(0).function(0);
    let mut first = Function::new([(1, ValType::I32)]);
    for _ in 0..4 {
        first.instruction(&Instruction::Nop);
    }
    let mut second = Function::new([]);
    second.instruction(&Instruction::Nop).instruction(&Instruction::Nop);
    second.instruction(&Instruction::I32Const(1000)).instruction(&Instruction::Drop);
    let mut code = CodeSection::new();
    code.function(first.instruction(&Instruction::End)).function(second.instruction(&Instruction::End));
    let mut functions = NameMap::new();
    functions.append(FIRST, "first");
    functions.append(SECOND, "second");
    let mut names = NameSection::new();
    names.functions(&functions);
    let mut module = Module::new();
    let custom = |module: &mut Module, sections: &[(&str, &[u8])]| {
        for (name, data) in sections {
            module.section(&CustomSection { name: (*name).into(), data: Cow::Borrowed(data) });
        }
    };
    custom(&mut module, before);
    module.section(&types).section(&declared).section(&code).section(&names);
    custom(&mut module, behind);
    module.finish()
}

/// Makes the module naming a map.
pub fn module_naming(url: &str) -> Vec<u8> {
    module(&[], &[("sourceMappingURL", &text_section(url))])
}

/// The contents of a section that is a length and a text.
pub fn text_section(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    wasm_encoder::Encode::encode(text, &mut bytes);
    bytes
}

pub fn image(bytes: &[u8]) -> ModuleImage {
    ModuleImage::parse(bytes.into()).unwrap()
}

/// Fields of a segment, as they are meant: an offset in the code section, then source, line and column, 0-based.
pub type Segment = (i64, Option<[i64; 3]>);

/// Writes `mappings` of the module whose code section begins at `code_start`.
pub fn mappings(code_start: i64, segments: &[Segment]) -> String {
    let mut text = String::new();
    let (mut column, mut original) = (-code_start, [0; 3]);
    for (begin, to) in segments {
        vlq(begin - column, &mut text);
        column = *begin;
        if let Some(to) = to {
            to.iter().zip(original).for_each(|(now, before)| vlq(now - before, &mut text));
            original = *to;
        }
        text.push(',');
    }
    text
}

/// Writes a map of the sources `a.ts` and `b.ts`.
pub fn map(image: &ModuleImage, segments: &[Segment]) -> String {
    let start = i64::try_from(image.code_section_start().get()).unwrap();
    format!(r#"{{"version":3,"sources":["a.ts","b.ts"],"names":[],"mappings":"{}"}}"#, mappings(start, segments))
}

/// Reads `map` of the module.
pub fn parse(map: &str) -> SourceMap {
    SourceMap::parse(map.as_bytes(), &image(&module(&[], &[]))).unwrap()
}

fn vlq(number: i64, text: &mut String) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut rest = number.unsigned_abs() << 1 | u64::from(number < 0);
    loop {
        let more = if rest > 31 { 32 } else { 0 };
        text.push(char::from(DIGITS[usize::try_from(rest & 31 | more).unwrap()]));
        rest >>= 5;
        if rest == 0 {
            return;
        }
    }
}
