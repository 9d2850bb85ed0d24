//! What holds for the copy of any log.

use std::io::Read;
use std::sync::Arc;

use proptest::prelude::*;
use wasmscope_symbolizer::{KnownModules, LogSymbolizer};

use super::{copied, guest, is_subsequence, symbolizer};

/// Reads without end, until so many bytes are read.
struct Endless {
    left: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(self.left);
        buffer[..length].fill(b'x');
        self.left -= length;
        Ok(length)
    }
}

/// Counts what is written, and how much of it at most is not.
#[derive(Default)]
struct Counting {
    bytes: usize,
}

impl std::io::Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

proptest! {
    #[test]
    fn text_without_addresses_comes_out_byte_for_byte(log in proptest::collection::vec(any::<u8>(), 0..2000)) {
        // Neither `0x`, nor a word that announces an offset.
        let log: Vec<u8> = log.into_iter().filter(|byte| !b"xw.@#".contains(byte)).collect();
        prop_assert_eq!(copied(&mut symbolizer(), &log), log);
    }

    #[test]
    fn nothing_is_ever_lost(
        log in r#"(([ \t]{0,4}[0-9]: 0x[0-9a-f]{1,4} - [a-z<]{0,3}!?<wasm function 1?[0-9]>|wasm-function\[1?[0-9]\]:0x[0-9a-f]{3}|#00: 0x3ad - \$f10|\{"|\\n|\\\\n|\r\n|\n|\PC){0,3}){0,8}"#
    ) {
        let found = copied(&mut symbolizer(), log.as_bytes());
        prop_assert!(is_subsequence(log.as_bytes(), &found));
    }
}

#[test]
fn a_line_without_end_is_not_held() {
    // Far more than a piece; the copy must come out while it is read.
    const LENGTH: usize = 64 << 20;
    let mut out = Counting::default();
    let mut symbolizer = symbolizer();
    symbolizer.copy(Endless { left: LENGTH }, &mut out).unwrap();
    assert_eq!(out.bytes, LENGTH);
    assert!(symbolizer.totals().long_lines > 0);
}

#[test]
fn frames_of_a_stripped_guest_take_names_and_lines_from_its_debug_file() {
    let whole = guest("trap.wasm");
    let (stripped, _) = stripped(&whole);
    // A custom section in front moves all offsets of the deployed file by its size.
    let mut deployed = stripped[..8].to_vec();
    deployed.extend([0, 3, 1, b'x', 0]);
    deployed.extend(&stripped[8..]);
    let log = b"    0: 0x3b1 - <unknown>!<wasm function 10>\n";
    let mut modules = KnownModules::new();
    modules.add_guest("app.wasm", &Arc::from(deployed)).unwrap();
    modules.add_symbols("trap.debug.wasm", &whole).unwrap();
    let found = copied(&mut LogSymbolizer::new(modules), log);
    let found = String::from_utf8(found).unwrap();
    assert!(found.contains("- quotient\n") && found.contains("at testkit/guests/trap.c:12:14\n"), "{found}");
}

/// Removes the custom sections of a module.
fn stripped(module: &[u8]) -> (Vec<u8>, usize) {
    let (mut copy, mut begin, mut removed) = (module[..8].to_vec(), 8, 0);
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let payload = payload.unwrap();
        let Some((_, range)) = payload.as_section() else {
            continue;
        };
        let end = range.end as usize;
        if matches!(payload, wasmparser::Payload::CustomSection(_)) {
            removed += end - begin;
        } else {
            copy.extend(&module[begin..end]);
        }
        begin = end;
    }
    (copy, removed)
}

#[test]
fn of_several_modules_the_one_with_that_name_counts_and_none_where_all_fit() {
    let mut modules = KnownModules::new();
    modules.add_guest("trap.wasm", &guest("trap.wasm")).unwrap();
    modules.add_guest("deep.wasm", &guest("deep.wasm")).unwrap();
    let mut symbolizer = LogSymbolizer::new(modules);
    let told =
        |symbolizer: &mut LogSymbolizer, log: &str| String::from_utf8(copied(symbolizer, log.as_bytes())).unwrap();
    let named = told(&mut symbolizer, "at http://host/trap.wasm:0x3ac");
    assert!(named.contains(" = quotient at testkit/guests/trap.c:12:14"), "{named}");
    let named = told(&mut symbolizer, "at http://host/deep.wasm:0x3ac");
    assert!(!named.contains("trap.c"), "{named}");
    let nameless = "In instruction, Bytecode offset: 0x000003ac";
    assert_eq!(told(&mut symbolizer, nameless), nameless);
    assert_eq!(symbolizer.totals().ambiguous, 1);
}

#[test]
fn hostile_names_reach_no_terminal_and_no_json() {
    let text = r#"(module (func $f (@name "a\\n\\\"\1b[31m\e2\80\aeb\nc") nop))"#;
    let bytes: Arc<[u8]> = wat::parse_str(text).unwrap().into();
    let mut modules = KnownModules::new();
    modules.add_guest("x.wasm", &bytes).unwrap();
    let mut symbolizer = LogSymbolizer::new(modules);
    let log = r#"{"stack":"at wasm-function[0]\n","next":1}"#;
    let found = String::from_utf8(copied(&mut symbolizer, log.as_bytes())).unwrap();
    let value: serde_json::Value = serde_json::from_str(&found).unwrap();
    let told = value["stack"].as_str().unwrap();
    assert_eq!(value["next"], 1);
    assert_eq!(told, "at wasm-function[0] = a\\n\\\"\u{fffd}[31m\u{fffd}b\u{fffd}c\n");
}
