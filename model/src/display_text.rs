//! Guest-made text made harmless.

use std::borrow::Cow;

/// Replaces characters that could move a cursor, reorder text or end a line: controls, bidirectional marks, line and
/// paragraph separators, and the zero-width ones that hide in names.
pub fn sanitized(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_harmful) {
        Cow::Owned(text.chars().map(|c| if is_harmful(c) { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_and_bidi_tricks_do_not_get_through() {
        assert_eq!(sanitized("a\x1b[31mb\n\u{202e}c"), "a\u{fffd}[31mb\u{fffd}\u{fffd}c");
        assert!(matches!(sanitized("plain::name<'a>"), Cow::Borrowed(_)));
    }
}
