//! What is filled in is what LLVM's own symbolizer says.

use std::fmt::Write;

use wasmscope_symbolizer::{KnownModules, LogSymbolizer, ModuleImage};

use super::{copied, root};

#[path = "../llvm_symbolizer/reference.rs"]
mod reference;

/// Compares names and lines beneath a frame at each third byte of the code, as a log with offsets in the file has them.
#[test]
fn lines_beneath_frames_agree_with_llvm_symbolizer() {
    if !reference::is_installed() {
        use std::io::Write;
        writeln!(std::io::stderr(), "skipped: agreement ({} is not installed)", reference::PROGRAM).unwrap();
        return;
    }
    for name in ["testkit/guests/trap.wasm", "examples/guests/split.wasm"] {
        compare(&reference::without_names(&std::fs::read(root().join(name)).unwrap()), name);
    }
}

fn compare(module: &[u8], name: &str) {
    let image = ModuleImage::parse(module.into()).unwrap();
    let start = image.code_section_start().get();
    let instructions = |(index, body): (u32, std::ops::Range<u32>)| {
        (image.first_instruction(index).unwrap()..body.end).step_by(3).map(move |offset| (index, offset))
    };
    let places: Vec<(u32, u32)> = image.bodies().flat_map(instructions).collect();
    let mut log = String::new();
    for (index, offset) in &places {
        writeln!(log, "  0: {:#x} - <unknown>!<wasm function {index}>", u64::from(*offset) + start).unwrap();
    }
    let mut modules = KnownModules::new();
    modules.add_guest("module.wasm", &module.into()).unwrap();
    let found = String::from_utf8(copied(&mut LogSymbolizer::new(modules), log.as_bytes())).unwrap();
    let ours: Vec<String> = found.split("  0: 0x").skip(1).map(told).collect();

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("module.wasm");
    std::fs::write(&file, module).unwrap();
    let offsets: Vec<u32> = places.iter().map(|(_, offset)| *offset).collect();
    let theirs = reference::resolve(&file, &offsets, folder.path());
    assert_eq!(ours.len(), theirs.len());
    let mut with_line = 0;
    for (((index, offset), ours), theirs) in places.iter().zip(&ours).zip(&theirs) {
        // Without a line theirs may lack the name too.
        if theirs.iter().all(|frame| frame.line == 0) {
            assert!(!ours.contains(" at "), "{name} {offset:#x}: {ours}");
            continue;
        }
        with_line += 1;
        let place = |frame: &reference::Frame| match (frame.line, frame.column) {
            (0, _) => String::new(),
            (line, 0) => format!(" at {}:{line}", frame.file),
            (line, column) => format!(" at {}:{line}:{column}", frame.file),
        };
        let unnamed = format!("wasm-function[{index}]");
        let called = |frame: &reference::Frame| match frame.function.is_empty() {
            true => unnamed.clone(),
            // The name in the source is `main`, that of the symbol not.
            false if frame.function == "__main_argc_argv" => "main".to_owned(),
            false => frame.function.clone(),
        };
        let theirs: String = theirs.iter().map(|frame| format!("- {}{};", called(frame), place(frame))).collect();
        assert_eq!(*ours, theirs, "{name} {offset:#x}");
    }
    assert!(with_line > 500, "{name}: the comparison is hollow, {with_line} lines");
}

/// Joins what stands beneath a frame, in the words of the reference.
fn told(frame: &str) -> String {
    let mut told = String::new();
    for line in frame.lines().skip(1).map(str::trim) {
        match line.strip_prefix("- ") {
            Some(_) if told.is_empty() => told.push_str(line),
            Some(_) => write!(told, ";{line}").unwrap(),
            None => write!(told, " {line}").unwrap(),
        }
    }
    if told.is_empty() { told } else { told + ";" }
}
