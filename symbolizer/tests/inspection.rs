//! What an inspection says a module's debug information covers is what looking up every offset finds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "hostile_dwarf/builder.rs"]
mod builder;

use std::path::Path;

use builder::{FUNCTION, INLINED, UnitBuilder, abbreviations, line_program, module, sequence};
use wasmscope_model::{CodeLocation, CodeOffset, LineOrigin, NameOrigin, SymbolSource};
use wasmscope_symbolizer::{Allocator, Coverage, Inspection, ModuleImage, Share, Symbolizer, Toolchain};

fn share(code: u64, functions: usize) -> Share {
    Share { code: wasmscope_model::ByteSize::new(code), functions }
}

fn image(text: &str) -> ModuleImage {
    ModuleImage::parse(wat::parse_str(text).unwrap().into()).unwrap()
}

/// Counts what a lookup of each offset finds.
fn looked_up(image: ModuleImage) -> Coverage {
    let mut coverage = Coverage::default();
    let bodies: Vec<_> = image.bodies().collect();
    let module = image.identity();
    let sections: Vec<bool> = bodies.iter().map(|(index, _)| image.name_of(*index).is_some()).collect();
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image);
    let add = |share: &mut Share, bytes: u64| {
        *share = self::share(share.code.get() + bytes, share.functions + usize::from(bytes > 0));
    };
    for ((function_index, body), by_section) in bodies.into_iter().zip(sections) {
        let size = u64::from(body.end - body.start);
        let [mut named, mut lines, mut inlined] = [0, 0, 0];
        for offset in body {
            let offset = Some(CodeOffset::new(offset));
            let resolved = symbolizer.resolve(&CodeLocation { module, function_index, offset, approximate: false });
            named += u64::from(!matches!(resolved.name, NameOrigin::Unnamed(_)));
            lines += u64::from(resolved.line == LineOrigin::Exact);
            inlined += u64::from(resolved.frames.len() > 1);
        }
        add(&mut coverage.all, size);
        add(&mut coverage.named, named);
        add(&mut coverage.lines, lines);
        add(&mut coverage.inlined, inlined);
        if by_section {
            add(&mut coverage.named_by_section, size);
        }
    }
    coverage
}

#[test]
fn coverage_of_compiled_modules_is_what_lookups_find() {
    for file in [
        "../examples/guests/split.wasm",
        "../testkit/guests/c-dwarf5.wasm",
        "../testkit/guests/cpp-zig.wasm",
        "../testkit/guests/waits-p1.wasm",
        "../testkit/guests/reactor.wasm",
        "../testkit/guests/as.wasm",
    ] {
        let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let image = ModuleImage::parse(bytes.into()).unwrap();
        let found = Inspection::of(&image).coverage;
        let expected = looked_up(image);
        for (what, found, expected) in [
            ("all", found.all, expected.all),
            ("named", found.named, expected.named),
            ("named by section", found.named_by_section, expected.named_by_section),
            ("lines", found.lines, expected.lines),
            ("inlined", found.inlined, expected.inlined),
        ] {
            assert_eq!(found, expected, "{what} in {file}");
        }
    }
}

#[test]
fn coverage_counts_each_byte_once() {
    // Three functions of 102 bytes at 2, 105 and 208.
    let mut unit = UnitBuilder::covering(2..310);
    unit.entry(FUNCTION).text("first").range(2..104);
    unit.entry(INLINED).word(11).range(10..30).end_children();
    unit.entry(INLINED).word(11).range(20..40).end_children();
    unit.end_children();
    unit.function("second", 105..207).end_children();
    // Line 7 from 2 on to 52, then line 0 to the end of the first function; the second has lines to its middle.
    let lines = [sequence(2, &[2, 50, 3, 0x79, 1], 52), sequence(105, &[], 51)].concat();
    let sections =
        [(".debug_info", unit.finish()), (".debug_abbrev", abbreviations()), (".debug_line", line_program(&lines))];
    let image = module(3, &sections);
    let inspection = Inspection::of(&image);
    let coverage = inspection.coverage;
    assert_eq!(coverage.all, share(306, 3));
    assert_eq!(coverage.named, share(204, 2));
    assert_eq!(coverage.named_by_dwarf, share(204, 2));
    assert_eq!(coverage.named_by_section, share(0, 0));
    assert_eq!(coverage.inlined, share(30, 1));
    // Of what has no line in the table, nothing was inlined by a call with one.
    assert_eq!((coverage.lines, coverage.line_tables), (share(50 + 51, 2), share(50 + 51, 2)));
    assert_eq!(coverage.in_functions_with_lines, share(204, 2));
    let dwarf = inspection.dwarf.unwrap();
    assert_eq!((dwarf.units, dwarf.inlined_calls, dwarf.incomplete, dwarf.broken_units), (1, 2, false, 0));
    assert_eq!(dwarf.versions.into_iter().collect::<Vec<_>>(), [(4, 1)]);
    assert_eq!(looked_up(module(3, &sections)).lines, coverage.lines);
}

