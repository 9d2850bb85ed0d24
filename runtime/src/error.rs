//! What can go wrong before and around a guest.

use std::path::PathBuf;

/// Why a guest could not be loaded, prepared or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("failed to read guest module {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The file is not a module that can be run.
    #[error("{}: {reason}", path.display())]
    NotAModule {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The module is a component.
    #[error(
        "{} is a component, and wasmscope profiles core modules so far; profile the core module it was made from",
        path.display()
    )]
    Component {
        /// The file.
        path: PathBuf,
    },
    /// wasmtime refuses to compile the module.
    #[error("failed to compile {name}: {reason}")]
    Compile {
        /// The module.
        name: String,
        /// wasmtime's reason.
        reason: String,
    },
    /// The module imports something that is not there.
    #[error("{name} imports {kind} {import}, which nothing here provides; {hint}")]
    MissingImport {
        /// The module.
        name: String,
        /// What kind of thing it imports.
        kind: &'static str,
        /// The import, as `module.name`.
        import: String,
        /// What would provide it.
        hint: &'static str,
    },
    /// The module has no function to begin with.
    #[error("{name} exports no function {wanted}; {hint}")]
    NoEntry {
        /// The module.
        name: String,
        /// The export that was looked for.
        wanted: String,
        /// What the user can do.
        hint: String,
    },
    /// An argument of `--invoke` does not fit the function.
    #[error("failed to invoke {function}: {reason}")]
    Argument {
        /// The function.
        function: String,
        /// What is wrong.
        reason: String,
    },
    /// A folder cannot be given to the guest.
    #[error("failed to open directory {}: {reason}", path.display())]
    Directory {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The engine cannot be set up.
    #[error("failed to set up wasmtime: {reason}")]
    Engine {
        /// wasmtime's reason.
        reason: String,
    },
    /// The module's code is not where its engine was told to report it.
    #[error("module {name} was compiled by an engine that was not configured by this observer; use register for it")]
    NotPublished {
        /// The module.
        name: String,
    },
}

/// Writes a wasmtime error with its causes in one line.
pub(crate) fn reason_of(error: &wasmtime::Error) -> String {
    format!("{error:#}")
}
