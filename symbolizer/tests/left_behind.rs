//! DWARF that was left as it was while a tool rewrote the code: wrong lines are worse than none.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::fs;
use std::path::Path;

use wasm_encoder::{CodeSection, Module, RawSection};
use wasmparser::{Parser, Payload};
use wasmscope_model::{CodeLocation, CodeOffset, LineOrigin, NameOrigin, SymbolSource};
use wasmscope_symbolizer::{Inspection, ModuleImage, Symbolizer};

/// Bytes by which all code but the first function's moves.
const MOVED: usize = 77;

fn split() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/guests/split.wasm")).unwrap()
}

/// Makes the first function longer by instructions that do nothing, and leaves the custom sections as they are.
fn rewritten(bytes: &[u8]) -> Vec<u8> {
    let (mut module, mut code) = (Module::new(), CodeSection::new());
    let mut bodies_left = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::CodeSectionStart { count, .. } => bodies_left = count,
            Payload::CodeSectionEntry(body) => {
                let mut body = bytes[body.range().start as usize..body.range().end as usize].to_vec();
                if code.is_empty() {
                    let end = body.pop().unwrap();
                    body.extend([1; MOVED]);
                    body.push(end);
                }
                code.raw(&body);
                bodies_left -= 1;
                if bodies_left == 0 {
                    module.section(&code);
                }
            }
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    module.section(&RawSection { id, data: &bytes[range.start as usize..range.end as usize] });
                }
            }
        }
    }
    module.finish()
}

#[test]
fn lines_of_code_that_is_not_there_any_more_are_not_shown() {
    let (before, after) = (split(), rewritten(&split()));
    let (before, after) = (ModuleImage::parse(before.into()).unwrap(), ModuleImage::parse(after.into()).unwrap());
    assert_eq!(before.bodies().count(), after.bodies().count());
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(after.clone());
    let (mut named, mut lines) = (0, 0);
    for (function_index, body) in after.bodies() {
        for offset in body.clone().step_by(3) {
            let offset = Some(CodeOffset::new(offset));
            let place = CodeLocation { module: after.identity(), function_index, offset, approximate: false };
            let resolved = symbolizer.resolve(&place);
            named += usize::from(resolved.name == NameOrigin::NameSection);
            lines += usize::from(matches!(resolved.line, LineOrigin::Exact | LineOrigin::Approximate));
            assert_eq!(resolved.frames.len(), 1, "{resolved:?}");
        }
    }
    assert!(named > 5000, "{named}");
    assert_eq!(lines, 0);
}

#[test]
fn an_inspection_counts_none_of_their_code() {
    let good = Inspection::of(&ModuleImage::parse(split().into()).unwrap());
    assert!(!good.dwarf.unwrap().left_behind);
    let found = Inspection::of(&ModuleImage::parse(rewritten(&split()).into()).unwrap());
    let dwarf = found.dwarf.unwrap();
    assert!(dwarf.left_behind && dwarf.units == 39, "{dwarf:?}");
    assert_eq!(found.coverage.named, found.coverage.all);
    assert_eq!((found.coverage.lines, found.coverage.inlined), Default::default());
}
