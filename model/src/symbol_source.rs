//! How names reach a recording.

use crate::{CodeIdentity, CodeOffset, LineOrigin, NameOrigin};

/// A place in a module's code, as the profiler knows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CodeLocation {
    /// The module.
    pub module: CodeIdentity,
    /// The function's index in the module's index space, imports included. Always known.
    pub function_index: u32,
    /// The instruction, or the nearest one of the same function whose offset the compiler kept.
    pub offset: Option<CodeOffset>,
    /// Whether `offset` is only the nearest.
    pub approximate: bool,
}

/// One source-level frame.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ResolvedFrame {
    /// The name for people, demangled.
    pub name: String,
    /// The name as the module has it.
    pub system_name: String,
    /// The source file; empty when unknown.
    pub file: String,
    /// The line of the function's declaration, 1-based; 0 when unknown.
    pub start_line: u32,
    /// The line, 1-based; 0 when unknown.
    pub line: u32,
    /// The column, 1-based; 0 when unknown.
    pub column: u32,
}

/// What a module's bytes tell about a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// The inline chain, innermost first; the last is the physical function. Never empty.
    pub frames: Vec<ResolvedFrame>,
    /// Where the name of the physical function comes from.
    pub name: NameOrigin,
    /// Where the lines come from.
    pub line: LineOrigin,
}

/// Turns places in code into names and lines.
pub trait SymbolSource {
    /// Resolves one place. It may parse debug information on first use; ask once for each place.
    ///
    /// It always answers: without debug information the function is known by its number, and
    /// [`NameOrigin::Unnamed`] says why it has no name.
    fn resolve(&mut self, place: &CodeLocation) -> Resolved;

    /// Finds the function that covers an offset; `None` when the module is not known.
    fn function_at(&self, module: &CodeIdentity, offset: CodeOffset) -> Option<u32>;

    /// Names the host function that the call at `place` goes to, such as `wasi_snapshot_preview1.fd_write`, or the
    /// instruction that asks the runtime for a service, such as `memory.grow`. `None` when the instruction there does
    /// not tell (an indirect call, an unknown module).
    fn host_call(&mut self, place: &CodeLocation) -> Option<String>;
}
