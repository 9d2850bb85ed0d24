//! Splitting of a command line, as a shell does it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Splits at spaces, except in quotes. Single quotes keep all as it is; in double quotes `\xNN` is a byte, and a
/// backslash before anything else makes it ordinary.
pub fn split(text: &str) -> Result<Vec<OsString>, String> {
    let mut words = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.peek() {
        if *byte == b' ' {
            bytes.next();
        } else {
            words.push(OsString::from_vec(word(&mut bytes)?));
        }
    }
    Ok(words)
}

fn word(bytes: &mut std::iter::Peekable<std::str::Bytes<'_>>) -> Result<Vec<u8>, String> {
    let mut word = Vec::new();
    let mut quote = None;
    while let Some(byte) = bytes.next_if(|byte| quote.is_some() || *byte != b' ') {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (None, b'\'' | b'"') => quote = Some(byte),
            (Some(b'"'), b'\\') => word.push(escaped(bytes)?),
            _ => word.push(byte),
        }
    }
    if quote.is_some() { Err("a quote is not closed".to_owned()) } else { Ok(word) }
}

fn escaped(bytes: &mut impl Iterator<Item = u8>) -> Result<u8, String> {
    let mut next = || bytes.next().ok_or("nothing stands after a backslash");
    match next()? {
        b'x' => {
            let digits = [next()?, next()?];
            let digits = std::str::from_utf8(&digits).map_err(|error| error.to_string())?;
            u8::from_str_radix(digits, 16).map_err(|error| error.to_string())
        }
        other => Ok(other),
    }
}
