//! What is inserted where a log mentions code.

use wasmscope_model::{NameOrigin, ResolvedFrame, sanitized};

use super::escape::{escaped, last_line_start};
use super::known_modules::FoundPlace;
use super::mention::{Layout, LogFormat, Mention, ShownFunction};
use crate::demangle;

/// Of a chain of inlined functions, this many are told.
const MAX_FRAMES: usize = 64;
/// Names and paths are cut at this many characters.
const MAX_CHARS: usize = 1024;
/// The name is looked for this far before the place.
const NAME_BEFORE: usize = 2048;

/// Returns the lines, or the part of a line, that tell a place; nothing when they would tell nothing new.
///
/// Lines come without their ends and without indentation.
pub(super) fn lines(mention: &Mention<'_>, line: &[u8], found: &FoundPlace) -> Vec<String> {
    let frames = found.resolved.frames.get(..MAX_FRAMES).unwrap_or(&found.resolved.frames);
    let has_line = frames.iter().any(|frame| place_of(frame, found).is_some());
    let is_unnamed = matches!(found.resolved.name, NameOrigin::Unnamed(_)) && !has_line;
    let shown = frames.last().is_some_and(|frame| frames.len() == 1 && is_shown(mention, line, frame));
    if is_unnamed || (shown && !has_line) {
        return Vec::new();
    }
    let cut = found.resolved.frames.len().saturating_sub(frames.len());
    let mut told = match mention.layout {
        Layout::Inline => inline(frames, found, cut),
        Layout::Beneath(_) | Layout::BeneathEscaped { .. } => beneath(frames, found, shown, cut),
    };
    for text in &mut told {
        *text = escaped(text, mention.escape_levels);
    }
    told
}

fn inline(frames: &[ResolvedFrame], found: &FoundPlace, cut: usize) -> Vec<String> {
    let told = frames.iter().map(|frame| match place_of(frame, found) {
        Some(place) if found.place.offset.is_some() => format!("{} at {place}", cleaned(&frame.name)),
        Some(place) => format!("{}, declared at {place}", cleaned(&frame.name)),
        None => cleaned(&frame.name),
    });
    let mut text = format!(" = {}", told.collect::<Vec<_>>().join(", inlined into "));
    if cut > 0 {
        text.push_str(&format!(", inlined into {cut} more"));
    }
    vec![text]
}

fn beneath(frames: &[ResolvedFrame], found: &FoundPlace, shown: bool, cut: usize) -> Vec<String> {
    let mut told = Vec::new();
    for frame in frames {
        if !shown {
            told.push(format!("- {}", cleaned(&frame.name)));
        }
        match place_of(frame, found) {
            Some(place) if found.place.offset.is_some() => told.push(format!("    at {place}")),
            Some(place) => told.push(format!("    declared at {place}")),
            None => {}
        }
    }
    if cut > 0 {
        told.push(format!("- {cut} more"));
    }
    told
}

/// Writes file, line and column as far as they are known; where only the function is meant, those of its declaration.
fn place_of(frame: &ResolvedFrame, found: &FoundPlace) -> Option<String> {
    let file = cleaned(&frame.file);
    match (found.place.offset, frame.line, frame.column, frame.start_line) {
        (Some(_), 0, ..) | (None, _, _, 0) => None,
        (Some(_), line, 0, _) => Some(format!("{file}:{line}")),
        (Some(_), line, column, _) => Some(format!("{file}:{line}:{column}")),
        (None, _, _, line) => Some(format!("{file}:{line}")),
    }
}

/// Tells whether the log has the function's name already.
fn is_shown(mention: &Mention<'_>, line: &[u8], frame: &ResolvedFrame) -> bool {
    match mention.function {
        ShownFunction::Name(shown) => {
            let shown = String::from_utf8_lossy(shown);
            *shown == frame.system_name || *shown == frame.name || demangle(&shown) == frame.name
        }
        // The index stands where the name would.
        ShownFunction::Index(_) if matches!(mention.format, LogFormat::Numbered | LogFormat::Wamr) => false,
        ShownFunction::Index(_) | ShownFunction::Unknown => {
            let before = line.get(..mention.range.start).unwrap_or_default();
            let before = before.get(before.len().saturating_sub(NAME_BEFORE)..).unwrap_or_default();
            let before = before.get(last_line_start(before)..).unwrap_or_default();
            let before = String::from_utf8_lossy(before);
            has_word(&before, &frame.name) || has_word(&before, &frame.system_name)
        }
    }
}

/// Tells whether a text has a name in it that is not part of a longer one.
fn has_word(text: &str, name: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(name).any(|(at, _)| {
        let (before, behind) = (text.get(..at).unwrap_or_default(), text.get(at..).unwrap_or_default());
        let behind = behind.get(name.len()..).unwrap_or_default();
        !name.is_empty() && !is_part(before.chars().next_back()) && !is_part(behind.chars().next())
    })
}

fn cleaned(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", sanitized(text.get(..end).unwrap_or_default())),
        None => sanitized(text).into_owned(),
    }
}
