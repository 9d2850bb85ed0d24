//! Files that were cut or changed: always an answer, and never one that is wrong without saying so.

use std::fs;

use wasmscope_model::Resolved;
use wasmscope_symbolizer::DebugFiles;

use super::{Folder, guest, resolved, whole};

/// Names of functions that some frame has.
fn names(places: &[Resolved]) -> Vec<&str> {
    places.iter().flat_map(|place| &place.frames).map(|frame| frame.name.as_str()).collect()
}

#[test]
fn a_package_or_object_cut_anywhere_gives_a_reason_or_the_truth() {
    for version in [4, 5] {
        let (expected, module) = (whole(version), guest(version).join("split.wasm"));
        let bare = resolved(&module, &DebugFiles::default()).0;
        for name in ["split.wasm.dwp", "obj/main.dwo"] {
            let folder = Folder::new();
            let bytes = fs::read(guest(version).join(name)).unwrap();
            let mut whole_at = Vec::new();
            for length in 0..bytes.len() {
                let path = folder.write(name, &bytes[..length]);
                let (places, problems) = resolved(&module, &DebugFiles::new(vec![path.clone()]));
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
        let expected = whole(version);
        for name in ["split.wasm.dwp", "obj/ring.dwo"] {
            let folder = Folder::new();
            let bytes = fs::read(guest(version).join(name)).unwrap();
            for at in (0..bytes.len()).step_by(3) {
                for value in [0, 0xff, bytes[at] ^ 0x10] {
                    let mut changed = bytes.clone();
                    changed[at] = value;
                    let path = folder.write(name, &changed);
                    let (places, _) = resolved(&module, &DebugFiles::new(vec![path]).forced(at % 2 == 0));
                    assert_eq!(places.len(), expected.len());
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
            let (places, _) = resolved(&path, &DebugFiles::default());
            assert!(names(&places).iter().all(|name| !name.is_empty()), "{at}");
        }
    }
}
