//! Frames with a number: wasmtime, wasm3, Envoy, WAMR, wasmgdb.

use std::ops::Range;

use super::escape::{levels_of, line_end, line_end_before};
use super::mention::{Layout, LogFormat, Mention, Position, ShownFunction};
use super::scan::{decimal, decimal_before, hexadecimal, run_before, text_at};

/// Reads `0: 0x3ac - mod!name` and `#00: 0x03ac - $f10`, at the address.
pub(super) fn at_hex(line: &[u8], at: usize) -> Option<Mention<'_>> {
    let digits_at = at.saturating_add(2);
    let (offset, digits) = line.get(at..)?.strip_prefix(b"0x").and_then(hexadecimal)?;
    // Addresses of a native stack are wider.
    u32::try_from(offset).ok()?;
    let dash = digits_at.saturating_add(digits).saturating_add(1);
    line.get(dash.saturating_sub(1)..)?.strip_prefix(b" - ")?;
    let number = number_before(line.get(..at)?)?;
    let text = text_at(line, dash.saturating_add(2));
    let shown = line.get(text.clone())?;
    let is_wamr = line.get(number) == Some(&b'#');
    let (format, module, function) = if is_wamr {
        (LogFormat::Wamr, None, wamr_function(shown))
    } else {
        let (module, name) = match shown.iter().position(|byte| *byte == b'!') {
            Some(mark) => (shown.get(..mark), shown.get(mark.saturating_add(1)..)?),
            None => (None, shown),
        };
        (LogFormat::Numbered, module, wasmtime_function(name))
    };
    let position = if is_wamr { Position::BehindInFile(offset) } else { Position::InFile(offset) };
    let mut mention = Mention {
        format,
        range: at..text.end,
        insert_at: text.end,
        layout: Layout::Inline,
        escape_levels: 0,
        module,
        function,
        position: Some(position),
        has_line: false,
    };
    set_layout(&mut mention, line, number, dash);
    Some(mention)
}

/// Reads `#0 000010 as name ()` and `#00 $f10`, at the number.
pub(super) fn at_number_sign(line: &[u8], at: usize) -> Option<Mention<'_>> {
    line.get(..at).filter(|before| begins_word(before))?;
    let (_, digits) = decimal(line.get(at.saturating_add(1)..)?)?;
    let behind = at.saturating_add(1).saturating_add(digits);
    let blanks = line.get(behind..)?.iter().take(8).take_while(|byte| **byte == b' ').count();
    let start = behind.saturating_add(blanks);
    let rest = line.get(start..).filter(|_| blanks > 0)?;
    let (format, index) = if let Some(rest) = rest.strip_prefix(b"$f") {
        (LogFormat::Wamr, decimal(rest)?.0)
    } else {
        let (index, length) = decimal(rest)?;
        rest.get(length..)?.strip_prefix(b" as ").filter(|_| length >= 6)?;
        (LogFormat::Wasmgdb, index)
    };
    let text = text_at(line, start);
    Some(Mention {
        format,
        range: start..text.end,
        insert_at: text.end,
        layout: Layout::Inline,
        escape_levels: 0,
        module: None,
        function: ShownFunction::Index(index),
        position: None,
        has_line: false,
    })
}

/// Finds where the number of a frame begins, with the sign before it.
fn number_before(before: &[u8]) -> Option<usize> {
    let behind_colon = run_before(before, |byte| byte == b' ');
    let number = before.get(..behind_colon)?.strip_suffix(b":")?;
    let digits = decimal_before(number).filter(|start| number.len().saturating_sub(*start) <= 6)?;
    let start = if number.get(..digits)?.ends_with(b"#") { digits.saturating_sub(1) } else { digits };
    begins_word(number.get(..start)?).then_some(start)
}

/// Tells whether a word can begin behind these bytes.
fn begins_word(before: &[u8]) -> bool {
    before.last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'#') || line_end_before(before).is_some()
}

fn wasmtime_function(name: &[u8]) -> ShownFunction<'_> {
    let index = name.strip_prefix(b"<wasm function ").and_then(decimal);
    match index {
        Some((index, _)) => ShownFunction::Index(index),
        None if name.is_empty() => ShownFunction::Unknown,
        None => ShownFunction::Name(name),
    }
}

fn wamr_function(name: &[u8]) -> ShownFunction<'_> {
    let index = name.strip_prefix(b"$f").and_then(|digits| Some((decimal(digits)?, digits.len())));
    match index {
        Some(((index, length), all)) if length == all => ShownFunction::Index(index),
        _ => ShownFunction::Name(name),
    }
}

/// A frame that has a line to itself gets lines beneath it.
fn set_layout(mention: &mut Mention<'_>, line: &[u8], number: usize, dash: usize) {
    let start = line_start(line, number);
    let Some(rest) = line.get(mention.insert_at..) else {
        return;
    };
    let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let rest = rest.get(blanks..).unwrap_or_default();
    let Some(start) = start else {
        return;
    };
    let next_end = line_end(rest);
    let last_end = line_end_before(line.get(..start).unwrap_or_default());
    let of_escaped = match (next_end, last_end) {
        (Some(length), _) => rest.get(..length),
        (None, Some(range)) if rest.is_empty() || rest.starts_with(b"\"") || rest.starts_with(b"\\") => line.get(range),
        _ => None,
    };
    let indent = indent(line, start..dash);
    if let Some(line_end) = of_escaped {
        mention.escape_levels = levels_of(line_end);
        mention.layout = Layout::BeneathEscaped { line_end: line_end.to_vec(), indent };
        mention.has_line = next_end.is_some_and(|length| is_line_of_place(rest.get(length..).unwrap_or_default()));
    } else if start == 0 && rest.is_empty() {
        mention.layout = Layout::Beneath(indent);
    }
}

/// Finds where the line of a frame begins, if only blanks stand before it.
fn line_start(line: &[u8], number: usize) -> Option<usize> {
    let mut start = run_before(line.get(..number)?, |byte| matches!(byte, b' ' | b'\t'));
    // Escaped tabs.
    while line.get(..start)?.ends_with(b"\\t") {
        start = start.saturating_sub(2);
    }
    let before = line.get(..start)?;
    (start == 0 || before.ends_with(b"\"") || line_end_before(before).is_some()).then_some(start)
}

/// Makes what stands before a frame's dash: its blanks as they are, and a blank for everything else.
fn indent(line: &[u8], range: Range<usize>) -> Vec<u8> {
    let text = line.get(range).unwrap_or_default();
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\\' | b't');
    let blanks = text.iter().take_while(|byte| is_blank(byte)).count();
    let (mut indent, rest) = (text.get(..blanks).unwrap_or_default().to_vec(), text.get(blanks..).unwrap_or_default());
    indent.extend(rest.iter().map(|_| b' '));
    indent
}

/// Tells whether a line is that of a place: `at file:line`, as wasmtime writes it beneath a frame.
pub(super) fn is_line_of_place(line: &[u8]) -> bool {
    let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    blanks > 0 && line.get(blanks..).unwrap_or_default().starts_with(b"at ")
}
