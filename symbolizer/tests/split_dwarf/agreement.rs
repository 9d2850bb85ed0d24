//! The same names, lines and inlined calls, wherever the split units lie.

use std::path::{Path, PathBuf};

use object::write::{Object, StandardSegment};
use object::{Architecture, BinaryFormat, Endianness, SectionKind};
use wasmscope_model::{LineOrigin, NameOrigin};
use wasmscope_symbolizer::{DebugFiles, Inspection, SplitWanted};

use super::{Folder, guest, image, resolved, whole};

const VERSIONS: [u16; 2] = [4, 5];

/// Lays the split module of a version in a folder, alone.
fn deployed(version: u16) -> (Folder, PathBuf) {
    let folder = Folder::new();
    let module = folder.copy(&guest(version).join("split.wasm"), "app/split.wasm");
    (folder, module)
}

fn assert_same(version: u16, module: &Path, files: &DebugFiles) {
    let (places, problems) = resolved(module, files);
    assert_eq!(problems, [""; 0]);
    assert_eq!(places, whole(version), "DWARF {version}");
}

#[test]
fn the_guest_without_splitting_has_names_lines_and_inlined_calls() {
    for version in VERSIONS {
        let chains: Vec<_> = whole(version)
            .into_iter()
            .filter(|resolved| resolved.name == NameOrigin::Dwarf && resolved.line == LineOrigin::Exact)
            .map(|resolved| {
                let frame = |frame: &wasmscope_model::ResolvedFrame| {
                    format!("{} {}:{}", frame.name, frame.file.rsplit('/').next().unwrap(), frame.line)
                };
                resolved.frames.iter().map(frame).collect::<Vec<_>>().join(" < ")
            })
            .collect();
        for expected in [
            "Ring<int, 8>::push(int) ring.h:5 < mixing::keep(int) ring.cc:12 < mixing::mix(int, int) ring.cc:16",
            "mixing::turn(int) ring.cc:7 < mixing::keep(int) ring.cc:12 < mixing::mix(int, int) ring.cc:16",
            "Ring<long long, 4>::sum() const ring.h:10 < run main.cc:17",
        ] {
            assert!(chains.iter().any(|chain| chain == expected), "{expected} in {chains:#?}");
        }
    }
}

#[test]
fn without_its_files_a_split_module_has_lines_and_no_inlined_calls() {
    for version in VERSIONS {
        let (_folder, module) = deployed(version);
        let (places, problems) = resolved(&module, &DebugFiles::default());
        assert_eq!(
            problems,
            [
                "2 of 2 units of split.wasm are split, and their files were not found: the first is \"obj/main.dwo\"; keep a package beside the module (llvm-dwp -e MODULE -o MODULE.dwp, where it was built), or name the folder \
              of the files with --symbols"
            ]
        );
        assert!(places.iter().all(|place| place.frames.len() == 1 && place.name == NameOrigin::NameSection));
        let lines =
            |places: &[wasmscope_model::Resolved]| places.iter().map(|place| place.frames[0].line).collect::<Vec<_>>();
        assert_eq!(lines(&places), lines(&whole(version)));
    }
}

#[test]
fn objects_are_found_by_their_path_beside_the_module() {
    for version in VERSIONS {
        for places in [["obj/main.dwo", "obj/ring.dwo"], ["main.dwo", "ring.dwo"]] {
            let (folder, module) = deployed(version);
            for (name, place) in ["main.dwo", "ring.dwo"].iter().zip(places) {
                folder.copy(&guest(version).join("obj").join(name), &format!("app/{place}"));
            }
            assert_same(version, &module, &DebugFiles::default().beside_module(&module));
            assert_same(version, &module, &DebugFiles::default().beside(&folder.path().join("app")));
        }
    }
}

#[test]
fn objects_are_found_by_their_ids_in_a_folder_of_symbols() {
    for version in VERSIONS {
        let (folder, module) = deployed(version);
        for (name, place) in [("main.dwo", "deep/down/renamed.dwo"), ("ring.dwo", "elsewhere/ring.dwo")] {
            folder.copy(&guest(version).join("obj").join(name), &format!("symbols/{place}"));
        }
        folder.write("symbols/broken.dwo", b"\0asm");
        folder.write("symbols/aaa/ring.dwo.txt", b"text");
        let files = DebugFiles::new(vec![folder.path().join("symbols")]);
        assert_same(version, &module, &files.clone().beside_module(&module));
        assert_same(version, &module, &files);
    }
}

#[test]
fn a_package_is_found_by_the_name_of_its_module_or_by_its_ids() {
    for version in VERSIONS {
        let package = guest(version).join("split.wasm.dwp");
        for place in ["app/split.wasm.dwp", "app/split.dwp", "symbols/split.wasm.dwp", "symbols/x/all.dwp"] {
            let (folder, module) = deployed(version);
            let package = folder.copy(&package, place);
            let files = match place.starts_with("symbols") {
                true => DebugFiles::new(vec![folder.path().join("symbols")]),
                false => DebugFiles::default(),
            };
            assert_same(version, &module, &files.beside_module(&module));
            assert_same(version, &module, &DebugFiles::new(vec![package]));
        }
    }
}

