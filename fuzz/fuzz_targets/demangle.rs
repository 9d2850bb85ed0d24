//! Demangles any text.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|name: &str| {
    assert!(wasmscope_symbolizer::demangle(name).len() <= 1 << 16);
});
