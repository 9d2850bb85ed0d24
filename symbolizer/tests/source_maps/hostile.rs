//! Maps that lie: what cannot be true is left out, counted and told.

use wasmscope_model::CodeOffset;
use wasmscope_symbolizer::{DebugFiles, SourceMap, SourceMapError, SourceMapFaults, Symbolizer};

use crate::builder::{END, image, map, mappings, module, module_naming, parse};
use crate::{inline, positions};

const NONE: SourceMapFaults = SourceMapFaults {
    outside_code: 0,
    between_instructions: 0,
    out_of_order: 0,
    unknown_source: 0,
    impossible_position: 0,
    too_many: 0,
    broken: 0,
    unread_sections: 0,
};

#[test]
fn mappings_outside_the_code_or_out_of_order_are_left_out() {
    let plain = image(&module(&[], &[]));
    let start = i64::try_from(plain.code_section_start().get()).unwrap();
    let end = i64::from(END);
    let at = |offset: i64| (offset, Some([0, 0, 0]));
    for outside in [-1, -start, -start - 1, 0, end, end + 1, 1 << 30] {
        let map = parse(&map(&plain, &[at(5), at(outside), at(7)]));
        assert_eq!(map.faults(), SourceMapFaults { outside_code: 1, ..NONE }, "{outside}");
        assert_eq!(positions(&map, [4, 5, 9, 10, 12]), ["-", "a.ts:1:1", "a.ts:1:1", "-", "-"], "{outside}");
    }
    let fell = parse(&map(&plain, &[at(5), (8, Some([1, 1, 1])), at(6), at(8), (7, None), (13, None), at(13)]));
    assert_eq!(fell.faults(), SourceMapFaults { out_of_order: 2, ..NONE });
    assert_eq!(positions(&fell, [5, 6, 7, 8, 9, 13]), ["a.ts:1:1"; 6]);
    // What repeats the position before it counts as reached all the same.
    let fell = parse(&map(&plain, &[at(5), at(8), (6, Some([1, 1, 1]))]));
    assert_eq!(fell.faults().out_of_order, 1);
    // A module has one line.
    let lines =
        format!(r#"{{"sources":["a"],"mappings":";{};{}"}}"#, mappings(start, &[at(5)]), mappings(start, &[at(6)]));
    assert_eq!(parse(&lines).faults(), SourceMapFaults { outside_code: 2, ..NONE });
}

#[test]
fn code_whose_mapping_is_wrong_has_no_line_rather_than_that_of_its_neighbour() {
    let plain = image(&module(&[], &[]));
    let around = |wrong: [i64; 3]| parse(&map(&plain, &[(5, Some([0, 0, 0])), (6, Some(wrong)), (8, Some([1, 1, 0]))]));
    for wrong in [[2, 0, 0], [-1, 0, 0], [1 << 30, 0, 0], [-(1 << 30), 0, 0]] {
        let map = around(wrong);
        assert_eq!(map.faults(), SourceMapFaults { unknown_source: 1, ..NONE }, "{wrong:?}");
        assert_eq!(positions(&map, 5..9), ["a.ts:1:1", "-", "-", "b.ts:2:1"], "{wrong:?}");
    }
    for wrong in [[0, -1, 0], [0, 0, -1], [0, -(1 << 30), 0]] {
        let map = around(wrong);
        assert_eq!(map.faults(), SourceMapFaults { impossible_position: 1, ..NONE }, "{wrong:?}");
        assert_eq!(positions(&map, 5..9), ["a.ts:1:1", "-", "-", "b.ts:2:1"], "{wrong:?}");
    }
    // Sums beyond 32 bits: each step is as long as a number may be.
    let far = (0..4).map(|step| (5 + step, Some([0, step * ((1 << 31) - 1), 0])));
    let map = parse(&map(&plain, &far.collect::<Vec<_>>()));
    assert_eq!(positions(&map, 5..9), ["a.ts:1:1", "a.ts:2147483648:1", "a.ts:4294967295:1", "-"]);
    assert_eq!(map.faults(), SourceMapFaults { impossible_position: 1, ..NONE });
}

#[test]
fn nothing_is_known_behind_what_is_no_mapping() {
    let start = i64::try_from(image(&module(&[], &[])).code_section_start().get()).unwrap();
    let good = mappings(start, &[(5, Some([0, 0, 0])), (6, Some([0, 1, 0]))]);
    for broken in ["CC", "CCC", "CCCCCC", "CAAA!", "g", "gggggggB", "C\u{e9}", " "] {
        let map = parse(&format!(r#"{{"sources":["a"],"mappings":"{good}{broken},CACA"}}"#));
        assert_eq!(map.faults(), SourceMapFaults { broken: 1, ..NONE }, "{broken}");
        assert_eq!(positions(&map, 5..10), ["a:1:1", "a:2:1", "-", "-", "-"], "{broken}");
    }
}

#[test]
fn a_map_of_another_build_is_refused_and_one_wrong_mapping_is_not() {
    let plain = image(&module(&[], &[]));
    let at = |offset: i64| (offset, Some([0, offset, 0]));
    let one = parse(&map(&plain, &[at(5), at(6), at(7), at(15)]));
    assert_eq!(one.faults(), SourceMapFaults { between_instructions: 1, ..NONE });
    assert_eq!(positions(&one, [7, 14, 15]), ["a.ts:8:1", "-", "-"]);
    let two = map(&plain, &[at(5), at(6), at(7), at(14), at(15), at(16)]);
    assert_eq!(
        SourceMap::parse(two.as_bytes(), &plain).unwrap_err(),
        SourceMapError::OtherBuild { misplaced: 2, of_code: 6 }
    );
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/source_maps");
    let other = std::fs::read(folder.join("words.wasm.map")).unwrap();
    let guest = std::fs::read(folder.join("../../../testkit/guests/as.wasm")).unwrap();
    let refused = SourceMap::parse(&other, &image(&guest)).unwrap_err();
    assert!(matches!(refused, SourceMapError::OtherBuild { .. }), "{refused}");
}

#[test]
fn sections_that_cannot_be_read_are_counted() {
    let start = i64::try_from(image(&module(&[], &[])).code_section_start().get()).unwrap();
    let good = format!(r#"{{"sources":["a"],"mappings":"{}"}}"#, mappings(start, &[(6, Some([0, 0, 0]))]));
    let section = |line, map: &str| format!(r#"{{"offset":{{"line":{line},"column":0}},"map":{map}}}"#);
    let bad = [
        section(1, &good),
        section(0, r#"{"sections":[]}"#),
        section(0, r#"{"version":4}"#),
        section(0, r#"{"mappings":7}"#),
        section(0, "[]"),
        r#"{"offset":{"line":0,"column":0},"url":"https://example.org/map"}"#.to_owned(),
    ];
    let map = parse(&format!(r#"{{"sections":[{},{}]}}"#, bad.join(","), section(0, &good)));
    assert_eq!(map.faults(), SourceMapFaults { unread_sections: 6, ..NONE });
    assert_eq!(positions(&map, [6]), ["a:1:1"]);
    let many = vec![r#"{"offset":{"line":0,"column":0}}"#; (1 << 16) + 3].join(",");
    assert_eq!(parse(&format!(r#"{{"sections":[{many}]}}"#)).faults().unread_sections, (1 << 16) + 3);
}

#[test]
fn what_is_no_map_is_refused() {
    let plain = image(&module(&[], &[]));
    let deep = format!(r#"{{"sources":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for json in [
        "",
        "null",
        "[]",
        "7",
        "{",
        r#"{"mappings":7}"#,
        r#"{"sources":["a",7]}"#,
        r#"{"version":"3"}"#,
        r#"{"sections":{}}"#,
        r#"{"sections":[{"map":{}}]}"#,
        r#"{"sections":[{"offset":{"line":-1,"column":0}}]}"#,
        r#"{"mappings":"","mappings":""}"#,
        ")]}'",
        &deep,
    ] {
        let refused = SourceMap::parse(json.as_bytes(), &plain);
        assert!(matches!(refused, Err(SourceMapError::Malformed { .. })), "{json:.80}: {refused:?}");
    }
    assert!(SourceMap::parse(b"{\"sources\":[\"\xff\"]}", &plain).is_err());
}

#[test]
fn lists_longer_than_any_real_one_are_cut() {
    // Mappings of two bytes each, all of one instruction.
    let start = i64::try_from(image(&module(&[], &[])).code_section_start().get()).unwrap();
    let first = mappings(start, &[(5, Some([0, 0, 0]))]);
    let map = parse(&format!(r#"{{"sources":["a"],"mappings":"{first}{}"}}"#, "A,".repeat((8 << 20) + 2)));
    assert_eq!(map.faults(), SourceMapFaults { too_many: 3, ..NONE });
    assert_eq!(map.position_at(CodeOffset::new(5)), None);

    let sources = vec!["\"\""; (1 << 18) + 1].join(",");
    let at = mappings(start, &[(5, Some([(1 << 18) - 1, 0, 0])), (6, Some([1 << 18, 0, 0]))]);
    let map = parse(&format!(r#"{{"sources":[{sources}],"mappings":"{at}"}}"#));
    assert_eq!(map.faults(), SourceMapFaults { unknown_source: 1, ..NONE });
    assert_eq!(positions(&map, [5, 6]), [":1:1", "-"]);
}

#[test]
fn the_user_is_told_what_was_left_out() {
    let plain = image(&module(&[], &[]));
    let at = |offset: i64| (offset, Some([0, 0, 0]));
    let lies = map(&plain, &[at(5), at(-1), at(END.into()), at(4), (6, Some([9, 0, 0]))]);
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image(&module_naming(&inline(&lies))));
    let told: Vec<_> = symbolizer.add_source_maps(&DebugFiles::default()).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "of 5 mappings of the source map \"in the module itself\" of the module some are left out: 2 mappings lie outside \
          the code, 1 mapping is out of order, 1 mapping is to a source that is not listed"
        ]
    );
    // Once is enough.
    assert_eq!(symbolizer.add_source_maps(&DebugFiles::default()), []);
}
