//! The checked-in guests carry what their README promises: full DWARF of their own code, and line tables and inlined
//! calls, no more, of everything they were linked with; nothing of the machine that built them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod debug_info;

use debug_info::{DebugInfo, Unit};

const SPLIT: &str = "split.wasm";
const ORDERS: &str = "orders.wasm";
const SERVICE_P2: &str = "service-p2.wasm";
const SERVICE_P3: &str = "service-p3.wasm";
const ALL: [&str; 4] = [SPLIT, ORDERS, SERVICE_P2, SERVICE_P3];

/// Where the sources of a guest lie, as its units name them.
const OWN: &str = "examples/guests/";

/// The folders that a developer or a build machine has of its own. Debian's build folders (`/build/reproducible-path`,
/// `/usr/src/rustc-*`) are the same on every machine.
const FOLDERS_OF_A_MACHINE: [&str; 8] = ["/root", "/home", "/work", "/tmp", "/var", "/opt", "/Users", "/mnt"];

fn own(unit: &&Unit) -> bool {
    unit.folder.starts_with(OWN)
}

fn foreign(unit: &&Unit) -> bool {
    !own(unit)
}

#[test]
fn every_unit_with_code_has_a_line_table() {
    for guest in ALL {
        for unit in &DebugInfo::of_example(guest).units {
            assert!(unit.rows > 0 || !unit.has_code, "{guest}: {} has no lines", unit.name);
        }
    }
}

#[test]
fn own_code_has_types_and_variables() {
    for guest in ALL {
        let info = DebugInfo::of_example(guest);
        let unit = info.units.iter().find(own).expect("a unit of the guest itself");
        assert!(unit.types > 0, "{guest}: no types in {}", unit.name);
        assert!(unit.variables > 0, "{guest}: no variables in {}", unit.name);
    }
}

#[test]
fn the_kernel_of_split_is_inlined_three_deep_in_each_function() {
    let info = DebugInfo::of_example(SPLIT);
    let unit = info.units.iter().find(own).expect("a unit of the guest itself");
    for function in ["seventy", "twenty", "ten"] {
        let chain = [function, "mix", "stir", "turn"].map(String::from);
        assert!(unit.inline_chains.contains(chain.as_slice()), "no {chain:?} in {:?}", unit.inline_chains);
    }
}

#[test]
fn the_code_of_orders_is_inlined_deeply() {
    let info = DebugInfo::of_example(ORDERS);
    let unit = info.units.iter().find(own).expect("a unit of the guest itself");
    let deepest = unit.inline_chains.iter().map(Vec::len).max();
    assert!(deepest >= Some(4), "{deepest:?}");
    assert!(unit.inlined > 1000, "{}", unit.inlined);
}

#[test]
fn the_functions_of_the_service_that_burn_share_one_inlined_kernel() {
    for guest in [SERVICE_P2, SERVICE_P3] {
        let info = DebugInfo::of_example(guest);
        let unit = info.units.iter().find(own).expect("a unit of the guest itself");
        for function in ["hash_part", "sort_part", "fast_path", "slow_path", "hang"] {
            let chain = [function, "mix"].map(String::from);
            assert!(unit.inline_chains.contains(chain.as_slice()), "{guest}: no {chain:?}");
        }
    }
}

#[test]
fn dependencies_have_inlined_calls() {
    let dependencies = [
        (SPLIT, vec!["/wasi-libc/dlmalloc", "/wasi-libc/libc-top-half"]),
        (
            ORDERS,
            vec![
                "/wasi-libc/dlmalloc",
                "/rustc/library/core",
                "/rustc/library/alloc",
                "/rustc/library/std",
                "/crates/serde_json",
                "/crates/sha2",
            ],
        ),
        (SERVICE_P2, vec!["/rustc/library/core", "/rustc/library/std", "/crates/serde_json", "/crates/wasip2"]),
        (SERVICE_P3, vec!["/rustc/library/core", "/rustc/library/std", "/crates/wit-bindgen", "/crates/wasip3"]),
    ];
    for (guest, prefixes) in dependencies {
        let info = DebugInfo::of_example(guest);
        for prefix in prefixes {
            let units = info.units.iter().filter(foreign).filter(|unit| unit.name.starts_with(prefix));
            let inlined: usize = units.map(|unit| unit.inlined).sum();
            assert!(inlined > 0, "{guest}: nothing inlined in units of {prefix}");
        }
    }
}

#[test]
fn dependencies_have_neither_types_nor_variables() {
    for guest in ALL {
        for unit in DebugInfo::of_example(guest).units.iter().filter(foreign) {
            assert_eq!((unit.types, unit.variables), (0, 0), "{guest}: {}", unit.name);
        }
    }
}

#[test]
fn no_path_names_the_machine_that_built_the_guest() {
    for guest in ALL {
        let info = DebugInfo::of_example(guest);
        assert!(info.paths.len() > 30, "{guest}: only {} paths", info.paths.len());
        for path in &info.paths {
            let leaks = FOLDERS_OF_A_MACHINE.iter().any(|folder| path.starts_with(folder));
            assert!(!leaks, "{guest}: {path}");
        }
    }
}

#[test]
fn guests_are_small() {
    let limits = [(SPLIT, 64 * 1024), (ORDERS, 1024 * 1024), (SERVICE_P2, 640 * 1024), (SERVICE_P3, 1200 * 1024)];
    for (guest, limit) in limits {
        let size = DebugInfo::bytes_of_example(guest).len();
        assert!(size < limit, "{guest} has {size} bytes");
    }
}
