//! Names made short.

use std::borrow::Cow;

pub use wasmscope_model::sanitized;

/// Returns a name as outputs show it: harmless, and not empty.
pub(super) fn shown_name(name: &str) -> Cow<'_, str> {
    if name.is_empty() { Cow::Borrowed("[unnamed]") } else { sanitized(name) }
}

/// Shortens a text to `width` characters by leaving out its middle.
pub(crate) fn without_middle(text: &str, width: usize) -> Cow<'_, str> {
    let length = text.chars().count();
    if length <= width || width < 5 {
        return Cow::Borrowed(text);
    }
    let head = (width - 1) / 2;
    let tail = width - 1 - head;
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    Cow::Owned(format!("{start}…{end}"))
}

/// Shortens a text to `width` characters by leaving out its beginning.
pub(crate) fn without_beginning(text: &str, width: usize) -> Cow<'_, str> {
    let length = text.chars().count();
    if length <= width || width == 0 {
        return Cow::Borrowed(text);
    }
    let end: String = text.chars().skip(length - width + 1).collect();
    Cow::Owned(format!("…{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_both_ends_and_long_places_their_end() {
        assert_eq!(without_middle("abcdefghij", 7), "abc…hij");
        assert_eq!(without_middle("abc", 7), "abc");
        assert_eq!(without_beginning("a/b/c.rs:17", 8), "…c.rs:17");
        assert_eq!(without_beginning("c.rs:1", 7), "c.rs:1");
    }
}
