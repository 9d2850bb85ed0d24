//! Why a file is not a module that can be read.

/// Why a file is not a module that can be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file does not begin as WebAssembly does.
    #[error("not a WebAssembly module: it does not begin with \\0asm")]
    NotWasm,
    /// The file is a component.
    #[error("a WebAssembly component, and only core modules can be read")]
    Component,
    /// The file ends too early, or its structure is broken.
    #[error("malformed at offset {offset:#x}: {reason}")]
    Malformed {
        /// Where in the file.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The file is larger than offsets reach.
    #[error("{size} bytes long, and modules end at 4 GiB")]
    TooLarge {
        /// Its size.
        size: usize,
    },
    /// The component consists of more core modules than any real one.
    #[error("a component of more than {limit} core modules")]
    TooManyModules {
        /// How many there may be.
        limit: usize,
    },
}

impl From<wasmparser::BinaryReaderError> for Error {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Malformed { offset: error.offset(), reason: error.message().to_owned() }
    }
}
