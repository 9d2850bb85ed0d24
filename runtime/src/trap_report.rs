//! What a trap tells, with names and lines.

use std::fmt::Write;

use wasmscope_model::{CodeIdentity, CodeLocation, CodeOffset, LineOrigin, Resolved, SymbolSource};
use wasmscope_profiler::export::sanitized;
use wasmscope_symbolizer::Symbolizer;
use wasmtime::WasmBacktrace;

/// A trap: what happened, and the guest's stack at that moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrapReport {
    /// What happened, in wasmtime's words.
    pub message: String,
    /// The stack, innermost frame first, a text a line; inlined frames stand before the function they are in.
    pub frames: Vec<String>,
    /// Whether the module carries no line information, so that a rebuild would tell more.
    pub without_lines: bool,
}

impl TrapReport {
    /// Collects what an error of wasmtime's tells about a guest's module.
    pub(crate) fn new(
        error: &wasmtime::Error,
        identity: CodeIdentity,
        code_section_start: u64,
        symbolizer: &mut Symbolizer,
    ) -> Self {
        let mut report = Self { message: message_of(error), frames: Vec::new(), without_lines: false };
        let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
            return report;
        };
        for (number, frame) in backtrace.frames().iter().enumerate() {
            let file_offset = frame.module_offset().map(|offset| offset as u64);
            let offset = file_offset.and_then(|offset| CodeOffset::from_file_offset(offset, code_section_start));
            let place =
                CodeLocation { module: identity, function_index: frame.func_index(), offset, approximate: false };
            let resolved = symbolizer.resolve(&place);
            report.without_lines |= matches!(resolved.line, LineOrigin::Missing(_));
            report.add_frame(number, offset, &resolved);
        }
        report
    }

    fn add_frame(&mut self, number: usize, offset: Option<CodeOffset>, resolved: &Resolved) {
        let last = resolved.frames.len().saturating_sub(1);
        for (depth, frame) in resolved.frames.iter().enumerate() {
            let mut text = if depth == 0 { format!("{number:>4}: ") } else { " ".repeat(6) };
            text.push_str(&sanitized(&frame.name));
            if depth < last {
                text.push_str(" (inlined)");
            }
            // Writing to a String does not fail.
            if frame.line != 0 {
                let _ = write!(text, " at {}:{}:{}", sanitized(&frame.file), frame.line, frame.column);
            } else if let Some(offset) = offset {
                let _ = write!(text, " at code offset {offset}");
            }
            self.frames.push(text);
        }
    }

    /// Writes the report as lines of text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\nguest backtrace:\n", self.message);
        for frame in &self.frames {
            text.push_str(frame);
            text.push('\n');
        }
        if self.without_lines {
            text.push_str("note: some frames have no lines; build the guest with debug information (-g) to see them\n");
        }
        text
    }
}

/// Joins the causes of an error, without the backtrace that wasmtime keeps among them.
fn message_of(error: &wasmtime::Error) -> String {
    let causes = error.chain().map(ToString::to_string).filter(|cause| !cause.contains("wasm backtrace:"));
    let text = causes.collect::<Vec<_>>().join(": ");
    if text.is_empty() { "the guest failed".to_owned() } else { text }
}
