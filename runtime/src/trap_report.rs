//! What a trap tells, with names and lines.

use std::collections::HashMap;
use std::fmt;

use wasmscope_model::{CodeLocation, CodeOffset, LineOrigin, SymbolSource};
use wasmscope_profiler::export::sanitized;
use wasmscope_symbolizer::{ModuleImage, Symbolizer};
use wasmtime::{FrameInfo, Trap, WasmBacktrace};

use crate::session::start_of;
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
    /// Of how many frames wasmtime's backtrace has the innermost, where the stack was cut at that.
    pub cut: Option<usize>,
    /// Whether frames lack lines because the module carries none.
    pub without_lines: bool,
    /// Whether the guest was text, which cannot be built with more lines.
    pub is_text: bool,
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
    /// `file:line:column`, or the offsets in the code section and in the file where there is no line.
    pub place: String,
}

impl TrapReport {
    /// Collects what an error of wasmtime's, whose backtrace has `max_frames` at most, tells about the modules of a session.
    ///
    /// `image_of` finds the module of a frame, given its offset in the file; `add_debug_files` adds to a symbolizer that knows
    /// these modules what they lack.
    pub(crate) fn new(
        error: &wasmtime::Error,
        max_frames: usize,
        image_of: &ImageOf<'_>,
        add_debug_files: impl FnOnce(&mut Symbolizer),
    ) -> Self {
        let explanation = error.downcast_ref::<Trap>().and_then(|trap| explanation(*trap));
        let message = message_of(error);
        let (last_words, frames, cut) = (None, Vec::new(), None);
        let mut report = Self { message, explanation, last_words, frames, cut, without_lines: false, is_text: false };
        let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
            return report;
        };
        // A recursion has the same few places again and again.
        let mut numbers = HashMap::new();
        let mut places: Vec<(&FrameInfo, Option<ModuleImage>)> = Vec::new();
        let mut place_of = |frame| {
            *numbers.entry(PlaceKey::of(frame)).or_insert_with(|| {
                places.push((frame, image_of(frame, file_offset(frame))));
                places.len() - 1
            })
        };
        let stack: Vec<usize> = backtrace.frames().iter().map(&mut place_of).collect();
        let mut symbolizer = Symbolizer::new();
        places.iter().filter_map(|(_, image)| image.as_ref()).for_each(|image| symbolizer.add_module(image.clone()));
        add_debug_files(&mut symbolizer);
        let chains = places.iter().map(|(frame, image)| report.chain(frame, image.as_ref(), &mut symbolizer));
        let chains: Vec<Vec<TrapFrame>> = chains.collect();
        for (number, place) in stack.iter().enumerate() {
            let chain = chains.get(*place).into_iter().flatten();
            report.frames.extend(chain.map(|frame| TrapFrame { number, ..frame.clone() }));
        }
        report.cut = (stack.len() >= max_frames).then_some(max_frames);
        report
    }

    /// Returns the frames of one place, innermost first.
    fn chain(&mut self, frame: &FrameInfo, image: Option<&ModuleImage>, symbolizer: &mut Symbolizer) -> Vec<TrapFrame> {
        let file_offset = file_offset(frame);
        let Some(image) = image else {
            let name = frame.func_name().map(|name| wasmscope_symbolizer::demangle(name).into_owned());
            let function = name.unwrap_or_else(|| format!("wasm-function[{}]", frame.func_index()));
            return vec![TrapFrame { number: 0, function, inlined: false, place: String::new() }];
        };
        let start = image.code_section_start().get();
        let offset = file_offset.and_then(|offset| CodeOffset::from_file_offset(offset, start));
        let (module, function_index) = (image.identity(), frame.func_index());
        let resolved = symbolizer.resolve(&CodeLocation { module, function_index, offset, approximate: false });
        self.without_lines |= matches!(resolved.line, LineOrigin::Missing(_));
        let offsets = match (offset, file_offset) {
            (Some(offset), Some(in_file)) => format!("code offset {offset}, file offset {in_file:#x}"),
            _ => String::new(),
        };
        let physical = resolved.frames.len().saturating_sub(1);
        let frames = resolved.frames.into_iter().enumerate().map(|(depth, frame)| TrapFrame {
            number: 0,
            inlined: depth < physical,
            place: match frame.line {
                0 => offsets.clone(),
                line => format!("{}:{line}:{}", frame.file, frame.column),
            },
            function: frame.name,
        });
        frames.collect()
    }
}

fn file_offset(frame: &FrameInfo) -> Option<u64> {
    frame.module_offset().map(|offset| offset as u64)
}

/// What tells a place in the code of a store from others.
#[derive(PartialEq, Eq, Hash)]
struct PlaceKey {
    code: wasmscope_model::NativeAddress,
    function_index: u32,
    file_offset: Option<usize>,
}

impl PlaceKey {
    fn of(frame: &FrameInfo) -> Self {
        let (function_index, file_offset) = (frame.func_index(), frame.module_offset());
        Self { code: start_of(frame.module()), function_index, file_offset }
    }
}

/// A line of a report: a frame, and how often it follows itself.
struct FrameLine<'r> {
    frame: &'r TrapFrame,
    repeated: usize,
}

/// Lines of frames that are shown of a long stack: innermost and outermost ones.
const INNERMOST_LINES: usize = 24;
const OUTERMOST_LINES: usize = 12;

impl FrameLine<'_> {
    /// Makes runs of one recursive frame one line each.
    fn of(frames: &[TrapFrame]) -> Vec<FrameLine<'_>> {
        let mut lines: Vec<FrameLine<'_>> = Vec::new();
        for frame in frames {
            match lines.last_mut() {
                Some(last) if last.frame.repeats(frame) => last.repeated += 1,
                _ => lines.push(FrameLine { frame, repeated: 0 }),
            }
        }
        lines
    }
}

impl fmt::Display for FrameLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.frame)?;
        if self.repeated > 0 {
            write!(f, "\n       … {} more of the same", self.repeated)?;
        }
        Ok(())
    }
}

impl fmt::Display for TrapReport {
    /// Writes the message and a line for each frame; runs of one recursive frame become one line, and of a long stack the
    /// middle is only counted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", sanitized(&self.message))?;
        if let Some(explanation) = self.explanation {
            write!(f, "\n       {explanation}")?;
        }
        if let Some(words) = &self.last_words {
            write!(f, "\n       the guest said: {}", sanitized(words))?;
        }
        let lines = FrameLine::of(&self.frames);
        let hidden = match lines.len() {
            short if short <= INNERMOST_LINES + OUTERMOST_LINES => 0..0,
            long => INNERMOST_LINES..long - OUTERMOST_LINES,
        };
        for (index, line) in lines.iter().enumerate() {
            match hidden.contains(&index) {
                false => write!(f, "{line}")?,
                true if index == hidden.start => {
                    let count: usize = lines[hidden.clone()].iter().map(|line| line.repeated + 1).sum();
                    write!(f, "\n       … {count} more frames")?;
                }
                true => {}
            }
        }
        if let Some(most) = self.cut {
            write!(f, "\n       … wasmtime gives no more than {most} frames")?;
        }
        if self.without_lines {
            let advice = if self.is_text { "" } else { "; build the guest with -g to see more" };
            write!(f, "\nnote: frames without a line have no debug information{advice}")?;
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
