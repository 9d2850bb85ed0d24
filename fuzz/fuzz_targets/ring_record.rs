//! Any words as the contents of a ring: records come out whole and in place, or the place is lost; never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wasmscope_signal::Record;

fuzz_target!(|bytes: &[u8]| {
    let words: Vec<u64> = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let mut rest = &words[..];
    while let Ok(Some((record, tail))) = Record::split_first(rest) {
        assert!(tail.len() + 8 <= rest.len(), "each record takes its fixed words at least");
        assert!(record.frames().count() <= rest.len() - tail.len() - 8);
        rest = tail;
    }
});
