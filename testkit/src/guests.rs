//! Where the guests are, and what those that count themselves have printed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The variable that names the folder of the larger guests, which `testkit/guests/fetch.sh` fetches.
pub const FETCHED_GUESTS: &str = "WASMSCOPE_GUESTS";

/// Returns the path of a guest of `examples/guests`.
pub fn example_guest(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/guests").join(name)
}

/// Returns the path of a guest of `testkit/guests`.
pub fn test_guest(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("guests").join(name)
}

/// Returns the path of a larger guest, if it was fetched.
pub fn fetched_guest(name: &str) -> Option<PathBuf> {
    let path = Path::new(&std::env::var_os(FETCHED_GUESTS)?).join(name);
    path.is_file().then_some(path)
}

/// As [`fetched_guest`]; when it is not there, says on standard error that `test` is skipped.
pub fn fetched_guest_or_skip(name: &str, test: &str) -> Option<PathBuf> {
    let path = fetched_guest(name);
    if path.is_none() {
        // Past the capture of output, which `eprintln!` is not.
        let _ = writeln!(std::io::stderr(), "skipped: {test} ({FETCHED_GUESTS} names no folder with {name})");
    }
    path
}

/// What a guest counted while it ran, by the word before each number that it printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// Reads what a guest printed: `calls clock 5, random 7` counts `clock` and `random`.
    ///
    /// A word that is printed twice counts what was printed last.
    pub fn parse(printed: &str) -> Self {
        let mut counts = BTreeMap::new();
        let mut word = None;
        for token in printed.split(|c: char| c.is_whitespace() || c == ',').filter(|token| !token.is_empty()) {
            match (token.parse::<u64>(), word.take()) {
                (Ok(number), Some(word)) => drop(counts.insert(word, number)),
                (Ok(_), None) => {}
                (Err(_), _) => word = Some(token.to_owned()),
            }
        }
        Self(counts)
    }

    /// Returns what was counted under a word; 0 when it was not printed.
    pub fn of(&self, word: &str) -> u64 {
        self.0.get(word).copied().unwrap_or(0)
    }

    /// Returns which part of the sum over `words` was counted under `word`.
    pub fn share(&self, word: &str, words: &[&str]) -> f64 {
        let sum: u64 = words.iter().map(|word| self.of(word)).sum();
        if sum == 0 { 0.0 } else { self.of(word) as f64 / sum as f64 }
    }
}

/// Returns a module without its custom sections called `name`, as a linker or a tool would have stripped it.
///
/// What cannot be read as sections is left as it is.
pub fn without_custom_section(module: &[u8], name: &str) -> Vec<u8> {
    const HEADER_BYTES: usize = 8;
    let (mut kept, mut rest) = module.split_at(HEADER_BYTES.min(module.len()));
    let mut stripped = kept.to_vec();
    while let Some((section, behind)) = split_section(rest) {
        (kept, rest) = (section, behind);
        if custom_name(kept) != Some(name.as_bytes()) {
            stripped.extend_from_slice(kept);
        }
    }
    stripped.extend_from_slice(rest);
    stripped
}

/// Splits the first section, with its id and size, off `bytes`.
fn split_section(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (size, contents) = leb128(bytes.get(1..)?)?;
    bytes.split_at_checked((bytes.len() - contents.len()).checked_add(size)?)
}

/// Returns the name of a custom section.
fn custom_name(section: &[u8]) -> Option<&[u8]> {
    let (_, contents) = leb128(section.strip_prefix(&[0])?)?;
    let (length, contents) = leb128(contents)?;
    contents.get(..length)
}

/// Reads an unsigned LEB128 number of at most 32 bits.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let length = bytes.iter().take(5).position(|byte| byte & 0x80 == 0)? + 1;
    let (number, rest) = bytes.split_at(length);
    let value = number.iter().rev().fold(0_usize, |value, byte| value << 7 | usize::from(byte & 0x7f));
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripping_takes_one_custom_section_and_leaves_the_rest() {
        let module = wat::parse_str(r#"(module (@custom "a" "1") (func $f nop) (@custom "b" "2"))"#).unwrap();
        let stripped = without_custom_section(&module, "name");
        assert!(stripped.len() < module.len());
        assert_eq!(without_custom_section(&stripped, "name"), stripped);
        let ends_alike = wat::parse_str(r#"(module (@custom "a" "1") (func nop) (@custom "b" "2"))"#).unwrap();
        assert_eq!(stripped, ends_alike);
        assert_eq!(without_custom_section(b"\0asm\x01\0\0\0\0\x05", "name"), b"\0asm\x01\0\0\0\0\x05");
        assert_eq!(without_custom_section(b"", "name"), b"");
    }

    #[test]
    fn numbers_belong_to_the_word_before_them() {
        let counts = Counts::parse("checksum 0a1b\niterations seventy 70, twenty 20, ten 10\nfib(3) is 2, calls 5\n");
        assert_eq!((counts.of("seventy"), counts.of("twenty"), counts.of("ten")), (70, 20, 10));
        assert_eq!((counts.of("is"), counts.of("calls"), counts.of("nothing")), (2, 5, 0));
        assert!((counts.share("ten", &["seventy", "twenty", "ten"]) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn the_guests_that_are_checked_in_are_there() {
        assert!(example_guest("split.wasm").is_file() && test_guest("hostcalls.wasm").is_file());
    }
}
