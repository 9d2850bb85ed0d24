//! Folded stacks: a line a stack, outermost frame first.

use std::collections::BTreeMap;
use std::io::Write;

use wasmscope_model::{Event, Recording, SampleRow};

use super::display_name::sanitized;

/// Marks a frame that the compiler inlined into the one before it.
const INLINED: &str = "_[i]";

/// Writes `frame;frame;frame count` lines, sorted. Inlined frames end in `_[i]`.
///
/// # Errors
///
/// When `out` fails.
pub fn write_folded(recording: &Recording, event: Event, mut out: impl Write) -> std::io::Result<()> {
    for (stack, count) in folded_lines(recording, event) {
        writeln!(out, "{stack} {count}")?;
    }
    out.flush()
}

/// Returns the folded stacks with their counts, sorted; stacks that read the same are added up.
fn folded_lines(recording: &Recording, event: Event) -> BTreeMap<String, u64> {
    let mut lines = BTreeMap::new();
    for row in recording.rows(event) {
        *lines.entry(folded_stack(recording, row)).or_default() += row.count;
    }
    lines
}

fn folded_stack(recording: &Recording, row: &SampleRow) -> String {
    let mut text = String::new();
    for location in recording.stack(row.stack).rev() {
        let physical = location.lines.len().saturating_sub(1);
        for (depth, line) in location.lines.iter().enumerate().rev() {
            if !text.is_empty() {
                text.push(';');
            }
            if let Some(function) = recording.profile.functions.get(line.function.0 as usize) {
                text.push_str(&frame_name(&function.name));
            }
            if depth != physical {
                text.push_str(INLINED);
            }
        }
    }
    text
}

/// Returns a function's name as a frame of a folded stack, where `;` and line ends have a meaning of their own.
pub(super) fn frame_name(name: &str) -> String {
    let name = sanitized(name).replace(';', ",");
    if name.is_empty() { "[unnamed]".to_owned() } else { name }
}
