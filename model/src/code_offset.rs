//! Offsets inside a module's code section.

use std::fmt;

/// An offset in bytes inside a core module's code section, counted from the section's contents (the function count).
///
/// This is also what DWARF for WebAssembly uses as an address. wasmtime's offsets count from the start of the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CodeOffset(u32);

impl CodeOffset {
    /// Wraps an offset that is already relative to the code section.
    pub const fn new(offset: u32) -> Self {
        Self(offset)
    }

    /// Converts an offset in the file, or `None` when it lies before the code section.
    pub fn from_file_offset(file_offset: u64, code_section_start: u64) -> Option<Self> {
        let offset = file_offset.checked_sub(code_section_start)?;
        u32::try_from(offset).ok().map(Self)
    }

    /// Returns the offset as a number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for CodeOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
