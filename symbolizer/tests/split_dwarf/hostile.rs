//! Files that were cut or changed: always an answer, and never one that is wrong without saying so.

use std::fs;

use wasmscope_model::Resolved;
use wasmscope_symbolizer::DebugFiles;

use super::agreement::elf_of;
use super::{Folder, guest, resolved_every};

/// Of how many bytes one is looked up.
const STEP: usize = 13;

/// Names of functions that some frame has.
fn names(places: &[Resolved]) -> Vec<&str> {
    places.iter().flat_map(|place| &place.frames).map(|frame| frame.name.as_str()).collect()
}

#[test]
fn a_package_or_object_cut_anywhere_gives_a_reason_or_the_truth() {
    for version in [4, 5] {
        let module = guest(version).join("split.wasm");
        let none = DebugFiles::default();
        let expected = resolved_every(STEP, &guest(version).join("whole.wasm"), &none).0;
        let bare = resolved_every(STEP, &module, &none).0;
        for (name, is_elf) in [("split.wasm.dwp", false), ("obj/main.dwo", false), ("split.wasm.dwp", true)] {
            let folder = Folder::new();
            let wasm = fs::read(guest(version).join(name)).unwrap();
            let bytes = if is_elf { elf_of(&wasm) } else { wasm };
            let mut whole_at = Vec::new();
            for length in (0..bytes.len()).step_by(if is_elf { 7 } else { 1 }) {
                let path = folder.write(name, &bytes[..length]);
                let (places, problems) = resolved_every(STEP, &module, &DebugFiles::new(vec![path.clone()]));
                let reason = problems.iter().find_map(|told| told.strip_prefix(&format!("{}: ", path.display())));
                match reason {
                    Some(reason) => {
                        assert!(reason.len() > 15 && !reason.contains('\n'), "{length}: {reason}");
                        assert_eq!(places, bare, "{length}");
                    }
                    None => whole_at.push(length),
                }
                let known = expected.iter().zip(&bare).zip(&places);
                assert!(known.into_iter().all(|((whole, bare), place)| place == whole || place == bare), "{length}");
            }
            // Only what follows the last section that is needed may be missing.
            assert!(whole_at.len() <= 2, "{version} {name}: {whole_at:?} of {}", bytes.len());
        }
    }
}

#[test]
fn a_byte_that_was_changed_anywhere_does_no_harm() {
    for version in [4, 5] {
        let module = guest(version).join("split.wasm");
        for name in ["split.wasm.dwp", "obj/ring.dwo"] {
            let folder = Folder::new();
            let bytes = fs::read(guest(version).join(name)).unwrap();
            for at in (0..bytes.len()).step_by(7) {
                for value in [0xff, bytes[at] ^ 0x11] {
                    let mut changed = bytes.clone();
                    changed[at] = value;
                    let path = folder.write(name, &changed);
                    let (places, _) = resolved_every(STEP, &module, &DebugFiles::new(vec![path]).forced(at % 2 == 0));
                    assert!(names(&places).iter().all(|name| !name.is_empty()), "{at}");
                }
            }
        }
    }
}

#[test]
fn a_module_with_split_units_in_itself_may_be_changed_anywhere() {
    for version in [4, 5] {
        let bytes = fs::read(guest(version).join("unmerged.wasm")).unwrap();
        let folder = Folder::new();
        for at in (0..bytes.len()).step_by(5) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x21;
            if wasmscope_symbolizer::ModuleImage::parse(changed.clone().into()).is_err() {
                continue;
            }
            let path = folder.write("unmerged.wasm", &changed);
            let (places, _) = resolved_every(STEP, &path, &DebugFiles::default());
            assert!(names(&places).iter().all(|name| !name.is_empty()), "{at}");
        }
    }
}
