//! Folded stacks: a line a stack, outermost frame first.

use std::collections::BTreeMap;
use std::io::Write;

use wasmscope_model::{Event, Recording, SampleRow};

use super::display_name::shown_name;

/// Marks a frame that the compiler inlined into the one before it.
const INLINED: &str = "_[i]";

/// Stands for a stack without any frame, as files of other tools may have.
pub(super) const NO_STACK: &str = "[no stack]";

/// Writes `frame;frame;frame weight` lines, sorted: samples, or for time off the CPU microseconds. Inlined frames end in
/// `_[i]`.
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
    for row in recording.rows(event).filter(|row| row.weight() > 0) {
        let sum: &mut u64 = lines.entry(folded_stack(recording, row)).or_default();
        *sum = sum.saturating_add(row.weight());
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
    if text.is_empty() { NO_STACK.to_owned() } else { without_number_at_end(text) }
}

/// Keeps readers from taking the end of a name for a count: `frame 12 7` means two counts to some of them.
fn without_number_at_end(mut stack: String) -> String {
    let digits = stack.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if digits.len() < stack.len() && digits.ends_with(' ') {
        let space = digits.len() - 1;
        stack.replace_range(space..=space, "_");
    }
    stack
}

/// Returns a function's name as a frame of a folded stack, where `;` and line ends have a meaning of their own.
pub(crate) fn frame_name(name: &str) -> String {
    shown_name(name).replace(';', ",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_ends_in_a_number_is_not_taken_for_a_count() {
        assert_eq!(without_number_at_end("a;operator 12".to_owned()), "a;operator_12");
        assert_eq!(without_number_at_end("a;f12".to_owned()), "a;f12");
        assert_eq!(without_number_at_end("a;12".to_owned()), "a;12");
    }
}
