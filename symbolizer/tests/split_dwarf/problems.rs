//! What is missing, cut, or of another build.

use std::fs;
use std::path::Path;

use wasm_encoder::{Module, RawSection};
use wasmparser::{Parser, Payload};
use wasmscope_model::{LineOrigin, NameOrigin};
use wasmscope_symbolizer::{DebugFiles, NotFound, SplitWanted};

use super::{Folder, guest, guests, image, resolved, whole};

/// Copies a module without its custom sections.
pub(super) fn stripped(bytes: &[u8]) -> Vec<u8> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.unwrap();
        if let Some((id, range)) = payload.as_section()
            && !matches!(payload, Payload::CustomSection(_))
        {
            module.section(&RawSection { id, data: &bytes[range.start as usize..range.end as usize] });
        }
    }
    module.finish()
}

const OTHER_MAIN: &str = "is of another build: the id of \"obj/main.dwo\" in it is 8cc5ed5b4365a704, and split.wasm has \
                          8df34b5ec6f684d4; --force-symbols takes a file that it is given all the same";

const MISSING: &str = "2 of 2 units of split.wasm are split, and their files were not found: the first is \"obj/main.dwo\"; \
                       keep a package beside the module (llvm-dwp -e MODULE -o MODULE.dwp, where it was built), or name the \
                       folder of the files with --symbols";

#[test]
fn units_of_another_build_are_refused_with_both_ids() {
    let module = guest(5).join("split.wasm");
    let bare = resolved(&module, &DebugFiles::default()).0;
    let other_package = guests().join("other/split.wasm.dwp");
    let folder = Folder::new();
    let beside = folder.copy(&other_package, "split.wasm.dwp");
    let module_beside = folder.copy(&module, "split.wasm");
    let objects = Folder::new();
    let main = objects.copy(&guests().join("other/obj/main.dwo"), "obj/main.dwo");
    let ring = objects.copy(&guests().join("other/obj/ring.dwo"), "obj/ring.dwo");
    let canonical = |path: &Path| path.canonicalize().unwrap().display().to_string();
    for (files, told, is_named) in [
        (DebugFiles::new(vec![other_package.clone()]), other_package.display().to_string(), true),
        (DebugFiles::default().beside_module(&module_beside), canonical(&beside), false),
        (DebugFiles::default().beside(objects.path()), canonical(&main), false),
        (DebugFiles::new(vec![objects.path().to_owned()]), canonical(&main), false),
        (DebugFiles::new(vec![main.clone(), ring]), main.display().to_string(), true),
    ] {
        let (places, problems) = resolved(&module, &files);
        assert_eq!(problems, [format!("{told} {OTHER_MAIN}"), MISSING.to_owned()]);
        assert_eq!(places, bare);
        // What was not named as a file is not taken by force either.
        let (forced, _) = resolved(&module, &files.forced(true));
        assert_eq!(forced != bare, is_named);
    }
}

#[test]
fn units_of_another_build_are_taken_by_force_and_marked() {
    let module = guest(5).join("split.wasm");
    let named = vec![guests().join("other/split.wasm.dwp")];
    let (places, problems) = resolved(&module, &DebugFiles::new(named).forced(true));
    assert_eq!(problems, [""; 0]);
    let whole = whole(5);
    assert_eq!(places.len(), whole.len());
    let mut marked = 0;
    for (forced, expected) in places.iter().zip(&whole) {
        if expected.name != NameOrigin::Dwarf {
            continue;
        }
        assert_eq!(forced.name, NameOrigin::OtherBuild);
        assert!(matches!(forced.line, LineOrigin::OtherBuild | LineOrigin::Missing(_)), "{forced:?}");
        for (frame, own) in forced.frames.iter().zip(&expected.frames) {
            let name = own.name.replace("store(", "put(").replace("turn(", "spin(");
            assert_eq!(frame.name, format!("{name} [other build]"));
            assert_eq!((frame.line, &frame.file), (own.line, &own.file));
            marked += 1;
        }
    }
    assert!(marked > 100, "{marked}");
}

#[test]
fn an_index_that_leads_to_another_unit_is_refused_with_both_ids() {
    for version in [4, 5] {
        let folder = Folder::new();
        let module = folder.copy(&guest(version).join("split.wasm"), "split.wasm");
        let mut bytes = fs::read(guest(version).join("split.wasm.dwp")).unwrap();
        // The rows of the index swap their ids.
        let ids: [u64; 2] = if version == 4 {
            [0xe984_dd7f_c618_eec8, 0xb58c_cd4a_4613_5863]
        } else {
            [0x8df3_4b5e_c6f6_84d4, 0xbaae_dbd1_80b2_eea8]
        };
        let find = |bytes: &[u8], id: u64| bytes.windows(8).rposition(|window| window == id.to_le_bytes()).unwrap();
        let [first, second] = ids.map(|id| find(&bytes, id));
        bytes[first..first + 8].copy_from_slice(&ids[1].to_le_bytes());
        bytes[second..second + 8].copy_from_slice(&ids[0].to_le_bytes());
        let package = folder.write("split.wasm.dwp", &bytes);
        let (places, problems) = resolved(&module, &DebugFiles::default().beside_module(&module));
        assert_eq!(problems.len(), 2, "{problems:#?}");
        assert!(problems[0].starts_with(&package.canonicalize().unwrap().display().to_string()), "{problems:?}");
        assert!(ids.iter().all(|id| problems[0].contains(&format!("{id:016x}"))), "{problems:?}");
        assert_eq!(problems[1], MISSING);
        assert_eq!(places, resolved(&module, &DebugFiles::default()).0);
    }
}

