//! Folded stacks: a line a stack, outermost frame first.

use std::io::Write;

use wasmscope_model::{Event, FunctionId, Location, Recording};

use super::display_name::shown_name;
use super::word_stacks::WordStacks;

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
    let functions = &recording.profile.functions;
    let name =
        |id: FunctionId| functions.get(id.0 as usize).map(|function| frame_name(&function.name)).unwrap_or_default();
    let suffix = |location: &Location, depth| if depth + 1 == location.lines.len() { "" } else { INLINED };
    for (stack, count) in WordStacks::new(recording, event, name, suffix, NO_STACK).written_out() {
        writeln!(out, "{} {count}", without_number_at_end(stack))?;
    }
    out.flush()
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
