//! Places as engines of JavaScript write them.

use super::mention::{Layout, LogFormat, Mention, Position, ShownFunction};
use super::scan::{MAX_BEHIND, behind_parenthesis, decimal, find, hexadecimal, url_before};

/// wasmer and V8 write this where they do not know.
pub(super) const UNKNOWN_OFFSET: u64 = 0xffff_ffff;
/// Safari writes one of these behind a place.
const WASM_CODE: [&[u8]; 2] = [b"@[wasm code]", b" in [wasm code]"];

/// Reads `URL:wasm-function[10]:0x3ac` and its kin, at `wasm-function`; what precedes `floor` belongs to the place before.
pub(super) fn at_function(line: &[u8], at: usize, floor: usize) -> Option<Mention<'_>> {
    const WORD: &[u8] = b"wasm-function[";
    let inside = line.get(at..)?.strip_prefix(WORD)?;
    let (function, length) = match decimal(inside) {
        Some((index, length)) if inside.get(length) == Some(&b']') => (ShownFunction::Index(index), length),
        _ => {
            let length = name_length(inside)?;
            (ShownFunction::Name(inside.get(..length).filter(|name| !name.is_empty())?), length)
        }
    };
    let mut end = at.saturating_add(WORD.len()).saturating_add(length).saturating_add(1);
    let rest = line.get(end..)?;
    let mut position = None;
    if let Some((offset, length)) = rest.strip_prefix(b":0x").and_then(hexadecimal) {
        end = end.saturating_add(3).saturating_add(length);
        position = (offset != UNKNOWN_OFFSET).then_some(Position::InFile(offset));
    } else if let Some(words) = WASM_CODE.iter().find(|words| rest.starts_with(words)) {
        end = end.saturating_add(words.len());
    }
    let before = line.get(floor..at)?;
    let url = before.strip_suffix(b":").or_else(|| before.strip_suffix(b"."));
    let module = url.and_then(|url| url.get(url_before(url)..));
    let start = at.saturating_sub(module.map_or(0, |module| module.len().saturating_add(1)));
    Some(mention(LogFormat::Web, line, start..end, module, function, position))
}

/// Reads `wasm://wasm/00034e3a:1:941`, at the scheme.
pub(super) fn at_scheme(line: &[u8], at: usize) -> Option<Mention<'_>> {
    let url = line.get(at..)?;
    url.strip_prefix(b"wasm://")?;
    let within = |byte: &&u8| !byte.is_ascii_whitespace() && !matches!(**byte, b'(' | b')' | b'"' | b'\\' | b',');
    let length = url.iter().take(MAX_BEHIND).take_while(within).count();
    let url = url.get(..length)?;
    let column_at = url.iter().rposition(|byte| *byte == b':')?;
    let line_at = url.get(..column_at)?.iter().rposition(|byte| *byte == b':')?;
    let numbers = url.get(line_at.saturating_add(1)..)?;
    let (position, taken) = line_and_column(numbers)?;
    let end = at.saturating_add(line_at).saturating_add(1).saturating_add(taken);
    Some(mention(LogFormat::WebColumn, line, at..end, url.get(..line_at), ShownFunction::Unknown, Some(position)))
}

/// Reads `URL.wasm:940:1`, `URL.wasm:1:941` and `URL.wasm:0x3ac`, at `.wasm`.
pub(super) fn at_ending(line: &[u8], at: usize) -> Option<Mention<'_>> {
    let numbers = line.get(at..)?.strip_prefix(b".wasm:")?;
    let module_end = at.saturating_add(5);
    let (position, taken) = match numbers.strip_prefix(b"0x").and_then(hexadecimal) {
        Some((offset, length)) => (Position::InFile(offset), length.saturating_add(2)),
        None => line_and_column(numbers)?,
    };
    let start = url_before(line.get(..at)?);
    let module = line.get(start..module_end)?;
    // What else stands in logs as `file:line:column` begins its line, or follows a word.
    if !(is_frame(line.get(..start)?) || find(module, b"://", module.len()).is_some()) {
        return None;
    }
    let end = module_end.saturating_add(1).saturating_add(taken);
    Some(mention(LogFormat::WebColumn, line, start..end, Some(module), ShownFunction::Unknown, Some(position)))
}

/// Reads `at 00034e3a:0x3ac`, as the console of Chrome shortens the name of a module without URL, at the offset.
pub(super) fn at_hex(line: &[u8], at: usize) -> Option<Mention<'_>> {
    let (offset, length) = line.get(at..)?.strip_prefix(b"0x").and_then(hexadecimal)?;
    let hash = line.get(..at)?.strip_suffix(b":")?;
    let start = hash.len().checked_sub(8)?;
    if !hash.get(start..)?.iter().all(u8::is_ascii_hexdigit) || !is_frame(hash.get(..start)?) {
        return None;
    }
    let end = at.saturating_add(2).saturating_add(length);
    let position = Some(Position::InFile(offset));
    Some(mention(LogFormat::WebColumn, line, start..end, None, ShownFunction::Unknown, position))
}

/// Reads line and column. V8 has line 1 and counts columns from 1, Firefox has the offset as the line and column 1.
fn line_and_column(numbers: &[u8]) -> Option<(Position, usize)> {
    let (line, length) = decimal(numbers)?;
    let rest = numbers.get(length..)?.strip_prefix(b":")?;
    let (column, column_length) = decimal(rest)?;
    let offset = match (line, column) {
        (1, column) => column.checked_sub(1)?,
        (line, 1) => line,
        _ => return None,
    };
    let taken = length.saturating_add(1).saturating_add(column_length);
    Some((Position::InFile(offset.into()), taken))
}

/// Tells whether a frame's location can begin behind these bytes.
fn is_frame(before: &[u8]) -> bool {
    before.ends_with(b"at ") || before.ends_with(b"(") || before.ends_with(b"@")
}

/// Finds the end of a name in brackets, which may have brackets itself: where Safari's words follow, else at the first.
fn name_length(inside: &[u8]) -> Option<usize> {
    let mut first = None;
    for (at, byte) in inside.iter().enumerate().take(MAX_BEHIND) {
        match byte {
            b'\r' | b'\n' | b'"' | b'\\' => break,
            b']' => {
                let behind = inside.get(at.saturating_add(1)..).unwrap_or_default();
                if WASM_CODE.iter().any(|words| behind.starts_with(words)) {
                    return Some(at);
                }
                first = first.or(Some(at));
            }
            _ => {}
        }
    }
    first
}

fn mention<'l>(
    format: LogFormat,
    line: &'l [u8],
    range: std::ops::Range<usize>,
    module: Option<&'l [u8]>,
    function: ShownFunction<'l>,
    position: Option<Position>,
) -> Mention<'l> {
    let insert_at = behind_parenthesis(line, range.end);
    Mention {
        format,
        range,
        insert_at,
        layout: Layout::Inline,
        escape_levels: 0,
        module,
        function,
        position,
        has_line: false,
    }
}
