//! What a trap tells, with names and lines.

use std::fmt;

use wasmscope_model::{CodeLocation, CodeOffset, LineOrigin, Resolved, SymbolSource};
use wasmscope_profiler::export::sanitized;
use wasmscope_symbolizer::{ModuleImage, Symbolizer};
use wasmtime::{FrameInfo, Trap, WasmBacktrace};

use crate::trap_words::explanation;

/// Finds the module of a frame, given its offset in the file.
pub(crate) type ImageOf<'a> = dyn Fn(&FrameInfo, Option<u64>) -> Option<ModuleImage> + 'a;

/// Why a guest's run ended early, and the guest's stack at that moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrapReport {
    /// What happened, in wasmtime's words.
    pub message: String,
    /// What that means, in one line, where the words do not say it.
    pub explanation: Option<&'static str>,
    /// Why the guest's program says that it gave up, where it wrote that to our standard error: a panic of Rust's or Go's, a
    /// failed assertion of C's.
    pub last_words: Option<String>,
    /// The stack, innermost frame first; inlined frames stand before the function that they are part of.
    pub frames: Vec<TrapFrame>,
    /// Whether the stack was cut at wasmtime's limit.
    pub cut: bool,
    /// Whether frames lack lines because the module carries none.
    pub without_lines: bool,
}

/// One frame of the stack of a trap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrapFrame {
    /// The number of the physical frame, innermost 0; inlined frames share that of their function.
    pub number: usize,
    /// The function's name, demangled.
    pub function: String,
    /// Whether it was inlined into the frame after it.
    pub inlined: bool,
    /// `file:line:column`, or the offset in the code section where there is no line.
    pub place: String,
}

impl TrapReport {
    /// Collects what an error of wasmtime's tells about the modules of a session.
    ///
    /// `image_of` finds the module of a frame, given its offset in the file; `add_debug_files` adds to a symbolizer that knows
    /// these modules what they lack.
    pub(crate) fn new(
        error: &wasmtime::Error,
        image_of: &ImageOf<'_>,
        add_debug_files: impl FnOnce(&mut Symbolizer),
    ) -> Self {
        let explanation = error.downcast_ref::<Trap>().and_then(|trap| explanation(*trap));
        let message = message_of(error);
        let mut report =
            Self { message, explanation, last_words: None, frames: Vec::new(), cut: false, without_lines: false };
        let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
            return report;
        };
        let mut symbolizer = Symbolizer::new();
        let images: Vec<_> = backtrace
            .frames()
            .iter()
            .map(|frame| image_of(frame, frame.module_offset().map(|offset| offset as u64)))
            .collect();
        images.iter().flatten().for_each(|image| symbolizer.add_module(image.clone()));
        add_debug_files(&mut symbolizer);
        for (number, (frame, image)) in backtrace.frames().iter().zip(&images).enumerate() {
            report.add(number, frame, image.as_ref(), &mut symbolizer);
        }
        report.cut = backtrace.frames().len() >= crate::session::MAX_BACKTRACE_FRAMES.get();
        report
    }

    fn add(&mut self, number: usize, frame: &FrameInfo, image: Option<&ModuleImage>, symbolizer: &mut Symbolizer) {
        let file_offset = frame.module_offset().map(|offset| offset as u64);
        let Some(image) = image else {
            let name = frame.func_name().map(|name| wasmscope_symbolizer::demangle(name).into_owned());
            let function = name.unwrap_or_else(|| format!("wasm-function[{}]", frame.func_index()));
            self.frames.push(TrapFrame { number, function, inlined: false, place: String::new() });
            return;
        };
        let start = image.code_section_start().get();
        let offset = file_offset.and_then(|offset| CodeOffset::from_file_offset(offset, start));
        let (module, function_index) = (image.identity(), frame.func_index());
        let resolved = symbolizer.resolve(&CodeLocation { module, function_index, offset, approximate: false });
        self.without_lines |= matches!(resolved.line, LineOrigin::Missing(_));
        self.add_chain(number, offset, &resolved);
    }

    fn add_chain(&mut self, number: usize, offset: Option<CodeOffset>, resolved: &Resolved) {
        let physical = resolved.frames.len().saturating_sub(1);
        for (depth, frame) in resolved.frames.iter().enumerate() {
            let place = match (frame.line, offset) {
                (0, Some(offset)) => format!("code offset {offset}"),
                (0, None) => String::new(),
                (line, _) => format!("{}:{line}:{}", frame.file, frame.column),
            };
            let (function, inlined) = (frame.name.clone(), depth < physical);
            self.frames.push(TrapFrame { number, function, inlined, place });
        }
    }
}

impl fmt::Display for TrapReport {
    /// Writes the message and a line for each frame; runs of one recursive frame become one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", sanitized(&self.message))?;
        if let Some(explanation) = self.explanation {
            write!(f, "\n       {explanation}")?;
        }
        if let Some(words) = &self.last_words {
            write!(f, "\n       the guest said: {}", sanitized(words))?;
        }
        let mut frames = self.frames.iter().peekable();
        while let Some(frame) = frames.next() {
            write!(f, "\n{frame}")?;
            let mut repeated = 0;
            while frames.next_if(|next| next.repeats(frame)).is_some() {
                repeated += 1;
            }
            if repeated > 0 {
                write!(f, "\n       … {repeated} more of the same")?;
            }
        }
        if self.cut {
            write!(f, "\n       … wasmtime gives no more than {} frames", crate::session::MAX_BACKTRACE_FRAMES)?;
        }
        if self.without_lines {
            write!(f, "\nnote: frames without a line have no debug information; build the guest with -g to see more")?;
        }
        Ok(())
    }
}

impl TrapFrame {
    fn repeats(&self, other: &TrapFrame) -> bool {
        (&self.function, &self.place, self.inlined) == (&other.function, &other.place, other.inlined)
    }
}

impl fmt::Display for TrapFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5}: {}", self.number, sanitized(&self.function))?;
        if self.inlined {
            write!(f, " (inlined)")?;
        }
        if self.place.is_empty() { Ok(()) } else { write!(f, " at {}", sanitized(&self.place)) }
    }
}

/// Joins the causes of an error, without the backtrace that wasmtime keeps among them.
fn message_of(error: &wasmtime::Error) -> String {
    let causes = error.chain().map(ToString::to_string).filter(|cause| !cause.contains("wasm backtrace:"));
    let text = causes.collect::<Vec<_>>().join(": ");
    if text.is_empty() { "the guest failed".to_owned() } else { text }
}
