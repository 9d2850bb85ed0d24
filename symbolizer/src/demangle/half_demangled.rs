//! Names that a linker demangled without knowing Rust.

use std::borrow::Cow;

/// What Rust's older mangling writes for characters that linkers do not like.
const ESCAPES: [(&str, &str); 8] =
    [("SP", "@"), ("BP", "*"), ("RF", "&"), ("LT", "<"), ("GT", ">"), ("LP", "("), ("RP", ")"), ("C", ",")];

/// Finishes the demangling of a name, if it is one of Rust's; anything else comes back as it is.
///
/// wasm-ld demangles names as C++ does, which leaves the hash and the escapes of Rust's older mangling
/// (`_$LT$T$u20$as$u20$U$GT$::f::h0123456789abcdef`), and Rust's newer mangling with the disambiguators of crates
/// (`std[6f3ab072cbc6a52e]::abort`).
pub(super) fn finish(name: &str) -> Cow<'_, str> {
    if let Some(path) = without_hash(name) {
        return Cow::Owned(unescaped(path));
    }
    if name.contains("]::") || name.ends_with(']') || name.contains("]>") {
        return without_disambiguators(name);
    }
    Cow::Borrowed(name)
}

fn without_hash(name: &str) -> Option<&str> {
    let (path, hash) = name.rsplit_once("::h")?;
    (hash.len() == 16 && hash.bytes().all(is_hex)).then_some(path)
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn unescaped(path: &str) -> String {
    let mut parts = path.split("::").map(unescaped_part);
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |path, part| path + "::" + &part)
}

fn unescaped_part(part: &str) -> String {
    let mut rest = if part.starts_with("_$") { &part[1..] } else { part };
    let mut out = String::with_capacity(rest.len());
    while let Some(position) = rest.find(['$', '.']) {
        out.push_str(&rest[..position]);
        rest = &rest[position..];
        if let Some(behind) = rest.strip_prefix("..") {
            out.push_str("::");
            rest = behind;
        } else if let Some((text, behind)) = escape(rest) {
            out.push_str(&text);
            rest = behind;
        } else {
            out.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    out + rest
}

/// Reads an escape such as `$LT$` or `$u7b$`, and returns what it stands for and what follows.
fn escape(text: &str) -> Option<(String, &str)> {
    let (code, behind) = text.strip_prefix('$')?.split_once('$')?;
    if let Some((_, character)) = ESCAPES.iter().find(|(known, _)| *known == code) {
        return Some(((*character).to_owned(), behind));
    }
    let digits = code.strip_prefix('u').filter(|digits| digits.len() <= 6 && digits.bytes().all(is_hex))?;
    let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    (!character.is_control()).then(|| (character.to_string(), behind))
}

/// Leaves out the disambiguator of each crate: hexadecimal digits in brackets behind a name.
fn without_disambiguators(name: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = name;
    while let Some((before, behind)) = rest.split_once('[') {
        let named = before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        match behind.split_once(']') {
            Some((digits, after)) if named && (12..=16).contains(&digits.len()) && digits.bytes().all(is_hex) => {
                out.push_str(before);
                rest = after;
            }
            _ => {
                out.push_str(before);
                out.push('[');
                rest = behind;
            }
        }
    }
    if out.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(out + rest) }
}