#[test]
fn one_missing_file_is_told_and_the_rest_resolves() {
    for version in [4, 5] {
        let main = guest(version).join("obj/main.dwo");
        let (places, problems) = resolved(&guest(version).join("split.wasm"), &DebugFiles::new(vec![main]));
        assert_eq!(
            problems,
            [
                "1 of 2 units of split.wasm is split, and its file \"obj/ring.dwo\" was not found; keep a package beside the module (llvm-dwp -e MODULE -o MODULE.dwp, where it was built), or name the folder \
              of the files with --symbols"
            ]
        );
        for (place, expected) in places.iter().zip(whole(version)) {
            let is_of_ring = expected.frames.last().unwrap().name.starts_with("mixing::mix");
            assert!(is_of_ring || *place == expected, "{place:?}");
            assert!(!is_of_ring || place.frames.len() == 1, "{place:?}");
        }
    }
}

#[test]
fn merged_strings_in_the_module_itself_are_told_and_not_used() {
    for version in [4, 5] {
        let folder = Folder::new();
        let module = folder.copy(&guest(version).join("single.wasm"), "single.wasm");
        let (places, problems) = resolved(&module, &DebugFiles::default().beside_module(&module));
        assert_eq!(
            problems,
            [
                "2 of 2 units of single.wasm are split, and their files were not found: the first is \"obj/main.o\"; keep a \
              package beside the module (llvm-dwp -e MODULE -o MODULE.dwp, where it was built), or name the folder of the \
              files with --symbols; those in the module itself are spoilt \
              by the linker, which merged their strings (-Wl,-O0 keeps them)"
            ]
        );
        assert!(places.iter().all(|place| place.frames.len() == 1 && place.name == NameOrigin::NameSection));
        // A twin that the user names is no object.
        let (again, _) = resolved(&module, &DebugFiles::new(vec![guest(version).join("single.wasm")]));
        assert_eq!(again, places);
    }
}

#[test]
fn a_file_of_no_use_is_told() {
    let wanted = SplitWanted::of(&image(&guest(5).join("split.wasm")), None);
    let foreign = Folder::new();
    let bytes = fs::read(guest(5).join("obj/main.dwo")).unwrap();
    // Of another program: neither its id nor its name is known.
    let bytes = replaced(
        &replaced(&bytes, b"obj/main.dwo", b"obj/none.dwo"),
        &0x8df3_4b5e_c6f6_84d4_u64.to_le_bytes(),
        &[7; 8],
    );
    let path = foreign.write("x.dwo", &bytes);
    let result = DebugFiles::new(vec![path.clone()]).search_split(&[wanted]);
    assert_eq!(result.unused, [path]);
    let problems: Vec<_> = result.all_problems().collect();
    assert!(matches!(problems.as_slice(), [NotFound::SplitUnits { missing: 2, .. }]), "{problems:?}");
    // Nothing is looked for where nothing is split.
    let wanted = SplitWanted::of(&image(&guest(5).join("whole.wasm")), None);
    assert!(!wanted.is_split());
    let package = guest(5).join("split.wasm.dwp");
    let result = DebugFiles::new(vec![package.clone()]).search_split(&[wanted]);
    assert_eq!(result.all_problems().count(), 0);
    assert_eq!((result.unused, result.found[0].units.len()), (vec![package], 0));
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn what_is_no_file_of_split_units_is_told_by_its_kind() {
    let folder = Folder::new();
    let module = guest(5).join("split.wasm");
    for (bytes, reason) in [
        (&b"text, and more of it"[..], "neither WebAssembly nor ELF"),
        (b"", "neither WebAssembly nor ELF"),
        (b"\0asm\x01\0\0\0", "it holds no split units (there is no .debug_info.dwo)"),
        (b"\x7fELF and nothing of it", "broken ELF: Unknown file magic"),
    ] {
        let path = folder.write("x.dwp", bytes);
        let (_, problems) = resolved(&module, &DebugFiles::new(vec![path.clone()]));
        assert_eq!(problems, [format!("{}: {reason}", path.display()), MISSING.to_owned()]);
    }
    let path = folder.copy(&guest(5).join("obj/main.dwo"), "main.dwp");
    let (_, problems) = resolved(&module, &DebugFiles::new(vec![path.clone()]));
    let reason = "it has no index of its units (.debug_cu_index): it is cut, or no package";
    assert_eq!(problems, [format!("{}: {reason}", path.display()), MISSING.to_owned()]);
}
