//! What is told of a guest that trapped.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use wasmscope::{Guest, GuestEnd, GuestRun, TrapReport};
use wasmscope_symbolizer::ModuleImage;

/// Runs a module without debug information to its trap.
fn trapped(text: &str, sampling: bool) -> (TrapReport, ModuleImage) {
    let bytes = wat::parse_str(text).unwrap();
    let guest = Guest::from_bytes("guest.wasm", &bytes).unwrap();
    let mut run = GuestRun::default();
    let session = run.session(sampling).unwrap().user_cache(false).build().unwrap();
    let end = run.prepare(&session, &guest).unwrap().run().unwrap();
    let GuestEnd::Trapped(report) = end else { panic!("{end:?}") };
    (report, guest.image().unwrap().clone())
}

#[test]
fn a_place_without_a_line_is_told_by_both_of_its_offsets() {
    let text = r#"(module (func $inner unreachable) (func (export "_start") (call $inner)))"#;
    for sampling in [false, true] {
        let (report, image) = trapped(text, sampling);
        let start = image.code_section_start().get();
        // The section: how many bodies, the length of the first and its count of locals, then the instruction.
        assert_eq!(report.frames[0].place, format!("code offset 0x3, file offset {:#x}", start + 3));
        assert_eq!((report.frames[0].function.as_str(), report.frames.len()), ("inner", 2));
        assert!(report.to_string().contains(&format!("0: inner at {}\n", report.frames[0].place)), "{report}");
    }
}

#[test]
fn the_stack_of_an_endless_recursion_has_its_outermost_frames_and_counts_the_rest() {
    let text = r#"(module
        (func $ping (call $pong) (call $pong))
        (func $pong (call $ping) (call $ping))
        (func $first (call $ping) (call $ping))
        (func (export "_start") (call $first) (call $first)))"#;
    for sampling in [false, true] {
        let (report, _) = trapped(text, sampling);
        let (text, frames) = (report.to_string(), report.frames.len());
        assert!(report.cut.is_none() && frames > 1000, "{frames} frames");
        let outermost: Vec<&str> = report.frames[frames - 3..].iter().map(|frame| frame.function.as_str()).collect();
        assert_eq!(outermost, ["ping", "first", "_start"]);
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(" at code offset ")).collect();
        assert!(lines[lines.len() - 1].starts_with(&format!("{:>5}: _start at", frames - 1)), "{text}");
        let hidden = format!("       … {} more frames", frames - 36);
        assert!(text.lines().any(|line| line == hidden), "{hidden}: {text}");
    }
}

#[test]
fn a_stack_that_is_cut_says_so() {
    let text = r#"(module (func $again (call $again)) (func (export "_start") (call $again)))"#;
    let guest = Guest::from_bytes("guest.wat", text.as_bytes()).unwrap();
    let mut run = GuestRun::default();
    run.wasmtime.debug.max_backtrace = Some(7);
    let session = run.session(false).unwrap().user_cache(false).build().unwrap();
    let end = run.prepare(&session, &guest).unwrap().run().unwrap();
    let GuestEnd::Trapped(report) = end else { panic!("{end:?}") };
    assert_eq!((report.frames.len(), report.cut), (7, Some(7)));
    assert!(report.to_string().contains("… wasmtime gives no more than 7 frames"), "{report}");
}

#[test]
fn text_is_not_to_be_built_with_debug_information() {
    // A module given byte by byte has no lines of its own.
    let bytes = wat::parse_str(r#"(module (func (export "_start") unreachable))"#).unwrap();
    let listed: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!(r#"(module binary "{listed}")"#);
    for (name, advised) in [("guest.wat", false), ("guest.wasm", true)] {
        let guest = Guest::from_bytes(name, text.as_bytes()).unwrap();
        let mut run = GuestRun::default();
        let session = run.session(true).unwrap().user_cache(false).build().unwrap();
        let GuestEnd::Trapped(report) = run.prepare(&session, &guest).unwrap().run().unwrap() else { panic!("{name}") };
        let report = report.to_string();
        assert!(report.contains("frames without a line have no debug information"), "{report}");
        assert_eq!(report.contains("build the guest with -g"), advised, "{report}");
    }
}
