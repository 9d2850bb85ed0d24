//! Real logs come out with everything filled in that stands in the file beside them, and nothing else changed.
//!
//! A case is `NAME.in.txt`, and `NAME.out.txt` what is made of it; `BLESS=1` writes the latter anew. The logs of wasmtime,
//! Node.js and Chromium were recorded from `testkit/guests/trap.wasm`, from the same without its custom sections, and from
//! `waits-p2.wasm`; the others are written as their programs write, with the numbers of that guest.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod agreement;
mod copying;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmscope_symbolizer::{KnownModules, LogSymbolizer, LogTotals};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn guest(name: &str) -> Arc<[u8]> {
    std::fs::read(root().join("testkit/guests").join(name)).unwrap().into()
}

/// Makes a symbolizer that knows the guests that all cases are about.
fn symbolizer() -> LogSymbolizer {
    let mut modules = KnownModules::new();
    modules.add_guest("trap.wasm", &guest("trap.wasm")).unwrap();
    LogSymbolizer::new(modules)
}

fn copied(symbolizer: &mut LogSymbolizer, log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    symbolizer.copy(log, &mut out).unwrap();
    out
}

/// Tells whether all bytes of `part` stand in `whole` in their order.
fn is_subsequence(part: &[u8], whole: &[u8]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|byte| whole.any(|other| other == byte))
}

#[test]
fn every_kind_of_log_is_filled_in_as_written_beside_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/log");
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(".in.txt").map(str::to_owned)).collect();
    names.sort();
    assert!(names.len() > 20, "{names:?}");
    let mut differing = Vec::new();
    for name in names {
        let log = std::fs::read(folder.join(format!("{name}.in.txt"))).unwrap();
        let mut symbolizer = symbolizer();
        if name == "component" {
            let mut modules = KnownModules::new();
            modules.add_guest("waits-p2.wasm", &guest("waits-p2.wasm")).unwrap();
            symbolizer = LogSymbolizer::new(modules);
        }
        let found = copied(&mut symbolizer, &log);
        assert!(is_subsequence(&log, &found), "{name}: something of the log is missing");
        let beside = folder.join(format!("{name}.out.txt"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&beside, &found).unwrap();
        } else if std::fs::read(&beside).unwrap_or_default() != found {
            differing.push(format!("{name}:\n{}", String::from_utf8_lossy(&found)));
        }
    }
    assert!(differing.is_empty(), "BLESS=1 takes over what was found\n{}", differing.join("\n"));
}

#[test]
fn what_is_no_address_of_wasm_stays_as_it_is() {
    let log = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/log/untouched.in.txt")).unwrap();
    let mut symbolizer = symbolizer();
    assert_eq!(copied(&mut symbolizer, &log), log);
    assert_eq!(symbolizer.totals(), LogTotals::default());
}

#[test]
fn every_place_that_is_left_is_counted_with_its_reason() {
    let log = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/log/other-build.in.txt")).unwrap();
    let mut symbolizer = symbolizer();
    assert_eq!(copied(&mut symbolizer, &log), log);
    assert_eq!(
        symbolizer.totals(),
        LogTotals { mentioned: 4, other_function: 3, not_in_code: 1, ..LogTotals::default() }
    );
}
