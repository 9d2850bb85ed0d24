//! Small steps through the bytes of a line. All of them look at a bounded number of bytes.

use std::ops::Range;

/// Names longer than this are not looked for.
pub(super) const MAX_NAME: usize = 4096;
/// How far the other end of a name of a module, or of a URL, is looked for.
pub(super) const MAX_BEHIND: usize = 512;

/// Reads decimal digits at the start: the number, and how many bytes it takes.
pub(super) fn decimal(bytes: &[u8]) -> Option<(u32, usize)> {
    let length = bytes.iter().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(bytes.get(..length)?).ok()?.parse().ok()?;
    Some((number, length))
}

/// Reads hexadecimal digits at the start: the number, and how many bytes it takes.
pub(super) fn hexadecimal(bytes: &[u8]) -> Option<(u64, usize)> {
    let length = bytes.iter().take(17).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let number = u64::from_str_radix(std::str::from_utf8(bytes.get(..length)?).ok()?, 16).ok()?;
    Some((number, length))
}

/// Reads the decimal digits at the end: where they begin, if there are any, and not more than a number has.
pub(super) fn decimal_before(bytes: &[u8]) -> Option<usize> {
    let length = bytes.iter().rev().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    (1..=10).contains(&length).then(|| bytes.len().saturating_sub(length))
}

/// Finds where the last run of bytes that `within` accepts begins, [`MAX_BEHIND`] bytes back at most.
pub(super) fn run_before(bytes: &[u8], within: impl Fn(u8) -> bool) -> usize {
    let length = bytes.iter().rev().take(MAX_BEHIND).take_while(|byte| within(**byte)).count();
    bytes.len().saturating_sub(length)
}

/// Finds where the text that begins at `from` ends: at a line's end, escaped or not, at a quote, or at a terminal's
/// escape sequence. Blanks before that do not count.
pub(super) fn text_at(line: &[u8], from: usize) -> Range<usize> {
    let text = line.get(from..).unwrap_or_default();
    let text = text.get(..MAX_NAME).unwrap_or(text);
    let ends = |(at, byte): (usize, &u8)| match byte {
        b'\r' | b'\n' | b'"' | 0x1b => true,
        b'\\' => {
            let behind = text.get(at..).unwrap_or_default().iter().find(|byte| **byte != b'\\');
            matches!(behind, Some(b'n' | b'r' | b'"') | None)
        }
        _ => false,
    };
    let end = text.iter().enumerate().position(ends).unwrap_or(text.len());
    let blanks = text.get(..end).unwrap_or_default().iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
    from..from.saturating_add(end.saturating_sub(blanks))
}

/// Finds where a URL, or a name of a module, that ends here begins.
pub(super) fn url_before(bytes: &[u8]) -> usize {
    run_before(bytes, |byte| !byte.is_ascii_whitespace() && !matches!(byte, b'(' | b'@' | b'"' | b'\'' | b',' | b'\\'))
}

/// Takes in a closing parenthesis behind a place.
pub(super) fn behind_parenthesis(line: &[u8], end: usize) -> usize {
    if line.get(end) == Some(&b')') { end.saturating_add(1) } else { end }
}

/// Finds a text in the first bytes of another.
pub(super) fn find(bytes: &[u8], text: &[u8], within: usize) -> Option<usize> {
    bytes.get(..within).unwrap_or(bytes).windows(text.len()).position(|window| window == text)
}
