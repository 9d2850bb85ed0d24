//! Every answer about a module's code is the one that LLVM's own symbolizer gives: functions, the chain of those
//! inlined, files, lines, columns, and where functions are declared.
//!
//! No difference is tolerated: none was left once ours had been repaired, in any module of any compiler. Removed code
//! (tombstones) cannot be asked for, as all offsets lie inside functions.
//!
//! The checked-in modules are always compared, larger ones when `WASMSCOPE_GUESTS` names the folder that
//! `testkit/guests/fetch.sh` filled.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod reference;

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use reference::{Frame, PROGRAM};
use wasmscope_model::{CodeLocation, CodeOffset, LineOrigin, NameOrigin, SymbolSource};
use wasmscope_symbolizer::{ModuleImage, Symbolizer};

/// How many offsets of each module are compared.
const OFFSETS: usize = 20_000;

/// Modules of four compilers and two versions of DWARF.
const CHECKED_IN: [&str; 5] = [
    "testkit/guests/cpp-clang.wasm",
    "testkit/guests/cpp-zig.wasm",
    "testkit/guests/c-dwarf5.wasm",
    "examples/guests/orders.wasm",
    "examples/guests/split.wasm",
];

/// Modules that `fetch.sh` brings; each may be missing. Its Python 3.12 is not among them: a tool that packed it set
/// every address of its DWARF to zero, and there is nothing to compare.
const FETCHED: [&str; 5] = ["flite.wasm", "sqlite.wasm", "python-3.11.wasm", "orders-full.wasm", "cpp-zig-full.wasm"];

#[test]
fn all_frames_of_random_offsets_agree_with_llvm_symbolizer() {
    if !reference::is_installed() {
        skip("all_frames_of_random_offsets_agree_with_llvm_symbolizer", &format!("{PROGRAM} is not installed"));
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for module in CHECKED_IN {
        compare(&root.join(module));
    }
    let Some(folder) = std::env::var_os("WASMSCOPE_GUESTS").map(PathBuf::from) else {
        skip("llvm-symbolizer on fetched modules", "WASMSCOPE_GUESTS is not set");
        return;
    };
    for module in FETCHED {
        match folder.join(module) {
            path if path.exists() => compare(&path),
            _ => skip(&format!("llvm-symbolizer on {module}"), "it was not fetched"),
        }
    }
}

/// Says that something was not tested, past the capture of output.
fn skip(what: &str, why: &str) {
    std::io::stderr().write_all(format!("skipped: {what} ({why})\n").as_bytes()).unwrap();
}

fn compare(path: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("module.wasm");
    let bytes = reference::without_names(&std::fs::read(path).unwrap());
    std::fs::write(&module, &bytes).unwrap();
    let image = ModuleImage::parse(bytes.into()).unwrap();
    let offsets = random_offsets(&image, OFFSETS);
    let theirs = reference::resolve(&module, &offsets, folder.path());
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());

    let (mut with_line, mut with_inlined, mut differing) = (0, 0, Vec::new());
    for (offset, theirs) in offsets.iter().zip(&theirs) {
        let ours = frames_at(&mut symbolizer, &image, *offset);
        with_line += usize::from(ours.iter().any(|frame| frame.line != 0));
        with_inlined += usize::from(ours.len() > 1);
        if ours != *theirs {
            differing.push(format!("{offset:#x}: ours {ours:#?}, theirs {theirs:#?}"));
        }
    }
    let name = path.file_name().unwrap().display();
    println!("{name}: {OFFSETS} compared, {with_line} with a line, {with_inlined} inlined, {} differ", differing.len());
    assert!(differing.is_empty(), "{name}: {} differ, first {}", differing.len(), differing[0]);
    assert!(with_line > OFFSETS / 2 && with_inlined > OFFSETS / 50, "{name}: the comparison is hollow");
}

/// Resolves an offset, in the words of the reference.
fn frames_at(symbolizer: &mut Symbolizer, image: &ModuleImage, offset: u32) -> Vec<Frame> {
    let offset = CodeOffset::new(offset);
    let function_index = image.function_at(offset).unwrap();
    let place = CodeLocation { module: image.identity(), function_index, offset: Some(offset), approximate: false };
    let resolved = symbolizer.resolve(&place);
    let has_line = resolved.frames.iter().any(|frame| frame.line != 0);
    assert_eq!(has_line, resolved.line == LineOrigin::Exact, "{offset}");
    let mut frames: Vec<Frame> = resolved.frames.into_iter().map(Frame::from).collect();
    if let (NameOrigin::Unnamed(_), Some(outermost)) = (resolved.name, frames.last_mut()) {
        outermost.function.clear();
    }
    frames
}

/// Draws offsets of instructions, each byte as likely as another; the same on every run. The declarations of locals before
/// them have our answers for the first instruction, and often none of LLVM's.
fn random_offsets(image: &ModuleImage, count: usize) -> Vec<u32> {
    let instructions = |(index, body): (u32, Range<u32>)| image.first_instruction(index).unwrap()..body.end;
    let code: Vec<u32> = image.bodies().flat_map(instructions).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        // Xorshift.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        code[(state % code.len() as u64) as usize]
    };
    (0..count).map(|_| draw()).collect()
}
