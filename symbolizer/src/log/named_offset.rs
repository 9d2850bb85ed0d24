//! Offsets that words tell to be such: WasmEdge, old wasmtime, wasmscope.

use wasmscope_model::CodeOffset;

use super::mention::{Layout, LogFormat, Mention, Position, ShownFunction};
use super::scan::hexadecimal;

/// Reads `Bytecode offset: 0x000003ac` and `at code offset 0x2c1`, at the offset.
pub(super) fn at_hex(line: &[u8], at: usize) -> Option<Mention<'_>> {
    let (offset, length) = line.get(at..)?.strip_prefix(b"0x").and_then(hexadecimal)?;
    let before = line.get(..at)?;
    let (format, position) = if before.ends_with(b"Bytecode offset: ") {
        (LogFormat::WasmEdge, Position::InFile(offset))
    } else if before.ends_with(b"at code offset ") {
        (LogFormat::Wasmscope, Position::InCode(CodeOffset::new(u32::try_from(offset).ok()?)))
    } else {
        return None;
    };
    Some(mention(format, at..at.saturating_add(2).saturating_add(length), position))
}

/// Reads `source location: @3ac`, at the sign.
pub(super) fn at_sign(line: &[u8], at: usize) -> Option<Mention<'_>> {
    line.get(..at)?.strip_suffix(b"source location: ")?;
    let (offset, length) = hexadecimal(line.get(at.saturating_add(1)..)?)?;
    Some(mention(LogFormat::OldTrap, at..at.saturating_add(1).saturating_add(length), Position::InFile(offset)))
}

fn mention<'l>(format: LogFormat, range: std::ops::Range<usize>, position: Position) -> Mention<'l> {
    Mention {
        format,
        insert_at: range.end,
        range,
        layout: Layout::Inline,
        escape_levels: 0,
        module: None,
        function: ShownFunction::Unknown,
        position: Some(position),
        has_line: false,
    }
}
