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
            let step = if is_elf || version == 4 { 5 } else { 1 };
            let mut whole_at = Vec::new();
            for length in (0..bytes.len()).step_by(step) {
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

/// How many units a hostile package has.
const UNITS: u64 = 4000;
/// How long each of them is: a header, and an entry of one byte.
const UNIT_BYTES: u32 = 21;

/// Units of DWARF 5 of a kind, with an entry each that stands first in the table of abbreviations.
fn units(kind: u8, id: impl Fn(u64) -> u64) -> Vec<u8> {
    let mut section = Vec::new();
    for unit in 0..UNITS {
        section.extend((UNIT_BYTES - 4).to_le_bytes());
        section.extend([5, 0, kind, 4, 0, 0, 0, 0]);
        section.extend(id(unit).to_le_bytes());
        section.push(1);
    }
    section
}

/// The index of a package in which the part of each unit is the whole.
fn overlapping_index() -> Vec<u8> {
    let slots = (UNITS as u32 + 1).next_power_of_two();
    let mut index: Vec<u8> = [5, 2, UNITS as u32, slots].iter().flat_map(|word| word.to_le_bytes()).collect();
    let ids = (0..u64::from(slots)).map(|slot| if slot < UNITS { slot + 1 } else { 0 });
    index.extend(ids.flat_map(u64::to_le_bytes));
    index.extend((0..slots).map(|slot| if u64::from(slot) < UNITS { slot + 1 } else { 0 }).flat_map(u32::to_le_bytes));
    let (info, abbrev) = (1u32, 3u32);
    index.extend([info, abbrev].iter().flat_map(|section| section.to_le_bytes()));
    let rows = |row: [u32; 2]| (0..UNITS).flat_map(move |_| row.into_iter().flat_map(u32::to_le_bytes));
    index.extend(rows([0, 0]));
    index.extend(rows([UNIT_BYTES * UNITS as u32, 6]));
    index
}

#[test]
fn a_package_whose_units_lie_in_each_other_is_refused_before_it_costs_anything() {
    let file = |sections: &[(&str, &[u8])]| {
        let mut module = wasm_encoder::Module::new();
        for (name, data) in sections {
            module.section(&wasm_encoder::CustomSection { name: (*name).into(), data: (*data).into() });
        }
        module.finish()
    };
    let (skeleton, compile_unit) = (4, 5);
    let abbreviations = [1, 0x11, 0, 0, 0, 0];
    let folder = Folder::new();
    let skeletons = units(skeleton, |unit| unit + 1);
    let module = [(".debug_info", &skeletons[..]), (".debug_abbrev", &abbreviations)];
    let module = folder.write("m.wasm", &file(&module));
    // The one that is looked for stands last, behind all others.
    let (info, index) = (units(compile_unit, |unit| UNITS - unit), overlapping_index());
    let sections =
        [(".debug_info.dwo", &info[..]), (".debug_abbrev.dwo", &abbreviations), (".debug_cu_index", &index[..])];
    let package = folder.write("m.wasm.dwp", &file(&sections));
    let (_, problems) = resolved_every(1, &module, &DebugFiles::default().beside_module(&module));
    assert_eq!(problems[0], format!("{}: its units lie in each other, as those of no compiler do", package.display()));
}
