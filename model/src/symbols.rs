//! Symbolized code: functions, lines, and the locations that stacks are made of.

use crate::{CodeOffset, FrameOrigin, ModuleId};

/// Names a function inside one recording: its position in [`crate::Profile::functions`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FunctionId(pub u32);

/// A function of the source program, or something that stands for one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Function {
    /// The name for people, demangled.
    pub name: String,
    /// The name as the module has it.
    pub system_name: String,
    /// The source file; empty when unknown.
    pub file: String,
    /// The line of its declaration, 1-based; 0 when unknown.
    pub start_line: u32,
}

/// One source position of a location.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Line {
    /// The function it lies in.
    pub function: FunctionId,
    /// The line, 1-based; 0 when unknown.
    pub line: u32,
    /// The column, 1-based; 0 when unknown.
    pub column: u32,
}

/// Something that stands in a stack without being guest code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Marker {
    /// Host code, called by the guest frame beneath it.
    Host,
    /// wasmtime's glue between guest and host.
    Trampoline,
    /// The outer frames were cut at the depth limit.
    Truncated,
    /// The outer activation could not be linked.
    OuterUnknown,
    /// The walk ended at a frame that failed its checks.
    Broken,
    /// Code that was executable, and that nobody described to us.
    UnknownCode,
    /// The stack was not kept, because the table of stacks was full.
    Folded,
    /// Frames of adapters that join the modules of a component, left out.
    Adapter,
    /// Tasks of a component that wait for the host, and have no stack meanwhile.
    WaitingTasks,
    /// Runnable, and not running.
    NotScheduled,
}

impl Marker {
    /// Every marker.
    pub const ALL: [Marker; 10] = [
        Marker::Host,
        Marker::Trampoline,
        Marker::Truncated,
        Marker::OuterUnknown,
        Marker::Broken,
        Marker::UnknownCode,
        Marker::Folded,
        Marker::Adapter,
        Marker::WaitingTasks,
        Marker::NotScheduled,
    ];

    /// Returns the text shown in place of a function's name.
    pub const fn label(self) -> &'static str {
        match self {
            Marker::Host => "[host]",
            Marker::Trampoline => "[wasm trampoline]",
            Marker::Truncated => "[truncated]",
            Marker::OuterUnknown => "[outer part unknown]",
            Marker::Broken => "[broken stack]",
            Marker::UnknownCode => "[unknown code]",
            Marker::Folded => "[stack table full]",
            Marker::Adapter => "[adapter]",
            Marker::WaitingTasks => "[waiting tasks]",
            Marker::NotScheduled => "[not scheduled]",
        }
    }

    /// Finds a marker by its label.
    pub fn from_label(label: &str) -> Option<Marker> {
        Marker::ALL.into_iter().find(|marker| marker.label() == label)
    }
}

/// Where a location lies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// Guest code at an offset of a module's code section.
    Code(ModuleId, CodeOffset),
    /// Guest code of which only the module is known, as in pprof files of other tools.
    Module(ModuleId),
    /// A host function that the module imports, or a service of the runtime such as `memory.grow`; its name is the
    /// function's.
    HostCall(ModuleId),
    /// Not guest code.
    Marker(Marker),
    /// Nothing is known; locations of other tools' files.
    Unknown,
}

/// One physical frame: an address and the chain of functions inlined there.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Location {
    /// Where it lies.
    pub place: Place,
    /// How far it is to be trusted; `None` in files that do not say.
    pub origin: Option<FrameOrigin>,
    /// The inline chain, innermost first; the last is the physical function. Never empty.
    pub lines: Vec<Line>,
}
