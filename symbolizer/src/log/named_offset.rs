//! Offsets that words tell to be such: WasmEdge, old wasmtime, wasmscope.

use wasmscope_model::CodeOffset;

use super::escape::last_line_start;
use super::mention::{Layout, LogFormat, Mention, Position, ShownFunction};
use super::scan::{MAX_BEHIND, decimal, hexadecimal};

/// Reads `Bytecode offset: 0x000003ac` and `at code offset 0x2c1`, at the offset.
pub(super) fn at_hex(line: &[u8], at: usize) -> Option<Mention<'_>> {
    let (offset, length) = line.get(at..)?.strip_prefix(b"0x").and_then(hexadecimal)?;
    let before = line.get(..at)?;
    let range = at..at.saturating_add(2).saturating_add(length);
    if before.ends_with(b"Bytecode offset: ") {
        return Some(mention(LogFormat::WasmEdge, range, Position::InFile(offset)));
    }
    let frame = before.strip_suffix(b" at code offset ")?;
    let position = Position::InCode(CodeOffset::new(u32::try_from(offset).ok()?));
    Some(Mention { function: function_of(frame), ..mention(LogFormat::Wasmscope, range, position) })
}

/// Reads the name in `    0: name` and `    0: name (inlined)`, if that is all of its line.
fn function_of(frame: &[u8]) -> ShownFunction<'_> {
    let near = frame.get(frame.len().saturating_sub(MAX_BEHIND)..).unwrap_or_default();
    let line = near.get(last_line_start(near)..).unwrap_or_default().trim_ascii_start();
    let name = decimal(line).and_then(|(_, length)| line.get(length..)?.strip_prefix(b": "));
    match name.map(|name| name.strip_suffix(b" (inlined)").unwrap_or(name)) {
        Some(name) if !name.is_empty() && !name.starts_with(b"wasm-function[") => ShownFunction::Name(name),
        _ => ShownFunction::Unknown,
    }
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
