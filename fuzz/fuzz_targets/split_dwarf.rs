//! Resolves places of a module that is split. The first byte says what the rest is: a `.dwp` or a `.dwo` of a guest, whose ids
//! it must have or is forced to; or the sections of a small module that holds both itself, each but the last with a length
//! of two bytes before it.

#![no_main]

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wasm_encoder::{CodeSection, CustomSection, Function, FunctionSection, Instruction, Module, TypeSection};
use wasmscope_model::{CodeLocation, CodeOffset, SymbolSource};
use wasmscope_symbolizer::{DebugFiles, ModuleImage, Symbolizer};

const SECTIONS: [&str; 14] = [
    ".debug_info",
    ".debug_abbrev",
    ".debug_line",
    ".debug_ranges",
    ".debug_rnglists",
    ".debug_addr",
    ".debug_str_offsets",
    ".debug_line_str",
    ".debug_str",
    ".debug_info.dwo",
    ".debug_abbrev.dwo",
    ".debug_str_offsets.dwo",
    ".debug_rnglists.dwo",
    ".debug_str.dwo",
];

/// Skeletons of DWARF 4 and 5.
const GUESTS: [&[u8]; 2] = [
    include_bytes!("../../testkit/guests/split-dwarf/4/split.wasm"),
    include_bytes!("../../testkit/guests/split-dwarf/5/split.wasm"),
];

/// Files of this process alone.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("wasmscope-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written to");
    folder
});

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let (image, files) = match kind % 3 {
        0 => (ModuleImage::parse(with_sections(rest).into()), DebugFiles::default()),
        ending => {
            let path = FOLDER.join(if ending == 1 { "split.dwp" } else { "split.dwo" });
            std::fs::write(&path, rest).expect("the file can be written");
            let guest = GUESTS[usize::from(kind / 3 % 2)];
            (ModuleImage::parse(guest.into()), DebugFiles::new(vec![path]).forced(kind / 6 % 2 == 1))
        }
    };
    let image = image.expect("the module is sound");
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());
    for problem in symbolizer.add_split_units(&files) {
        assert!(!problem.to_string().is_empty());
    }
    for (function_index, body) in image.bodies() {
        for offset in body.step_by(7) {
            let offset = Some(CodeOffset::new(offset));
            let place = CodeLocation { module: image.identity(), function_index, offset, approximate: false };
            let resolved = symbolizer.resolve(&place);
            assert!(!resolved.frames.is_empty());
            assert!(resolved.frames.iter().all(|frame| !frame.name.is_empty()));
            assert_eq!(symbolizer.resolve(&place), resolved);
        }
    }
});

/// Makes a module of four functions with 100 bytes of code each, and with the sections.
fn with_sections(bytes: &[u8]) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut declared, mut code) = (FunctionSection::new(), CodeSection::new());
    for _ in 0..4 {
        declared.function(0);
        let mut body = Function::new([]);
        for _ in 0..98 {
            body.instruction(&Instruction::Nop);
        }
        code.function(body.instruction(&Instruction::End));
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    let mut rest = bytes;
    for name in SECTIONS {
        let Some((length, behind)) = rest.split_first_chunk::<2>() else {
            break;
        };
        let (data, behind) = behind.split_at(behind.len().min(usize::from(u16::from_le_bytes(*length))));
        module.section(&CustomSection { name: Cow::Borrowed(name), data: Cow::Borrowed(data) });
        rest = behind;
    }
    module.finish()
}
