//! A place of a line that names wasm code.

use std::ops::Range;

use wasmscope_model::CodeOffset;

/// A place of a line that names wasm code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mention<'l> {
    /// Whose way of writing it is.
    pub format: LogFormat,
    /// The bytes of the line that it takes, from the address or the location to its end.
    pub range: Range<usize>,
    /// Where what is known of it is to be inserted.
    pub insert_at: usize,
    /// How it is to be inserted.
    pub layout: Layout,
    /// How many times the text around it is escaped as in a string of JSON.
    pub escape_levels: u32,
    /// What the module is called there, if it is called anything.
    pub module: Option<&'l [u8]>,
    /// What the function is called there.
    pub function: ShownFunction<'l>,
    /// Where in the code it is, if that is told.
    pub position: Option<Position>,
    /// Whether the line of the source stands there already.
    pub has_line: bool,
}

/// Whose way of writing a place it is; the table of the module tells what each looks like.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LogFormat {
    /// wasmtime, wasm3, Envoy: a frame's number, an offset, a name.
    Numbered,
    /// WAMR.
    Wamr,
    /// A browser, Node.js, or another engine of JavaScript, by function index.
    Web,
    /// A browser or Deno, by line and column, or by offset alone.
    WebColumn,
    /// wasmer.
    Wasmer,
    /// wazero.
    Wazero,
    /// WasmEdge.
    WasmEdge,
    /// wasmtime before 0.21, the place of a trap.
    OldTrap,
    /// wasmgdb.
    Wasmgdb,
    /// wasmscope.
    Wasmscope,
}

/// How a function is called in a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShownFunction<'l> {
    /// Not at all.
    Unknown,
    /// By its index, imports included.
    Index(u32),
    /// By its name, mangled or not.
    Name(&'l [u8]),
}

/// Where in the code a place is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position {
    /// At this offset of the file.
    InFile(u64),
    /// In the instruction that ends at this offset of the file.
    BehindInFile(u64),
    /// At this offset of the code section.
    InCode(CodeOffset),
}

impl Position {
    /// Converts to an offset of a code section that begins at this offset of its file; `None` when it lies before that.
    pub fn code_offset(self, code_section_start: u64) -> Option<CodeOffset> {
        match self {
            Self::InFile(offset) => CodeOffset::from_file_offset(offset, code_section_start),
            Self::BehindInFile(offset) => CodeOffset::from_file_offset(offset.checked_sub(1)?, code_section_start),
            Self::InCode(offset) => Some(offset),
        }
    }
}

/// How what is known of a place is inserted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Layout {
    /// Within the line.
    Inline,
    /// On lines of its own beneath, which begin with this.
    Beneath(Vec<u8>),
    /// As [`Layout::Beneath`], where lines end with a backslash or more, and an `n`.
    BeneathEscaped {
        /// What ends a line.
        line_end: Vec<u8>,
        /// What each line begins with.
        indent: Vec<u8>,
    },
}
