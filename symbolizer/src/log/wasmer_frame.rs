//! Frames as wasmer writes them.

use super::mention::{Layout, LogFormat, Mention, Position, ShownFunction};
use super::scan::{MAX_BEHIND, behind_parenthesis, decimal, decimal_before, hexadecimal};
use super::web_frame::UNKNOWN_OFFSET;

/// Reads `(mod[10]:0x3ac)`, at the offset.
pub(super) fn at_hex(line: &[u8], at: usize) -> Option<Mention<'_>> {
    let (offset, length) = line.get(at..)?.strip_prefix(b"0x").and_then(hexadecimal)?;
    let number = line.get(..at)?.strip_suffix(b"]:")?;
    let digits = decimal_before(number)?;
    let (index, _) = decimal(number.get(digits..)?)?;
    let module_end = number.get(..digits)?.strip_suffix(b"[")?.len();
    let before = line.get(module_end.saturating_sub(MAX_BEHIND)..module_end)?;
    // The name that stands for a missing one may have parentheses in it.
    let open = if before.ends_with(b">") { b'<' } else { b'(' };
    let opened = before.iter().rposition(|byte| *byte == open)?;
    let name = before.get(opened.saturating_add(usize::from(open == b'('))..)?;
    let end = at.saturating_add(2).saturating_add(length);
    Some(Mention {
        format: LogFormat::Wasmer,
        range: module_end.saturating_sub(name.len())..end,
        insert_at: behind_parenthesis(line, end),
        layout: Layout::Inline,
        escape_levels: 0,
        module: Some(name),
        function: ShownFunction::Index(index),
        position: (offset != UNKNOWN_OFFSET).then_some(Position::InFile(offset)),
        has_line: false,
    })
}
