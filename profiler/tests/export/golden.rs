//! The outputs of the hand-made recording, compared with files beside this one. `BLESS=1` rewrites them.

use std::path::Path;

use wasmscope_model::{Event, Recording};
use wasmscope_profiler::export::{
    ExportError, FlameLayout, TableLayout, write_firefox, write_flame_graph, write_folded, write_perfetto, write_pprof,
    write_speedscope, write_svg, write_table,
};
use wasmscope_profiler::import::read_pprof;

use super::handmade;

fn assert_golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected != actual {
        panic!("{} differs; BLESS=1 rewrites it\n{}", path.display(), difference(&expected, actual));
    }
}

/// Shows the lines from the first that differs to the last.
fn difference(expected: &str, actual: &str) -> String {
    let (expected, actual): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let same = expected.iter().zip(&actual).take_while(|(a, b)| a == b).count();
    let rest = (&expected[same..], &actual[same..]);
    let tail = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(a, b)| a == b).count();
    let show = |sign: &str, lines: &[&str]| {
        lines[..lines.len() - tail].iter().map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    format!("from line {}:\n{}{}", same + 1, show("-", rest.0), show("+", rest.1))
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_table_of_the_handmade_recording() {
    let recording = handmade::recording();
    assert_golden(
        "handmade.table",
        &text(|out| {
            write_table(&recording, &[Event::Cpu], TableLayout { rows: 5, ..TableLayout::default() }, out).unwrap()
        }),
    );
}

#[test]
fn the_folded_stacks_of_the_handmade_recording() {
    let recording = handmade::recording();
    assert_golden("handmade.folded", &text(|out| write_folded(&recording, Event::Cpu, out).unwrap()));
}

#[test]
fn the_flame_graph_of_the_handmade_recording() {
    let recording = handmade::recording();
    let svg = text(|out| write_svg(&recording, Event::Cpu, "guest.wasm", out).unwrap());
    assert_golden("handmade.svg", &svg);
    assert_eq!(svg.matches(r".replace(/\n[^]*$|").count(), 2, "inferno's script draws the first line of a title");
    assert!(svg.contains("<title>rotate\nsrc/bits.h:7 (70 samples, 70.00%)</title>"));
}

#[test]
fn frames_of_neither_the_guest_nor_the_host_are_grey() {
    let recording = handmade::recording();
    let svg = text(|out| write_svg(&recording, Event::Cpu, "guest.wasm", out).unwrap());
    let is_grey = |name: &str| {
        let frame = svg.split("<title>").find(|frame| frame.starts_with(name)).unwrap();
        frame.split("</g>").next().unwrap().contains(r#"fill="rgb(190,190,190)""#)
    };
    let names = ["[truncated]", "[wasm trampoline]", "wasi_snapshot_preview1.fd_write", "rotate"];
    assert_eq!(names.map(is_grey), [true, true, false, false]);
}

#[test]
fn the_other_layouts_stand_as_they_say() {
    let recording = handmade::recording();
    let drawn = |layout| {
        let svg = text(|out| write_flame_graph(&recording, Event::Cpu, layout, "guest.wasm", out).unwrap());
        let y = |name: &str| -> u64 {
            let frame = svg.split("<title>").find(|frame| frame.starts_with(name)).unwrap();
            frame.split(" y=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
        };
        (y("all ("), y("main\n"), y("rotate\n"))
    };
    let (all, main, rotate) = drawn(FlameLayout::Flame);
    assert!(all > main && main > rotate, "callers are below: {all} {main} {rotate}");
    let (all, main, rotate) = drawn(FlameLayout::Icicle);
    assert!(all < main && main < rotate, "callers are above: {all} {main} {rotate}");
    let (all, main, rotate) = drawn(FlameLayout::Reversed);
    assert!(all > rotate && rotate > main, "callers are on top of what they call: {all} {main} {rotate}");
}

/// Indents JSON, so that a difference is a line; its own order is of keys' names.
fn indented(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    format!("{value:#}\n")
}

#[test]
fn the_firefox_profile_of_the_handmade_recording() {
    let recording = handmade::recording();
    let written = || text(|out| write_firefox(&recording, Event::Cpu, "guest.wasm", out).unwrap());
    assert_golden("handmade.firefox.json", &indented(&written()));
    assert_eq!(written(), written(), "the same recording gives the same bytes");
}

#[test]
fn the_speedscope_file_of_the_handmade_recording() {
    let recording = handmade::recording();
    let written = || text(|out| write_speedscope(&recording, Event::Cpu, "guest.wasm", out).unwrap());
    assert_golden("handmade.speedscope.json", &indented(&written()));
    assert_eq!(written(), written(), "the same recording gives the same bytes");
}

#[test]
fn the_trace_of_the_handmade_recording() {
    let recording = handmade::recording();
    let written = || text(|out| write_perfetto(&recording, Event::Cpu, "guest.wasm", out).unwrap());
    assert_golden("handmade.perfetto.json", &written());
    assert_eq!(written(), written(), "the same recording gives the same bytes");
}

#[test]
fn the_pprof_message_of_the_handmade_recording() {
    let recording = handmade::recording();
    let mut file = Vec::new();
    write_pprof(&recording, &mut file).unwrap();
    let profile = super::round_trip::decoded_by_crate_pprof(&file);
    assert_golden("handmade.pprof.txt", &format!("{profile:#?}\n"));
}

#[test]
fn an_empty_recording_says_so_and_still_makes_a_profile() {
    let recording: Recording = handmade::Builder::default().finish();
    assert_golden(
        "empty.table",
        &text(|out| {
            write_table(&recording, &[Event::Cpu], TableLayout { rows: 5, ..TableLayout::default() }, out).unwrap()
        }),
    );
    assert_eq!(text(|out| write_folded(&recording, Event::Cpu, out).unwrap()), "");
    let mut out = Vec::new();
    let empty = |written: Result<(), ExportError>| matches!(written, Err(ExportError::Empty));
    assert!(empty(write_svg(&recording, Event::Cpu, "t", &mut out)));
    assert!(empty(write_firefox(&recording, Event::Cpu, "t", &mut out)));
    assert!(empty(write_speedscope(&recording, Event::Cpu, "t", &mut out)));
    assert!(empty(write_perfetto(&recording, Event::Cpu, "t", &mut out)));
    assert!(out.is_empty());
    write_pprof(&recording, &mut out).unwrap();
    assert_eq!(read_pprof(&out).unwrap().total_count(Event::Cpu), 0);
}
