//! Maps of a compiler are read as the npm package source-map reads them: `build.sh` wrote down what it says.

use std::path::{Path, PathBuf};

use wasmscope_model::{ByteSize, CodeOffset, LineOrigin, NameOrigin};
use wasmscope_symbolizer::{DebugFiles, Inspection, Share, SourceMap, Symbolizer};

use crate::builder::image;
use crate::resolve;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/source_maps")
}

/// Reads a list of `begin-end position` for offsets in the file.
fn expected(name: &str) -> Vec<(u64, u64, String)> {
    let text = std::fs::read_to_string(tests().join(name)).unwrap();
    let line = |line: &str| {
        let (range, position) = line.split_once(' ').unwrap();
        let (begin, end) = range.split_once('-').unwrap();
        (begin.parse().unwrap(), end.parse().unwrap(), position.to_owned())
    };
    text.lines().map(line).collect()
}

/// Where the compiler has two mappings for one instruction: the first is of an expression that came to nothing, and Binaryen's own
/// reader (`wasm-dis --source-map`) shows the second, as ours does. The other reader takes the first.
const TWICE: [&str; 2] = ["words/~lib/staticarray.ts:26:25", "words/~lib/staticarray.ts:80:27"];

#[test]
fn every_byte_of_code_has_the_position_that_a_second_reader_gives_it() {
    for (module, expected_file, least) in
        [("words.wasm", "words.expected", 600), ("../../../testkit/guests/as.wasm", "as.expected", 140)]
    {
        let path = tests().join(module);
        let image = image(&std::fs::read(&path).unwrap());
        let found = DebugFiles::default().source_map(&image, path.parent()).unwrap().unwrap();
        assert_eq!(found.path.unwrap(), path.with_extension("wasm.map").canonicalize().unwrap());
        assert!(found.map.faults().is_empty(), "{}", found.map.faults());
        let expected = expected(expected_file);
        let start = image.code_section_start().get();
        let (mut compared, mut twice) = (0, Vec::new());
        for (_, body) in image.bodies() {
            // The other reader knows no functions: what it has before the first mapping of one is the last of another.
            let in_file = start + u64::from(body.start)..start + u64::from(body.end);
            let first = expected.iter().map(|(begin, ..)| *begin).find(|begin| in_file.contains(begin));
            let first = first.unwrap_or(in_file.end);
            for offset in body {
                let in_file = start + u64::from(offset);
                let theirs = expected.iter().find(|(begin, end, _)| (*begin..*end).contains(&in_file));
                let theirs = theirs.filter(|_| in_file >= first).map(|(_, _, position)| position.clone());
                let ours = found.map.position_at(CodeOffset::new(offset));
                let ours = ours.map(|at| format!("{}:{}:{}", at.file, at.line, at.column));
                assert_eq!(ours.is_some(), theirs.is_some(), "{module} at {in_file}");
                if ours != theirs {
                    twice.extend(theirs);
                    continue;
                }
                compared += usize::from(ours.is_some());
            }
        }
        twice.dedup();
        assert_eq!(twice, TWICE[..if module == "words.wasm" { 2 } else { 0 }]);
        assert!(compared >= least, "{module}: only {compared} bytes have a position");
    }
}

#[test]
fn coverage_of_a_compiled_module_is_what_lookups_find() {
    for (module, all, lines) in
        [("words.wasm", (930, 31), (649, 16)), ("../../../testkit/guests/as.wasm", (199, 7), (146, 7))]
    {
        let path = tests().join(module);
        let image = image(&std::fs::read(&path).unwrap());
        let files = DebugFiles::default().beside(path.parent().unwrap());
        let found = files.source_map(&image, None).unwrap().unwrap();
        let coverage = Inspection::with_source_map(&image, Some(&found.map)).coverage;
        let share = |(code, functions)| Share { code: ByteSize::new(code), functions };
        assert_eq!((coverage.all, coverage.lines), (share(all), share(lines)), "{module}");
        let mut symbolizer = Symbolizer::new();
        symbolizer.add_module(image.clone());
        assert_eq!(symbolizer.add_source_maps(&files), []);
        let offsets = image.bodies().flat_map(|(index, body)| body.map(move |offset| (index, offset)));
        let resolved = offsets.map(|(index, offset)| resolve(&mut symbolizer, &image, index, offset));
        let found = resolved.filter(|resolved| resolved.line == LineOrigin::Exact).count();
        assert_eq!(u64::try_from(found).unwrap(), coverage.lines.code.get(), "{module}");
    }
}

#[test]
fn functions_of_a_compiled_module_have_their_own_file_and_lines() {
    let image = image(&std::fs::read(tests().join("words.wasm")).unwrap());
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());
    assert_eq!(symbolizer.add_source_maps(&DebugFiles::new(vec![tests()])), []);
    for (name, file, lines) in [
        ("tally/Tally#add", "words/tally.ts", 6..=11),
        ("words/run~anonymous|0", "words/words.ts", 23..=23),
        ("words/run", "words/words.ts", 18..=27),
    ] {
        let (function, body) = image.bodies().find(|(index, _)| image.name_of(*index) == Some(name)).expect(name);
        for offset in body {
            let resolved = resolve(&mut symbolizer, &image, function, offset);
            assert_eq!(resolved.name, NameOrigin::NameSection);
            let frame = &resolved.frames[0];
            if resolved.line == LineOrigin::Exact && !frame.file.starts_with("words/~lib/") {
                assert_eq!((frame.name.as_str(), frame.file.as_str()), (name, file));
                assert!(lines.contains(&frame.line), "{name}: {}", frame.line);
            }
        }
    }
}

/// Emscripten makes its maps out of DWARF: `reactor.wasm.map` was made by its `wasm-sourcemap.py`, 3.1.6, from the reactor's.
#[test]
fn a_map_made_of_dwarf_has_the_lines_that_the_dwarf_has() {
    let image = image(&std::fs::read(tests().join("../../../testkit/guests/reactor.wasm")).unwrap());
    let map = SourceMap::parse(&std::fs::read(tests().join("reactor.wasm.map")).unwrap(), &image).unwrap();
    assert!(map.faults().is_empty(), "{}", map.faults());
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());
    let mut compared = 0;
    for (function, body) in image.bodies() {
        for offset in image.first_instruction(function).unwrap()..body.end {
            let by_dwarf = resolve(&mut symbolizer, &image, function, offset).frames.swap_remove(0);
            // Of code without a line the map says nothing, and the mapping before holds on.
            if by_dwarf.line > 0 {
                let by_map = map.position_at(CodeOffset::new(offset)).expect("the map covers what the DWARF does");
                let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
                assert_eq!((name(&by_map.file), by_map.line), (name(&by_dwarf.file), by_dwarf.line), "{offset}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 126);
}
