//! Source maps: what they say is what a lookup finds, and what they cannot know is left open.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod agreement;
mod builder;
mod finding;
mod hostile;
mod named_maps;

use proptest::prelude::*;
use wasmscope_model::{CodeLocation, CodeOffset, LineOrigin, NameOrigin, Resolved, SymbolSource, WhyNoLine};
use wasmscope_symbolizer::{DebugFiles, Inspection, ModuleImage, Share, SourceMap, Symbolizer};

use builder::{END, FIRST, SECOND, Segment, image, map, mappings, module, module_naming, parse};

/// Resolves an offset of a function in the module alone.
fn resolve(symbolizer: &mut Symbolizer, image: &ModuleImage, function_index: u32, offset: u32) -> Resolved {
    let offset = Some(CodeOffset::new(offset));
    symbolizer.resolve(&CodeLocation { module: image.identity(), function_index, offset, approximate: false })
}

/// Returns what a map has for each offset, as `file:line:column`.
fn positions(map: &SourceMap, offsets: impl IntoIterator<Item = u32>) -> Vec<String> {
    let text = |offset| {
        let at = map.position_at(CodeOffset::new(offset));
        at.map_or("-".to_owned(), |at| format!("{}:{}:{}", at.file, at.line, at.column))
    };
    offsets.into_iter().map(text).collect()
}

/// The module, holding a map itself.
fn with_inline_map(segments: &[Segment]) -> ModuleImage {
    let plain = image(&module(&[], &[]));
    image(&module_naming(&inline(&map(&plain, segments))))
}

fn inline(map: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("data:application/json;base64,");
    for group in map.as_bytes().chunks(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        (0..=group.len()).for_each(|at| text.push(char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize])));
        (group.len()..3).for_each(|_| text.push('='));
    }
    text
}

#[test]
fn a_mapping_holds_up_to_the_next_and_not_beyond_its_function() {
    let plain = image(&module(&[], &[]));
    let at = [(6, Some([0, 10, 4])), (8, Some([1, 20, 0])), (13, Some([0, 0, 0])), (17, None)];
    let found = positions(&parse(&map(&plain, &at)), 0..END);
    let (none, a, b, c) = ("-", "a.ts:11:5", "b.ts:21:1", "a.ts:1:1");
    let first = [none, none, none, none, none, none, a, a, b, b];
    let second = [none, none, none, c, c, c, c, none, none];
    assert_eq!(found, [&first[..], &second[..]].concat());
}

#[test]
fn a_map_gives_lines_and_leaves_names_to_the_module() {
    let image = with_inline_map(&[(5, Some([0, 1, 2])), (7, Some([1, 30, 0])), (14, Some([0, 8, 0]))]);
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());
    let before = resolve(&mut symbolizer, &image, FIRST, 5);
    assert_eq!(before.line, LineOrigin::Missing(WhyNoLine::NoDebugInfo));
    assert_eq!(symbolizer.wanted().len(), 1);
    assert_eq!(symbolizer.add_source_maps(&DebugFiles::default()), []);
    assert_eq!(symbolizer.wanted(), []);

    // The declarations of locals have the line of the first instruction.
    for (offset, place) in [(2, ("a.ts", 2, 3)), (5, ("a.ts", 2, 3)), (6, ("a.ts", 2, 3)), (9, ("b.ts", 31, 1))] {
        let resolved = resolve(&mut symbolizer, &image, FIRST, offset);
        assert_eq!((resolved.name, resolved.line), (NameOrigin::NameSection, LineOrigin::Exact), "{offset}");
        let [frame] = &resolved.frames[..] else { panic!("{resolved:?}") };
        assert_eq!((frame.name.as_str(), frame.system_name.as_str(), frame.start_line), ("first", "first", 0));
        assert_eq!((frame.file.as_str(), frame.line, frame.column), place, "{offset}");
    }
    // Nothing precedes it in its function, and another function's mappings are none of its own.
    for (function, offset) in [(SECOND, 11), (SECOND, 12), (SECOND, 5)] {
        let resolved = resolve(&mut symbolizer, &image, function, offset);
        assert_eq!(resolved.line, LineOrigin::Missing(WhyNoLine::NotCovered), "{offset}");
        assert_eq!((resolved.frames[0].name.as_str(), resolved.frames[0].file.as_str()), ("second", ""));
    }
    let offset = Some(CodeOffset::new(14));
    let near = CodeLocation { module: image.identity(), function_index: SECOND, offset, approximate: true };
    assert_eq!(symbolizer.resolve(&near).line, LineOrigin::Approximate);
}

