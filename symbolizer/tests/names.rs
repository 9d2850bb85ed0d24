//! What is promised of names and lines holds for every function of real modules.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;
use std::path::Path;

use wasmscope_model::{
    CodeLocation, CodeOffset, LineOrigin, NameOrigin, Resolved, SymbolSource, WhyNoLine, WhyUnnamed,
};
use wasmscope_symbolizer::{ModuleImage, Symbolizer};

const MODULES: [&str; 6] = [
    "testkit/guests/cpp-clang.wasm",
    "testkit/guests/cpp-zig.wasm",
    "testkit/guests/c-dwarf5.wasm",
    "testkit/guests/as.wasm",
    "examples/guests/orders.wasm",
    "examples/guests/split.wasm",
];

fn bytes(module: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(module)).unwrap()
}

/// Resolves the middle of each function.
fn resolve_all(bytes: &[u8], approximate: bool) -> Vec<Resolved> {
    let image = ModuleImage::parse(bytes.into()).unwrap();
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());
    let place = |function_index, offset| CodeLocation {
        module: image.identity(),
        function_index,
        offset: Some(CodeOffset::new(offset)),
        approximate,
    };
    image.bodies().map(|(function, body)| symbolizer.resolve(&place(function, body.start.midpoint(body.end)))).collect()
}

#[test]
fn a_function_has_a_line_from_its_first_byte_on() {
    let image = ModuleImage::parse(bytes("examples/guests/split.wasm").into()).unwrap();
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());
    let mut lines = 0;
    for (function_index, body) in image.bodies() {
        let mut at = |offset| {
            let offset = Some(CodeOffset::new(offset));
            symbolizer.resolve(&CodeLocation { module: image.identity(), function_index, offset, approximate: false })
        };
        let first = at(image.first_instruction(function_index).unwrap());
        let outermost = first.frames.last().unwrap();
        for offset in body.start..image.first_instruction(function_index).unwrap() {
            let entered = at(offset);
            let frame = entered.frames.last().unwrap();
            assert_eq!((&frame.name, &frame.file), (&outermost.name, &outermost.file), "{offset:#x}");
            assert_eq!(entered.line, first.line, "{offset:#x} in {}", frame.name);
            lines += usize::from(frame.line > 0);
        }
    }
    assert!(lines > 50, "{lines}");
}

/// Copies a module without the custom sections that a test rejects.
fn without_sections(module: &[u8], reject: impl Fn(&str) -> bool) -> Vec<u8> {
    let mut copy = module[..8].to_vec();
    let mut begin = 8;
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let payload = payload.unwrap();
        let Some((_, range)) = payload.as_section() else {
            continue;
        };
        let end = range.end as usize;
        let rejected = matches!(&payload, wasmparser::Payload::CustomSection(section) if reject(section.name()));
        if !rejected {
            copy.extend(&module[begin..end]);
        }
        begin = end;
    }
    copy
}

#[test]
fn every_function_has_frames_and_every_frame_a_name() {
    for module in MODULES {
        for resolved in resolve_all(&bytes(module), false) {
            assert!(!resolved.frames.is_empty());
            assert!(resolved.frames.iter().all(|frame| !frame.name.is_empty()), "{module}: {resolved:?}");
            assert!(!matches!(resolved.name, NameOrigin::Unnamed(_)), "{module}: {resolved:?}");
        }
    }
}

#[test]
fn lines_of_the_nearest_instruction_are_marked_approximate() {
    for module in MODULES {
        let exact = resolve_all(&bytes(module), false);
        for (exact, approximate) in exact.iter().zip(resolve_all(&bytes(module), true)) {
            assert_eq!(exact.frames, approximate.frames);
            match exact.line {
                LineOrigin::Exact => assert_eq!(approximate.line, LineOrigin::Approximate),
                missing => assert_eq!(approximate.line, missing),
            }
        }
    }
}

#[test]
fn without_a_name_section_dwarf_names_the_functions() {
    for module in MODULES {
        let named = resolve_all(&bytes(module), false);
        let nameless = resolve_all(&without_sections(&bytes(module), |name| name == "name"), false);
        for (named, nameless) in named.iter().zip(&nameless) {
            match named.name {
                NameOrigin::Dwarf => assert_eq!(nameless, named),
                _ => assert!(matches!(
                    nameless.name,
                    NameOrigin::Export | NameOrigin::Unnamed(WhyUnnamed::NotListed | WhyUnnamed::NoNames)
                )),
            }
        }
    }
}

#[test]
fn a_stripped_module_says_that_it_has_neither_names_nor_lines() {
    for module in MODULES {
        let stripped = without_sections(&bytes(module), |name| name == "name" || name.starts_with(".debug_"));
        for resolved in resolve_all(&stripped, false) {
            assert!(matches!(resolved.name, NameOrigin::Export | NameOrigin::Unnamed(WhyUnnamed::NoNames)));
            assert_eq!(resolved.line, LineOrigin::Missing(WhyNoLine::NoDebugInfo));
        }
    }
}

#[test]
fn an_unknown_module_is_said_to_be_unknown() {
    let image = ModuleImage::parse(bytes(MODULES[0]).into()).unwrap();
    let place = CodeLocation { module: image.identity(), function_index: 7, offset: None, approximate: false };
    let resolved = Symbolizer::new().resolve(&place);
    assert_eq!(resolved.name, NameOrigin::Unnamed(WhyUnnamed::NoModule));
    assert_eq!(resolved.frames[0].name, "wasm-function[7]");
}

/// A tool that packed this CPython set every address of its DWARF to zero: no function is found in it, and none may be
/// given the name of another.
#[test]
fn dwarf_without_addresses_names_nothing() {
    let folder = std::env::var_os("WASMSCOPE_GUESTS").unwrap_or_default();
    let Ok(python) = std::fs::read(Path::new(&folder).join("python-3.12.0.wasm")) else {
        let skipped = "skipped: dwarf_without_addresses_names_nothing (WASMSCOPE_GUESTS has no python-3.12.0.wasm)\n";
        std::io::stderr().write_all(skipped.as_bytes()).unwrap();
        return;
    };
    for resolved in resolve_all(&python, false) {
        assert!(matches!(resolved.name, NameOrigin::Export | NameOrigin::Unnamed(WhyUnnamed::NotListed)));
        assert_eq!(resolved.line, LineOrigin::Missing(WhyNoLine::NotCovered));
    }
}

#[test]
fn a_components_shim_tells_which_host_function_it_calls_indirectly() {
    let text = r#"(module $wit-component:shim
        (type $t (func)) (table 1 funcref)
        (func $"indirect-wasi:io/streams@0.2.12-[method]output-stream.blocking-write-and-flush" (call_indirect (type $t) (i32.const 0)))
        (func $other (call_indirect (type $t) (i32.const 0))))"#;
    let image = ModuleImage::parse(wat::parse_str(text).unwrap().into()).unwrap();
    let module = image.identity();
    let sites: Vec<_> = (0..2).map(|index| (index, image.body(index).unwrap().start)).collect();
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image);
    let called = |symbolizer: &mut Symbolizer, (function_index, start): (u32, u32)| {
        // Behind the count of locals and the constant.
        let offset = Some(wasmscope_model::CodeOffset::new(start + 3));
        symbolizer.host_call(&CodeLocation { module, function_index, offset, approximate: false })
    };
    let expected = "wasi:io/streams@0.2.12.[method]output-stream.blocking-write-and-flush";
    assert_eq!(called(&mut symbolizer, sites[0]).as_deref(), Some(expected));
    assert_eq!(called(&mut symbolizer, sites[1]), None);
}
