//! What can go wrong before and around a guest.

use std::io;
use std::path::PathBuf;

use wasmscope_profiler::export::sanitized;

/// Why a guest could not be loaded, prepared or recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("failed to read guest module {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is no module that wasmtime would run.
    #[error("cannot load {guest}: {reason}")]
    Invalid {
        /// The file.
        guest: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is a component.
    #[error(
        "cannot load {guest}: it is a component, and this version profiles core modules; profile the core module \
         that it was made from"
    )]
    Component {
        /// The file.
        guest: String,
    },
    /// The module imports something that nobody offers.
    #[error("{guest} imports the {import}, {hint}")]
    MissingImport {
        /// The file.
        guest: String,
        /// The import: its kind and its full name.
        import: String,
        /// Who would offer it.
        hint: String,
    },
    /// The module has no function to begin with.
    #[error("{guest} exports no function {wanted}; {hint}")]
    NoEntry {
        /// The file.
        guest: String,
        /// The export that was looked for.
        wanted: String,
        /// What the user can do.
        hint: String,
    },
    /// An argument does not fit the function that is called.
    #[error("cannot call {function}: {reason}")]
    Arguments {
        /// The function.
        function: String,
        /// What is wrong.
        reason: String,
    },
    /// A directory cannot be given to the guest.
    #[error("failed to open directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A variable of ours cannot be given to the guest.
    #[error("the environment variable {0} is not valid UTF-8, so the guest cannot have it")]
    Environment(String),
    /// wasmtime does not take the configuration.
    #[error("failed to set up wasmtime: {0}")]
    Engine(String),
    /// The module and the bytes given for it do not belong together.
    #[error("{guest} is not what the compiled module was made from: {reason}")]
    Mismatch {
        /// The file.
        guest: String,
        /// How that shows.
        reason: String,
    },
    /// The sampler could not start, or not change.
    #[error(transparent)]
    Sampler(#[from] wasmscope_profiler::Error),
    /// Sampling has stopped, because a change of its rate failed.
    #[error("nothing is being recorded: sampling stopped when a change of its rate failed")]
    NotRecording,
}

impl Error {
    pub(crate) fn invalid(guest: &str, reason: &str) -> Self {
        Self::Invalid { guest: sanitized(guest).into_owned(), reason: sanitized(reason).into_owned() }
    }

    pub(crate) fn component(guest: &str) -> Self {
        Self::Component { guest: sanitized(guest).into_owned() }
    }

    /// Wraps what wasmtime says of a configuration, with its causes in one line.
    pub(crate) fn engine(error: &wasmtime::Error) -> Self {
        Self::Engine(format!("{error:#}"))
    }
}