#[test]
fn names_count_by_where_they_come_from() {
    let image = image(
        r#"(module (import "env" "f" (func $imported)) (func $named nop) (func (export "out") nop nop) (func nop))"#,
    );
    let inspection = Inspection::of(&image);
    assert_eq!(inspection.names.map(|names| (names.functions, names.broken)), Some((1, false)));
    assert_eq!(inspection.coverage.all, share(3 + 4 + 3, 3));
    assert_eq!(inspection.coverage.named_by_section, share(3, 1));
    assert_eq!(inspection.coverage.named_by_export_only, share(4, 1));
    assert_eq!(inspection.coverage.named, share(7, 2));
    assert_eq!(inspection.coverage.lines, share(0, 0));
    assert!(inspection.dwarf.is_none());
}

#[test]
fn debug_information_that_is_cut_off_is_told_and_what_is_before_counts() {
    let mut unit = UnitBuilder::covering(2..104);
    unit.function("honest", 2..104).end_children();
    let whole = unit.finish();
    let lines = line_program(&sequence(2, &[], 102));
    for length in 0..whole.len() {
        let info = whole.get(..length).unwrap().to_vec();
        let image =
            module(1, &[(".debug_info", info), (".debug_abbrev", abbreviations()), (".debug_line", lines.clone())]);
        let dwarf = Inspection::of(&image).dwarf.unwrap();
        assert!(length == 0 || dwarf.incomplete || dwarf.broken_units > 0, "{length}");
    }
    let image = module(1, &[(".debug_info", whole), (".debug_line", lines)]);
    let inspection = Inspection::of(&image);
    assert!(inspection.dwarf.unwrap().incomplete, "there are no abbreviations");
    assert_eq!(inspection.surface.missing_debug_sections(), [".debug_abbrev"]);
}

#[test]
fn where_debug_information_is_elsewhere_it_is_told() {
    let text = r#"(module (@custom "external_debug_info" "\05a.dbg") (@custom "sourceMappingURL" "\05a.map")
        (@custom "build_id" "\02\ab\cd") (@custom ".zdebug_info" "ZLIB") (func nop))"#;
    let surface = Inspection::of(&image(text)).surface;
    assert_eq!(surface.external_debug_info.as_deref(), Some("a.dbg"));
    assert_eq!(surface.source_map.as_deref(), Some("a.map"));
    assert_eq!(surface.build_id.as_deref(), Some("abcd"));
    assert_eq!(surface.compressed_debug_sections().count(), 1);
}

#[test]
fn toolchains_and_allocators_are_recognised_in_what_they_made() {
    for (file, toolchains, allocators) in [
        ("examples/guests/split.wasm", vec![Toolchain::Clang], vec![Allocator::Dlmalloc]),
        ("examples/guests/orders.wasm", vec![Toolchain::Rust, Toolchain::Clang], vec![Allocator::Dlmalloc]),
        ("testkit/guests/as.wasm", vec![Toolchain::AssemblyScript], vec![]),
        ("testkit/guests/waits-p1.wasm", vec![Toolchain::Zig, Toolchain::Clang], vec![Allocator::ZigLibc]),
    ] {
        let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap();
        let inspection = Inspection::of(&ModuleImage::parse(bytes.into()).unwrap());
        assert_eq!(inspection.toolchains, toolchains, "{file}");
        let found: Vec<_> = inspection.allocators.iter().map(|found| found.allocator).collect();
        assert_eq!(found, allocators, "{file}");
    }
}

#[test]
fn debug_information_that_wants_too_much_work_is_given_up_in_time() {
    let mut unit = UnitBuilder::covering(0..1000);
    let info: Vec<u8> = std::iter::repeat_n(unit.end_children().finish(), 10_000).flatten().collect();
    let lines = line_program(&sequence(400, &vec![0x12; 1 << 20], 1));
    let image = module(3, &[(".debug_info", info), (".debug_abbrev", abbreviations()), (".debug_line", lines)]);
    let began = std::time::Instant::now();
    let inspection = Inspection::of(&image);
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "took {:?}", began.elapsed());
    let dwarf = inspection.dwarf.unwrap();
    assert_eq!(dwarf.units, 10_000);
    assert!(dwarf.broken_units > 9_000, "{dwarf:?}");
    assert_eq!(inspection.coverage.lines, share(0, 0));
}
