//! Text out of debug information.

use std::borrow::Cow;

use super::Slice;

/// Text longer than this is cut before anything is done with it.
const MAX_TEXT_BYTES: usize = 8192;

/// Reads text, with the replacement character for what is no UTF-8.
pub(super) fn lossy(text: Slice<'_>) -> Cow<'_, str> {
    let bytes = text.slice();
    String::from_utf8_lossy(bytes.get(..MAX_TEXT_BYTES).unwrap_or(bytes))
}