#[test]
fn units_come_from_several_places_at_once() {
    for version in VERSIONS {
        let (folder, module) = deployed(version);
        let main = folder.copy(&guest(version).join("obj/main.dwo"), "x/main.dwo");
        folder.copy(&guest(version).join("split.wasm.dwp"), "app/split.dwp");
        let files = DebugFiles::new(vec![main.clone()]).beside_module(&module);
        assert_same(version, &module, &files);
        let found = files.search_split(&[SplitWanted::of(&image(&module), None)]).found;
        let paths: Vec<_> = found[0].units.files().map(|path| path.canonicalize().unwrap()).collect();
        assert_eq!(paths, [main, folder.path().join("app/split.dwp")].map(|path| path.canonicalize().unwrap()));
        assert_eq!(found[0].units.len(), 2);
    }
}

#[test]
fn packages_and_objects_may_be_elf() {
    for version in VERSIONS {
        let (folder, module) = deployed(version);
        let elf = |name: &str| elf_of(&image(&guest(version).join(name)).bytes().clone());
        let package = folder.write("app/split.wasm.dwp", &elf("split.wasm.dwp"));
        assert_same(version, &module, &DebugFiles::default().beside_module(&module));
        assert_same(version, &module, &DebugFiles::new(vec![package]));
        for name in ["main.dwo", "ring.dwo"] {
            folder.write(&format!("symbols/{name}"), &elf(&format!("obj/{name}")));
        }
        assert_same(version, &module, &DebugFiles::new(vec![folder.path().join("symbols")]));
    }
}

/// Makes an ELF file with the custom sections of a WebAssembly file.
pub(super) fn elf_of(wasm: &[u8]) -> Vec<u8> {
    let mut file = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    for payload in wasmparser::Parser::new(0).parse_all(wasm) {
        if let wasmparser::Payload::CustomSection(section) = payload.unwrap() {
            let segment = file.segment_name(StandardSegment::Debug).to_vec();
            let id = file.add_section(segment, section.name().as_bytes().to_vec(), SectionKind::Debug);
            file.append_section_data(id, section.data(), 1);
        }
    }
    file.write().unwrap()
}

#[test]
fn units_in_objects_and_in_modules_of_them_are_found() {
    for version in VERSIONS {
        // The linker has kept the strings as they were: nothing besides is needed.
        let unmerged = guest(version).join("unmerged.wasm");
        assert_same(version, &unmerged, &DebugFiles::default());
        // Else the objects are.
        let folder = Folder::new();
        let single = folder.copy(&guest(version).join("single.wasm"), "single.wasm");
        for name in ["main.o", "ring.o"] {
            folder.copy(&guest(version).join("obj").join(name), &format!("obj/{name}"));
        }
        assert_same(version, &single, &DebugFiles::default().beside_module(&single));
        let named = ["main.o", "ring.o"].map(|name| folder.path().join("obj").join(name));
        assert_same(version, &single, &DebugFiles::new(named.to_vec()));
    }
}

#[test]
fn a_stripped_module_gets_the_split_units_of_its_twin() {
    for version in VERSIONS {
        let (folder, module) = deployed(version);
        folder.copy(&guest(version).join("split.wasm.dwp"), "app/split.wasm.dwp");
        let bytes = std::fs::read(&module).unwrap();
        let stripped = wasmscope_symbolizer::ModuleImage::parse(super::problems::stripped(&bytes).into()).unwrap();
        let mut symbolizer = wasmscope_symbolizer::Symbolizer::new();
        symbolizer.add_module(stripped.clone());
        let files = DebugFiles::new(vec![module.clone()]);
        let found = files.search(&symbolizer.wanted());
        assert_eq!(found.problems, []);
        found.found.into_iter().for_each(|file| symbolizer.add_debug_file(file));
        assert_eq!(symbolizer.add_split_units(&files), []);
        assert_eq!(super::all_places(&mut symbolizer, &stripped), whole(version));
    }
}

#[test]
fn inspections_count_what_was_found() {
    for version in VERSIONS {
        let module = guest(version).join("split.wasm");
        let alone = Inspection::of(&image(&module));
        let found =
            DebugFiles::default().beside_module(&module).search_split(&[SplitWanted::of(&image(&module), None)]);
        let split = Inspection::with_split_units(&image(&module), &found.found[0].units);
        let whole = Inspection::of(&image(&guest(version).join("whole.wasm")));
        assert_eq!(split.coverage, whole.coverage);
        assert!(alone.coverage.inlined.functions == 0 && whole.coverage.inlined.functions > 0);
        let facts = |inspection: &Inspection| {
            let dwarf = inspection.dwarf.clone().unwrap();
            (dwarf.split_units, dwarf.missing_split_units, dwarf.missing_split_names, dwarf.inlined_calls)
        };
        let names = vec!["obj/main.dwo".to_owned(), "obj/ring.dwo".to_owned()];
        assert_eq!(facts(&alone), (2, 2, names, 0));
        assert_eq!(facts(&split), (2, 0, vec![], whole.dwarf.clone().unwrap().inlined_calls));
        let (split, whole) = (split.dwarf.unwrap(), whole.dwarf.unwrap());
        assert_eq!((split.languages, split.producers), (whole.languages, whole.producers));
    }
}
