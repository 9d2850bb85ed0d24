//! Where a frame, its name and its line come from.

use std::fmt;

use crate::PcKind;

/// How much a frame is to be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FrameOrigin {
    /// How the program counter was obtained.
    pub pc: PcKind,
    /// Where the line comes from.
    pub line: LineOrigin,
    /// Where the name of the physical function comes from.
    pub name: NameOrigin,
    /// Whether the place is only the nearest whose offset the compiler kept, whatever is known of its line.
    pub nearest: bool,
}

/// Where a line comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LineOrigin {
    /// The debug information covers this very instruction.
    Exact,
    /// The compiler dropped the instruction's origin: the line is that of the nearest one of the same function.
    Approximate,
    /// There is no line.
    Missing(WhyNoLine),
    /// A debug file of another build says so, which the user insisted on: it may be wrong.
    OtherBuild,
}

/// Why a frame has no line.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WhyNoLine {
    /// The module carries no DWARF.
    NoDebugInfo,
    /// The module carries DWARF or a source map, which does not cover this code.
    NotCovered,
    /// The module's DWARF could not be read here.
    Unreadable,
    /// The frame is not code of a module.
    NotGuestCode,
    /// The recording was kept raw: nothing was looked up yet.
    NotLookedUp,
}

/// Where a function's name comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NameOrigin {
    /// DWARF.
    Dwarf,
    /// The `name` section.
    NameSection,
    /// The function's export name.
    Export,
    /// The function's import name (host functions).
    Import,
    /// Our own word for something that is not a function, such as `[wasm trampoline]`.
    Marker,
    /// There is none: the function is shown by its number.
    Unnamed(WhyUnnamed),
    /// A debug file of another build, which the user insisted on: it may be wrong.
    OtherBuild,
}

/// Why a function has no name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WhyUnnamed {
    /// The module has neither a `name` section nor DWARF.
    NoNames,
    /// The module has names, and this function is not among them.
    NotListed,
    /// The module's names could not be read.
    Unreadable,
    /// The module's bytes were never shown to us.
    NoModule,
    /// The recording was kept raw: nothing was looked up yet.
    NotLookedUp,
}

impl fmt::Display for WhyNoLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhyNoLine::NoDebugInfo => "the module has no DWARF",
            WhyNoLine::NotCovered => "the debug information does not cover this code",
            WhyNoLine::Unreadable => "the DWARF could not be read",
            WhyNoLine::NotGuestCode => "not guest code",
            WhyNoLine::NotLookedUp => "the recording is raw",
        })
    }
}

impl fmt::Display for WhyUnnamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhyUnnamed::NoNames => "the module has neither a name section nor DWARF",
            WhyUnnamed::NotListed => "neither name section nor DWARF lists this function",
            WhyUnnamed::Unreadable => "the module's names could not be read",
            WhyUnnamed::NoModule => "the module's bytes are not known",
            WhyUnnamed::NotLookedUp => "the recording is raw; `wasmscope report --symbols PLACE` looks names up",
        })
    }
}
