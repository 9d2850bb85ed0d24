//! Escaping as in strings of JSON, once or several times over.

use std::ops::Range;

/// Strings are escaped this many times at most: a log of logs of logs.
const MAX_LEVELS: u32 = 4;

/// Finds the end of a line that is escaped, `\n`, `\r\n`, `\\n` and so on, at the start: its length.
pub(super) fn line_end(bytes: &[u8]) -> Option<usize> {
    let end_with = |bytes: &[u8], letter: u8| {
        let slashes = slashes(bytes);
        (slashes > 0 && bytes.get(slashes) == Some(&letter)).then(|| slashes.saturating_add(1))
    };
    let carriage = end_with(bytes, b'r').unwrap_or(0);
    let rest = bytes.get(carriage..)?;
    Some(carriage.saturating_add(end_with(rest, b'n')?))
}

/// Finds the end of a line that is escaped, just before the end.
pub(super) fn line_end_before(bytes: &[u8]) -> Option<Range<usize>> {
    let letter = bytes.len().checked_sub(1)?;
    let before = bytes.get(..letter)?;
    let slashes = before.iter().rev().take(16).take_while(|byte| **byte == b'\\').count();
    let start = letter.saturating_sub(slashes);
    (slashes > 0 && bytes.last() == Some(&b'n')).then_some(start..bytes.len())
}

/// Finds where the last line begins, if ends of lines are escaped.
pub(super) fn last_line_start(bytes: &[u8]) -> usize {
    let end = bytes.windows(2).rposition(|pair| pair == b"\\n");
    end.map_or(0, |end| end.saturating_add(2))
}

/// Tells how many times the text around is escaped, given what stands for the end of a line in it.
pub(super) fn levels_of(line_end: &[u8]) -> u32 {
    // One backslash, then two, then four: each time over doubles them.
    slashes(line_end).max(1).trailing_zeros().saturating_add(1).min(MAX_LEVELS)
}

/// Tells how many times the strings of a line are escaped.
pub(super) fn levels_in(line: &[u8]) -> u32 {
    let mut at = 0;
    while let Some(found) = line.get(at..).unwrap_or_default().iter().position(|byte| *byte == b'\\') {
        at = at.saturating_add(found);
        let rest = line.get(at..).unwrap_or_default();
        if line_end(rest).is_some() {
            return levels_of(rest);
        }
        at = at.saturating_add(slashes(rest)).saturating_add(1);
    }
    let is_object = line.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    u32::from(is_object || super::scan::find(line, b"{\"", 4096).is_some())
}

/// Escapes quotes and backslashes; there are no controls in what is inserted.
pub(super) fn escaped(text: &str, levels: u32) -> String {
    (0..levels.min(MAX_LEVELS)).fold(text.to_owned(), |text, _| text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn slashes(bytes: &[u8]) -> usize {
    bytes.iter().take(16).take_while(|byte| **byte == b'\\').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_told_by_the_number_of_backslashes() {
        assert_eq!([r"\n", r"\\n", r"\\\\n", r"\\\n"].map(|end| levels_of(end.as_bytes())), [1, 2, 3, 1]);
        assert_eq!(levels_in(br#"{"message":"a\\nb"}"#), 2);
        assert_eq!(levels_in(br#"12:00 {"message":"ab"}"#), 1);
        assert_eq!(levels_in(br"C:\temp"), 0);
        assert_eq!(line_end(br"\r\nx"), Some(4));
        assert_eq!(line_end_before(br"ab\\n"), Some(2..5));
        assert_eq!(line_end_before(b"n"), None);
    }

    #[test]
    fn escaping_is_undone_by_reading_json() {
        let text = r#"C:\src\"a".c"#;
        let inner: String = serde_json::from_str(&format!("\"{}\"", escaped(text, 2))).unwrap();
        let outer: String = serde_json::from_str(&format!("\"{inner}\"")).unwrap();
        assert_eq!(outer, text);
    }
}
