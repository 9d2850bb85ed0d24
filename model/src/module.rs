//! A core WebAssembly module as recordings name it.

use crate::{ByteSize, CodeIdentity};

/// Names a module inside one recording: its position in [`crate::Profile::modules`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ModuleId(pub u32);

/// What is known about a core module without its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Module {
    /// A short name: the file name without its folder, or what the host called it.
    pub name: String,
    /// The identity of its code.
    pub identity: CodeIdentity,
    /// Where the contents of the code section begin in the file.
    pub code_section_start: ByteSize,
    /// How long the contents of the code section are.
    pub code_section_size: ByteSize,
    /// The SHA-256 of the whole file, hexadecimal; empty when unknown.
    pub file_hash: String,
    /// The contents of the `build_id` section, hexadecimal; empty when there is none.
    pub build_id: String,
    /// Whether a tool made it to join other modules, so that its frames are of little interest.
    pub is_adapter: bool,
}
