use super::super::mention::{LogFormat, Position, ShownFunction};
use super::*;

fn only(line: &str) -> Mention<'_> {
    let mut mentions = find_mentions(line.as_bytes());
    assert_eq!(mentions.len(), 1, "{line}");
    mentions.remove(0)
}

#[test]
fn frames_are_read_to_the_end_of_their_text() {
    let line = r#"{"a":"\n    0:   0x3ac - trap.wasm!f<T>::{{closure}}\n    1: x"}"#;
    let mention = only(line);
    assert_eq!(&line[mention.range.clone()], "0x3ac - trap.wasm!f<T>::{{closure}}");
    assert_eq!(mention.module, Some(&b"trap.wasm"[..]));
    assert_eq!(mention.function, ShownFunction::Name(b"f<T>::{{closure}}"));
    assert_eq!(mention.position, Some(Position::InFile(0x3ac)));
    assert_eq!(mention.escape_levels, 1);
    // A terminal's colours, and the blanks before them, are no part of a name.
    let line = "2: 0x10 - <unknown>!main \u{1b}[0m";
    assert_eq!(&line[only(line).range], "0x10 - <unknown>!main");
}

#[test]
fn insertions_go_behind_the_parenthesis_that_closes_the_place() {
    let line = "at f (wasm://wasm/0123abcd:wasm-function[7]:0x20), then";
    let mention = only(line);
    assert_eq!(&line[mention.range.clone()], "wasm://wasm/0123abcd:wasm-function[7]:0x20");
    assert_eq!(&line[..mention.insert_at], "at f (wasm://wasm/0123abcd:wasm-function[7]:0x20)");
    assert_eq!(mention.module, Some(&b"wasm://wasm/0123abcd"[..]));
    assert_eq!(mention.function, ShownFunction::Index(7));
}

#[test]
fn names_in_brackets_may_have_brackets() {
    let mention = only("<?>.wasm-function[<[T]>::sort::h01]@[wasm code]");
    assert_eq!(mention.function, ShownFunction::Name(b"<[T]>::sort::h01"));
    assert_eq!((mention.module, mention.position), (Some(&b"<?>"[..]), None));
}

#[test]
fn columns_are_one_more_than_offsets_and_lines_of_firefox_are_not() {
    assert_eq!(only("at f (wasm://wasm/0123abcd:1:941)").position, Some(Position::InFile(940)));
    assert_eq!(only("f https://host/a.wasm:940:1").position, Some(Position::InFile(940)));
    assert_eq!(find_mentions(b"at f (https://host/a.wasm:7:9)"), []);
    assert_eq!(find_mentions(b"a.wasm:1:9: error: expected a section"), []);
}

#[test]
fn addresses_behind_an_instruction_are_known_as_such() {
    let mention = only("#01: 0x0290 - $f8");
    assert_eq!((mention.format, mention.function), (LogFormat::Wamr, ShownFunction::Index(8)));
    assert_eq!(mention.position, Some(Position::BehindInFile(0x290)));
    assert_eq!(Position::BehindInFile(0x290).code_offset(0x200).map(|offset| offset.get()), Some(0x8f));
    assert_eq!(Position::BehindInFile(0).code_offset(0), None);
}

#[test]
fn several_places_of_a_line_are_found_in_order() {
    let line = b"wasm-function[1]:0x10 wasm-function[2]:0x20,wasm-function[3] .$4(i32) i32";
    let functions: Vec<_> = find_mentions(line).into_iter().map(|mention| mention.function).collect();
    assert_eq!(functions, [1, 2, 3, 4].map(ShownFunction::Index));
}

#[test]
fn unknown_offsets_leave_the_function() {
    let mention = only("  at <unnamed>(<module>[766]:0xffffffff)");
    assert_eq!((mention.function, mention.position), (ShownFunction::Index(766), None));
}

#[test]
fn a_place_does_not_reach_back_into_the_one_before() {
    for line in [
        "at trap.wasm:0x30 (https://host/trap.wasm?v=3:wasm-function[1]:0x30)",
        "at a.wasm:0x1b.wasm:0x2",
        "@a.wasm:1:2.wasm:3:1",
    ] {
        let mut last = 0;
        for mention in find_mentions(line.as_bytes()) {
            assert!(last <= mention.range.start, "{line}: {mention:?}");
            last = mention.insert_at;
        }
    }
}
