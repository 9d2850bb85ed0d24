//! DWARF that wants to end the process, keep it busy, or eat its memory, is answered in time and with a reason.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod builder;

use std::time::{Duration, Instant};

use builder::{ABSTRACT, BLOCK, COPY, FUNCTION_WITH_RANGES, INLINED, UnitBuilder, abbreviations, module, sequence};
use wasmscope_model::{
    CodeLocation, CodeOffset, LineOrigin, NameOrigin, Resolved, SymbolSource, WhyNoLine, WhyUnnamed,
};
use wasmscope_symbolizer::{ModuleImage, Symbolizer};

/// Where the body of function 0 lies.
const BODY: std::ops::Range<u32> = 2..104;

/// Far more than any of these modules takes, in a build without optimisation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn at(image: &ModuleImage, offset: u32) -> CodeLocation {
    let offset = CodeOffset::new(offset);
    let function_index = image.function_at(offset).unwrap();
    CodeLocation { module: image.identity(), function_index, offset: Some(offset), approximate: false }
}

fn resolve(image: ModuleImage, offset: u32) -> Resolved {
    let place = at(&image, offset);
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image);
    let began = Instant::now();
    let resolved = symbolizer.resolve(&place);
    assert!(began.elapsed() < PATIENCE, "took {:?}", began.elapsed());
    resolved
}

fn with_info(info: Vec<u8>) -> ModuleImage {
    let lines = builder::line_program(&sequence(BODY.start, &[], 100));
    module(3, &[(".debug_info", info), (".debug_abbrev", abbreviations()), (".debug_line", lines)])
}

fn names(resolved: &Resolved) -> Vec<&str> {
    resolved.frames.iter().map(|frame| frame.name.as_str()).collect()
}

#[test]
fn an_honest_unit_is_read() {
    let mut unit = UnitBuilder::covering(BODY);
    unit.function("honest", BODY).end_children();
    let resolved = resolve(with_info(unit.finish()), 50);
    assert_eq!(names(&resolved), ["honest"]);
    assert_eq!((resolved.name, resolved.line), (NameOrigin::Dwarf, LineOrigin::Exact));
    assert_eq!((resolved.frames[0].file.as_str(), resolved.frames[0].line), ("a.c", 7));
}

#[test]
fn origins_that_refer_in_a_circle_name_nothing() {
    let mut unit = UnitBuilder::covering(BODY);
    let first = unit.position();
    unit.entry(ABSTRACT).word(first + 5).entry(ABSTRACT).word(first);
    unit.entry(COPY).word(first).range(BODY).end_children().end_children();
    let resolved = resolve(with_info(unit.finish()), 50);
    assert_eq!(names(&resolved), ["wasm-function[0]"]);
    assert_eq!((resolved.name, resolved.line), (NameOrigin::Unnamed(WhyUnnamed::NotListed), LineOrigin::Exact));
}

#[test]
fn an_origin_outside_every_unit_names_nothing() {
    for origin in [0, 11, 0x7fff_ffff, u32::MAX] {
        let mut unit = UnitBuilder::covering(BODY);
        unit.entry(COPY).word(origin).range(BODY).end_children().end_children();
        assert_eq!(names(&resolve(with_info(unit.finish()), 50)), ["wasm-function[0]"]);
    }
}

#[test]
fn functions_inlined_a_hundred_thousand_deep_are_cut() {
    let mut unit = UnitBuilder::covering(BODY);
    let outermost = unit.position();
    unit.entry(builder::FUNCTION).text("outermost").range(BODY);
    for _ in 0..100_000 {
        unit.entry(INLINED).word(outermost).range(BODY);
    }
    let resolved = resolve(with_info(unit.finish()), 50);
    assert_eq!(resolved.frames.len(), 256);
    assert!(names(&resolved).iter().all(|name| *name == "outermost"));
}

#[test]
fn blocks_nested_a_million_deep_hide_nothing() {
    let mut unit = UnitBuilder::covering(BODY);
    unit.entry(builder::FUNCTION).text("deep").range(BODY);
    for _ in 0..1_000_000 {
        unit.entry(BLOCK);
    }
    assert_eq!(names(&resolve(with_info(unit.finish()), 50)), ["deep"]);
}

#[test]
fn removed_code_takes_no_living_functions_place() {
    let mut unit = UnitBuilder::covering(0..1000);
    unit.function("dead_at_zero", 0..5000);
    unit.function("alive", BODY);
    unit.function("dead_at_zero_too", 0..90);
    for tombstone in [u32::MAX, u32::MAX - 1] {
        unit.function("dead", tombstone..tombstone.wrapping_add(90));
    }
    unit.end_children();
    let image = with_info(unit.finish());
    assert_eq!(names(&resolve(image.clone(), 50)), ["alive"]);
    let other = resolve(image, 150);
    assert_eq!(names(&other), ["wasm-function[1]"]);
    assert_eq!(other.line, LineOrigin::Missing(WhyNoLine::NotCovered));
}

#[test]
fn a_function_that_reaches_over_its_end_does_not_name_the_next() {
    let mut unit = UnitBuilder::covering(0..1000);
    unit.function("greedy", BODY.start..u32::MAX).end_children();
    let image = with_info(unit.finish());
    assert_eq!(names(&resolve(image.clone(), 50)), ["greedy"]);
    assert_eq!(names(&resolve(image, 150)), ["wasm-function[1]"]);
}

#[test]
fn absurd_sizes_are_unreadable() {
    let mut unit = UnitBuilder::covering(BODY);
    unit.function("honest", BODY).end_children();
    let honest = unit.finish();
    for length in [[0xff, 0xff, 0xff, 0x7f], [0xff, 0xff, 0xff, 0xff], [0xf0, 0xff, 0xff, 0xff]] {
        let mut info = honest.clone();
        info[..4].copy_from_slice(&length);
        let resolved = resolve(with_info(info), 50);
        assert_eq!(resolved.name, NameOrigin::Unnamed(WhyUnnamed::Unreadable));
        assert_eq!(resolved.line, LineOrigin::Missing(WhyNoLine::Unreadable));
    }
}

