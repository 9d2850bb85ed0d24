//! The crate `addr2line`, an independent reader on the same `gimli`, gives the same inline chains and lines. It needs no
//! tool to be installed, so this comparison runs everywhere; the one with llvm-symbolizer goes further.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::HashMap;
use std::path::Path;

use addr2line::Context;
use addr2line::gimli::{self, EndianSlice, LittleEndian};
use wasmparser::{Parser, Payload};
use wasmscope_model::{CodeLocation, CodeOffset, SymbolSource};
use wasmscope_symbolizer::{ModuleImage, Symbolizer};

/// A frame: the function as the module has it, and the line.
type Frame = (String, u32);

const MODULES: [&str; 3] =
    ["examples/guests/split.wasm", "examples/guests/orders.wasm", "testkit/guests/c-dwarf5.wasm"];
/// Every so many bytes of code, one offset is compared.
const STEP: usize = 13;

fn theirs(context: &Context<EndianSlice<'_, LittleEndian>>, offset: u32) -> Vec<Frame> {
    let mut frames = context.find_frames(u64::from(offset)).skip_all_loads().unwrap();
    let mut chain = Vec::new();
    while let Some(frame) = frames.next().unwrap() {
        let name = frame.function.map(|function| function.raw_name().unwrap().into_owned());
        let line = frame.location.and_then(|location| location.line).unwrap_or(0);
        chain.push((name.unwrap_or_default(), line));
    }
    chain
}

fn ours(symbolizer: &mut Symbolizer, image: &ModuleImage, function_index: u32, offset: u32) -> Vec<Frame> {
    let (module, offset) = (image.identity(), Some(CodeOffset::new(offset)));
    let resolved = symbolizer.resolve(&CodeLocation { module, function_index, offset, approximate: false });
    resolved.frames.into_iter().map(|frame| (frame.system_name, frame.line)).collect()
}

#[test]
fn inline_chains_and_lines_agree_with_addr2line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for name in MODULES {
        let bytes = std::fs::read(root.join(name)).unwrap();
        let mut sections = HashMap::new();
        for payload in Parser::new(0).parse_all(&bytes) {
            if let Payload::CustomSection(section) = payload.unwrap() {
                sections.insert(section.name().to_owned(), section.data());
            }
        }
        let section = |id: gimli::SectionId| {
            Ok::<_, gimli::Error>(EndianSlice::new(sections.get(id.name()).copied().unwrap_or_default(), LittleEndian))
        };
        let context = Context::from_dwarf(gimli::Dwarf::load(section).unwrap()).unwrap();
        let image = ModuleImage::parse(bytes.clone().into()).unwrap();
        let mut symbolizer = Symbolizer::new();
        symbolizer.add_module(image.clone());

        // The declarations of locals have our answers for the first instruction.
        let offsets = image.bodies().flat_map(|(function, body)| {
            let instructions = image.first_instruction(function).unwrap()..body.end;
            instructions.map(move |offset| (function, offset))
        });
        let (mut compared, mut agreed) = (0, 0);
        for (function, offset) in offsets.step_by(STEP) {
            let theirs = theirs(&context, offset);
            // Code that DWARF does not describe has no chain to compare; ours then names the function by other means.
            if theirs.iter().any(|(name, _)| name.is_empty()) || theirs.is_empty() {
                continue;
            }
            compared += 1;
            agreed += usize::from(ours(&mut symbolizer, &image, function, offset) == theirs);
        }
        assert!(compared > 500, "{name}: only {compared} offsets could be compared");
        // addr2line takes removed functions, which linkers leave at address zero, for living ones.
        assert!(agreed * 1000 >= compared * 999, "{name}: {agreed} of {compared} agree");
    }
}
