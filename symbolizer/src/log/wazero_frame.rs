//! Frames as wazero writes them.

use super::escape::line_end_before;
use super::mention::{Layout, LogFormat, Mention, ShownFunction};
use super::scan::{decimal, url_before};

/// Reads `mod.$10(i32,i32) i32`, at the dot. A function with a name is written with the name, and leaves nothing to tell.
pub(super) fn at_dot(line: &[u8], at: usize) -> Option<Mention<'_>> {
    let digits = line.get(at..)?.strip_prefix(b".$")?;
    let (index, length) = decimal(digits)?;
    let open = at.saturating_add(2).saturating_add(length);
    line.get(open..)?.strip_prefix(b"(")?;
    let start = url_before(line.get(..at)?);
    let before = line.get(..start)?;
    let begins = before.last().is_none_or(u8::is_ascii_whitespace)
        || line_end_before(before).is_some()
        // The tab of a string in JSON; the `t` has been taken for the name of the module.
        || before.ends_with(b"\\");
    if !begins {
        return None;
    }
    let signature = |byte: &&u8| matches!(**byte, b'a'..=b'z' | b'0'..=b'9' | b'(' | b')' | b',' | b' ');
    let taken = line.get(open..)?.iter().take(256).take_while(signature).count();
    let text = line.get(open..open.saturating_add(taken))?;
    let blanks = text.iter().rev().take_while(|byte| **byte == b' ').count();
    let end = open.saturating_add(taken).saturating_sub(blanks);
    let escape = usize::from(before.ends_with(b"\\") && matches!(line.get(start), Some(b't' | b'n')));
    Some(Mention {
        format: LogFormat::Wazero,
        range: start.saturating_add(escape)..end,
        insert_at: end,
        layout: Layout::Inline,
        escape_levels: 0,
        module: line.get(start.saturating_add(escape)..at),
        function: ShownFunction::Index(index),
        position: None,
        has_line: false,
    })
}
