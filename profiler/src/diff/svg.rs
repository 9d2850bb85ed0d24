//! A flame graph of two recordings: widths are the second's, colours tell what changed.

use std::collections::BTreeMap;
use std::io::Write;

use inferno::flamegraph::{self, Options, TextTruncateDirection};

use wasmscope_model::Event;

use super::{Comparison, StackChange};
use crate::export::{ExportError, MAX_TEXT_BYTES, folded_frame_name};

/// Writes a differential flame graph: red frames take more than before, blue ones less, and white ones the same.
///
/// # Errors
///
/// [`ExportError::Empty`] when the second recording has no sample of the event, and [`ExportError::TooLarge`] when the stacks
/// cannot be drawn in bounded memory; nothing is written then.
pub fn write_diff_svg(comparison: &Comparison, title: &str, mut out: impl Write) -> Result<(), ExportError> {
    // Times in whole microseconds: the numbers of both are of one kind then, whatever the rates were.
    let (unit, unit_name) = match comparison.event {
        Event::Alloc | Event::Live => (1.0, "bytes"),
        Event::Cpu | Event::Wait | Event::Ready => (1e3, "µs"),
    };
    let names = |stack: &StackChange| stack.frames.iter().map(|name| name.len() as u64 + 1).sum::<u64>();
    if comparison.stacks.iter().map(names).fold(0, u64::saturating_add) > MAX_TEXT_BYTES {
        return Err(ExportError::TooLarge { limit: MAX_TEXT_BYTES });
    }
    let mut lines: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for stack in &comparison.stacks {
        let names: Vec<_> = stack.frames.iter().map(|name| folded_frame_name(name)).collect();
        let text = if names.is_empty() { "[no stack]".to_owned() } else { names.join(";") };
        let sums = lines.entry(text).or_default();
        sums.0 = sums.0.saturating_add((stack.change.before / unit).round() as u64);
        sums.1 = sums.1.saturating_add((stack.change.after / unit).round() as u64);
    }
    if lines.values().all(|(_, after)| *after == 0) {
        return Err(ExportError::Empty);
    }
    let lines: Vec<String> = lines.iter().map(|(text, (before, after))| format!("{text} {before} {after}")).collect();
    let mut options = Options::default();
    options.title = crate::export::sanitized(title).into_owned();
    options.subtitle =
        Some(format!("{}: red takes more than before, blue less · {}", comparison.event, comparison.pace.in_words()));
    options.count_name = unit_name.to_owned();
    options.font_type = "monospace".to_owned();
    options.text_truncate_direction = TextTruncateDirection::Right;
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut svg)
        .map_err(|error| ExportError::Io(std::io::Error::other(error.to_string())))?;
    out.write_all(&svg)?;
    Ok(out.flush()?)
}
