//! Every answer about a module's code is the one that LLVM's own symbolizer gives: functions, the chain of those
//! inlined, files, lines, columns, and where functions are declared.
//!
//! One difference is tolerated, see [`is_named_by_its_export_alone`]; no other was found once ours had been repaired,
//! in any module of any compiler. Removed code (tombstones) cannot be asked for, as all offsets lie inside bodies.
//!
//! The checked-in modules are always compared, larger ones when `WASMSCOPE_GUESTS` names the folder that
//! `testkit/guests/fetch.sh` filled.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod reference;

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

/// Modules that `fetch.sh` brings; each may be missing. Its Python is not among them: a tool that packed it set every
/// address of its DWARF to zero, and there is nothing to compare.
const FETCHED: [&str; 4] = ["flite.wasm", "sqlite.wasm", "orders-full.wasm", "cpp-zig-full.wasm"];

#[test]
fn all_frames_of_random_offsets_agree_with_llvm_symbolizer() {
    if !reference::is_installed() {
        println!("SKIPPED all_frames_of_random_offsets_agree_with_llvm_symbolizer: {PROGRAM} is not installed");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for module in CHECKED_IN {
        compare(&root.join(module));
    }
    let Some(folder) = std::env::var_os("WASMSCOPE_GUESTS").map(PathBuf::from) else {
        println!("SKIPPED the fetched modules: WASMSCOPE_GUESTS is not set");
        return;
    };
    for module in FETCHED {
        match folder.join(module) {
            path if path.exists() => compare(&path),
            path => println!("SKIPPED {}: no such file", path.display()),
        }
    }
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

    let (mut with_line, mut with_inlined, mut export_names, mut differing) = (0, 0, 0, Vec::new());
    for (offset, theirs) in offsets.iter().zip(&theirs) {
        let ours = frames_at(&mut symbolizer, &image, *offset);
        with_line += usize::from(ours.iter().any(|frame| frame.line != 0));
        with_inlined += usize::from(ours.len() > 1);
        if ours == *theirs {
            continue;
        }
        if is_named_by_its_export_alone(&image, *offset, &ours, theirs) {
            export_names += 1;
        } else {
            differing.push(format!("{offset:#x}: ours {ours:#?}, theirs {theirs:#?}"));
        }
    }
    let name = path.file_name().unwrap().display();
    println!(
        "{name}: {OFFSETS} compared, {with_line} with a line, {with_inlined} inlined, {} differ, {export_names} more \
         only in the use of an export's name",
        differing.len()
    );
    assert!(differing.is_empty(), "{name}: {} differ, first {}", differing.len(), differing[0]);
    assert!(with_line > OFFSETS / 2 && with_inlined > OFFSETS / 50, "{name}: the comparison is hollow");
}

/// Tells whether two answers differ only so: DWARF does not know the function, ours says its export name, and
/// llvm-symbolizer does so in some modules and not in others.
fn is_named_by_its_export_alone(image: &ModuleImage, offset: u32, ours: &[Frame], theirs: &[Frame]) -> bool {
    let export = image.function_at(CodeOffset::new(offset)).and_then(|function| image.export_of(function));
    let nothing = Frame::default();
    let named = Frame { function: export.unwrap_or_default().to_owned(), ..Frame::default() };
    ours == [named] && theirs == [nothing]
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

/// Draws offsets inside function bodies, each byte of code as likely as another; the same on every run.
fn random_offsets(image: &ModuleImage, count: usize) -> Vec<u32> {
    let code: Vec<u32> = image.bodies().flat_map(|(_, body)| body).collect();
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
