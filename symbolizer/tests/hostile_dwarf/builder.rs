//! Modules with DWARF written byte by byte, as no compiler would.

use std::borrow::Cow;

use wasm_encoder::{CodeSection, CustomSection, Function, FunctionSection, Instruction, Module, TypeSection};
use wasmscope_symbolizer::ModuleImage;

/// Abbreviation codes of [`ABBREVIATIONS`].
pub const UNIT: u8 = 1;
pub const FUNCTION: u8 = 2;
pub const FUNCTION_WITH_RANGES: u8 = 3;
pub const INLINED: u8 = 4;
pub const ABSTRACT: u8 = 5;
pub const COPY: u8 = 6;
pub const BLOCK: u8 = 7;

const ADDR: u8 = 0x01;
const DATA4: u8 = 0x06;
const STRING: u8 = 0x08;
const REF4: u8 = 0x13;
const SEC_OFFSET: u8 = 0x17;

/// Tag, whether it has children, and pairs of attribute and form.
type Abbreviation = (u8, u8, &'static [(u8, u8)]);

const ABBREVIATIONS: [Abbreviation; 7] = [
    // compile_unit: stmt_list, low_pc, high_pc
    (0x11, 1, &[(0x10, SEC_OFFSET), (0x11, ADDR), (0x12, DATA4)]),
    // subprogram: name, low_pc, high_pc
    (0x2e, 1, &[(0x03, STRING), (0x11, ADDR), (0x12, DATA4)]),
    // subprogram: name, ranges
    (0x2e, 1, &[(0x03, STRING), (0x55, SEC_OFFSET)]),
    // inlined_subroutine: abstract_origin, low_pc, high_pc
    (0x1d, 1, &[(0x31, REF4), (0x11, ADDR), (0x12, DATA4)]),
    // subprogram: abstract_origin alone
    (0x2e, 0, &[(0x31, REF4)]),
    // subprogram: abstract_origin, low_pc, high_pc
    (0x2e, 1, &[(0x31, REF4), (0x11, ADDR), (0x12, DATA4)]),
    // lexical_block
    (0x0b, 1, &[]),
];

pub fn abbreviations() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (code, (tag, children, attributes)) in (1..).zip(ABBREVIATIONS) {
        bytes.extend([code, tag, children]);
        attributes.iter().for_each(|(name, form)| bytes.extend([*name, *form]));
        bytes.extend([0, 0]);
    }
    bytes.push(0);
    bytes
}

/// One `.debug_info` unit being written; its header takes 11 bytes.
#[derive(Clone, Default)]
pub struct UnitBuilder(Vec<u8>);

impl UnitBuilder {
    /// Begins a unit that covers `code`, with its line program at 0.
    pub fn covering(code: std::ops::Range<u32>) -> Self {
        let mut unit = Self::default();
        unit.entry(UNIT).word(0).range(code);
        unit
    }

    /// Returns where the next entry begins, for references.
    pub fn position(&self) -> u32 {
        11 + self.0.len() as u32
    }

    pub fn entry(&mut self, abbreviation: u8) -> &mut Self {
        self.0.push(abbreviation);
        self
    }

    pub fn word(&mut self, value: u32) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn range(&mut self, code: std::ops::Range<u32>) -> &mut Self {
        self.word(code.start).word(code.end.wrapping_sub(code.start))
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        self.0.extend(text.as_bytes());
        self.0.push(0);
        self
    }

    pub fn end_children(&mut self) -> &mut Self {
        self.0.push(0);
        self
    }

    /// Writes a function without children.
    pub fn function(&mut self, name: &str, code: std::ops::Range<u32>) -> &mut Self {
        self.entry(FUNCTION).text(name).range(code).end_children()
    }

    /// Returns the unit with its header.
    pub fn finish(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((self.0.len() as u32 + 7).to_le_bytes());
        bytes.extend([4, 0, 0, 0, 0, 0, 4]);
        bytes.extend(&self.0);
        bytes
    }
}

/// Writes a line program: a header of version 4 without files, and the instructions.
pub fn line_program(instructions: &[u8]) -> Vec<u8> {
    // Minimum instruction length, operations, is_stmt, line base and range, opcode base, operands; no folder, one file.
    let mut header = vec![1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
    header.extend(b"\0a.c\0\0\0\0\0");
    let mut bytes = Vec::new();
    bytes.extend((2 + 4 + header.len() as u32 + instructions.len() as u32).to_le_bytes());
    bytes.extend([4, 0]);
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.extend(header);
    bytes.extend(instructions);
    bytes
}

/// Instructions for one sequence: line 7 from `begin`, then a row for each byte of `rows`, then the end.
pub fn sequence(begin: u32, rows: &[u8], end_advance: u8) -> Vec<u8> {
    let mut instructions = vec![0, 5, 2];
    instructions.extend(begin.to_le_bytes());
    // advance_line 6, copy
    instructions.extend([3, 6, 1]);
    instructions.extend(rows);
    // advance_pc, end_sequence
    instructions.extend([2, end_advance, 0, 1, 1]);
    instructions
}

/// Makes a module of `functions` functions with bodies of 102 bytes each, beginning 103 bytes apart, the first at 2.
pub fn module(functions: u32, sections: &[(&str, Vec<u8>)]) -> ModuleImage {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut declared, mut code) = (FunctionSection::new(), CodeSection::new());
    for _ in 0..functions {
        declared.function(0);
        let mut body = Function::new([]);
        (0..100).for_each(|_| {
            body.instruction(&Instruction::Nop);
        });
        code.function(body.instruction(&Instruction::End));
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    for (name, data) in sections {
        module.section(&CustomSection { name: Cow::Borrowed(name), data: Cow::Borrowed(data) });
    }
    ModuleImage::parse(module.finish().into()).unwrap()
}