#[test]
fn sections_may_break_off_anywhere() {
    let mut unit = UnitBuilder::covering(0..1000);
    let outer = unit.position();
    unit.entry(builder::FUNCTION).text("outer").range(BODY);
    unit.entry(INLINED).word(outer).range(10..60).end_children().end_children();
    unit.entry(FUNCTION_WITH_RANGES).text("ranges").word(0).end_children().end_children();
    let ranges: Vec<u8> = [105_u32, 200, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
    let whole = [
        (".debug_info", unit.finish()),
        (".debug_abbrev", abbreviations()),
        (".debug_line", builder::line_program(&sequence(BODY.start, &[0x4b; 20], 80))),
        (".debug_ranges", ranges),
    ];
    for section in 0..whole.len() {
        for length in 0..whole[section].1.len() {
            let mut cut = whole.clone();
            cut[section].1.truncate(length);
            let image = module(3, &cut);
            for offset in [2, 50, 103, 150] {
                assert!(!resolve(image.clone(), offset).frames.is_empty());
            }
        }
    }
    let image = module(3, &whole);
    assert_eq!(names(&resolve(image.clone(), 50)), ["outer", "outer"]);
    assert_eq!(names(&resolve(image, 150)), ["ranges"]);
}

#[test]
fn ten_thousand_units_that_share_a_giant_line_program_are_given_up() {
    let mut unit = UnitBuilder::covering(0..1000);
    let info: Vec<u8> = std::iter::repeat_n(unit.end_children().finish(), 10_000).flatten().collect();
    // A row for each byte, and not one for the place asked for.
    let lines = builder::line_program(&sequence(400, &vec![0x12; 1 << 20], 1));
    let image = module(3, &[(".debug_info", info), (".debug_abbrev", abbreviations()), (".debug_line", lines)]);
    assert_eq!(resolve(image, 50).line, LineOrigin::Missing(WhyNoLine::Unreadable));
}

#[test]
fn a_hundred_thousand_functions_that_share_a_long_list_of_ranges_are_given_up() {
    let mut unit = UnitBuilder::covering(0..1000);
    for _ in 0..100_000 {
        unit.entry(FUNCTION_WITH_RANGES).text("f").word(0).end_children();
    }
    let mut ranges: Vec<u8> = std::iter::repeat_n([210, 0, 0, 0, 220, 0, 0, 0], 10_000).flatten().collect();
    ranges.extend([0; 8]);
    let image =
        module(3, &[(".debug_info", unit.finish()), (".debug_abbrev", abbreviations()), (".debug_ranges", ranges)]);
    assert_eq!(resolve(image, 50).line, LineOrigin::Missing(WhyNoLine::Unreadable));
}

#[test]
fn entries_of_one_byte_with_a_million_attributes_are_given_up() {
    // Code 8: an unspecified tag whose attributes are all flags that are present, and so take no bytes.
    let mut table = abbreviations();
    table.pop();
    table.extend([8, 0x3b, 0]);
    table.extend(std::iter::repeat_n([0x3f, 0x19], 1_000_000).flatten());
    table.extend([0, 0, 0]);
    let mut unit = UnitBuilder::covering(0..1000);
    for _ in 0..100_000 {
        unit.entry(8);
    }
    let image = module(3, &[(".debug_info", unit.finish()), (".debug_abbrev", table)]);
    assert_eq!(resolve(image, 50).line, LineOrigin::Missing(WhyNoLine::Unreadable));
}

#[test]
fn tables_of_abbreviations_that_overlap_are_paid_for() {
    // Units whose tables begin inside one another: none ends before the next begins.
    let table: Vec<u8> =
        (0..1 << 16).flat_map(|code: u32| [code as u8 | 0x80, (code >> 7) as u8 & 0x7f | 1, 1, 0, 0, 0]).collect();
    let unit = UnitBuilder::covering(BODY).finish();
    let info: Vec<u8> = (0..60_000_u32)
        .flat_map(|index| {
            let mut unit = unit.clone();
            unit[6..10].copy_from_slice(&index.to_le_bytes());
            unit
        })
        .collect();
    resolve(module(3, &[(".debug_info", info), (".debug_abbrev", table)]), 50);
}

#[test]
fn bytes_changed_at_random_are_survived() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let bytes = std::fs::read(root.join("testkit/guests/c-dwarf5.wasm")).unwrap();
    let honest = ModuleImage::parse(bytes.clone().into()).unwrap();
    let debug_begins = wasmparser::Parser::new(0)
        .parse_all(&bytes)
        .find_map(|payload| match payload.unwrap() {
            wasmparser::Payload::CustomSection(section) if section.name() == ".debug_abbrev" => Some(section.range()),
            _ => None,
        })
        .unwrap()
        .start as usize;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..200 {
        let mut changed = bytes.clone();
        for _ in 0..1 + draw(30) {
            let position = debug_begins + draw(bytes.len() - debug_begins);
            changed[position] = draw(256) as u8;
        }
        let Ok(image) = ModuleImage::parse(changed.into()) else {
            continue;
        };
        let mut symbolizer = Symbolizer::new();
        symbolizer.add_module(image);
        let began = Instant::now();
        for (_, body) in honest.bodies().step_by(4) {
            assert!(!symbolizer.resolve(&at(&honest, body.start + draw(body.len()) as u32)).frames.is_empty());
        }
        assert!(began.elapsed() < PATIENCE);
    }
}