#[test]
fn an_inspection_counts_the_code_that_lookups_place() {
    let image = with_inline_map(&[(5, Some([0, 1, 2])), (7, None), (13, Some([0, 8, 0])), (14, Some([7, 8, 0]))]);
    let share = |code, functions| Share { code: wasmscope_model::ByteSize::new(code), functions };
    let alone = Inspection::of(&image);
    assert_eq!((alone.source_map, alone.coverage.lines), (None, share(0, 0)));
    let found = DebugFiles::default().source_map(&image, None).unwrap().unwrap();
    let inspection = Inspection::with_source_map(&image, Some(&found.map));
    let facts = inspection.source_map.unwrap();
    assert_eq!((facts.mappings, facts.faults.unknown_source), (4, 1));
    // Three bytes of declarations and two instructions; one instruction.
    assert_eq!(inspection.coverage.lines, share(6, 2));
    assert_eq!(inspection.coverage.in_functions_with_lines, share(16, 2));
    assert_eq!(inspection.coverage.line_tables, share(0, 0));
}

#[test]
fn fields_may_be_missing_or_null_and_roots_are_put_before() {
    let plain = image(&module(&[], &[]));
    let start = i64::try_from(plain.code_section_start().get()).unwrap();
    let three = mappings(start, &[(5, Some([0, 0, 0])), (6, Some([1, 1, 0])), (7, Some([2, 2, 0]))]);
    for (fields, expected) in [
        (r#""sources":["a.ts",null,"/c.ts"]"#, ["a.ts:1:1", "-", "/c.ts:3:1"]),
        (r#""version":3,"sources":["./a.ts","../b.ts","w://c"]"#, ["a.ts:1:1", "../b.ts:2:1", "w://c:3:1"]),
        (r#""sourceRoot":"src","sources":["a.ts","./b.ts","/c.ts"]"#, ["src/a.ts:1:1", "src/./b.ts:2:1", "/c.ts:3:1"]),
        (r#""sourceRoot":"./x/","sources":["a","","w://c"]"#, ["x/a:1:1", "x/:2:1", "w://c:3:1"]),
        (r#""sourceRoot":null,"sources":null,"names":null"#, ["-", "-", "-"]),
        (r#""file":7,"x":[[{}]],"sourcesContent":["\n",null]"#, ["-", "-", "-"]),
    ] {
        let map = parse(&format!(r#"{{{fields},"mappings":"{three}"}}"#));
        assert_eq!(positions(&map, 5..8), expected, "{fields}");
    }
    for empty in ["{}", r#"{"mappings":""}"#, r#"{"mappings":null}"#, r#"{"sections":[]}"#, ")]}'whatever\n{}"] {
        let map = parse(empty);
        assert_eq!((map.mappings(), map.faults().is_empty()), (0, true), "{empty}");
        assert_eq!(map.position_at(CodeOffset::new(5)), None);
    }
}

#[test]
fn sections_have_sources_and_offsets_of_their_own() {
    let plain = image(&module(&[], &[]));
    let start = i64::try_from(plain.code_section_start().get()).unwrap();
    let one = mappings(start, &[(5, Some([0, 4, 0])), (7, Some([0, 5, 0]))]);
    // Columns of the second count from the section's own.
    let two = mappings(0, &[(0, Some([1, 6, 0])), (1, Some([0, 7, 0]))]);
    let map = parse(&format!(
        r#"{{"version":3,"sections":[
            {{"offset":{{"line":0,"column":0}},"map":{{"version":3,"sourceRoot":"r","sources":["a"],"mappings":"{one}"}}}},
            {{"offset":{{"line":0,"column":{}}},"map":{{"version":3,"sources":["b","c"],"mappings":"{two}"}}}}]}}"#,
        start + 12
    ));
    assert!(map.faults().is_empty());
    assert_eq!(positions(&map, [5, 7, 12, 13, 18]), ["r/a:5:1", "r/a:6:1", "c:7:1", "b:8:1", "b:8:1"]);
}

proptest! {
    #[test]
    fn lookups_find_the_last_mapping_at_or_before_in_the_function(
        steps in prop::collection::vec((0usize..3, prop::option::of((0i64..2, 0i64..9, 0i64..9))), 0..24)
    ) {
        // Where mappings may begin: sizes and declarations of both functions, and their instructions.
        let places = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17, 18];
        let mut at = 0;
        let mut segments: Vec<Segment> = Vec::new();
        for (step, to) in steps {
            at += step;
            let Some(place) = places.get(at) else { break };
            segments.push((*place, to.map(|(source, line, column)| [source, line, column])));
        }
        let map = parse(&map(&image(&module(&[], &[])), &segments));
        prop_assert!(map.faults().is_empty());
        for offset in 0..END {
            let function = if offset < 10 { 1..10 } else { 10..19 };
            let last = segments.iter().rfind(|(begin, _)| function.contains(begin) && *begin <= i64::from(offset));
            let expected = last.and_then(|(_, to)| *to).map(|[source, line, column]| {
                format!("{}:{}:{}", ["a.ts", "b.ts"][usize::from(source == 1)], line + 1, column + 1)
            });
            prop_assert_eq!(positions(&map, [offset]), [expected.unwrap_or("-".to_owned())]);
        }
    }
}
