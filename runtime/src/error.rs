//! What can go wrong before and around a guest.

use std::io;
use std::path::PathBuf;

use wasmscope_profiler::export::sanitized;

use crate::{Guest, GuestKind};

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
    /// The file is of another kind than is wanted.
    #[error("cannot load {guest}: it is {kind}, and {wanted} is wanted here")]
    WrongKind {
        /// The file.
        guest: String,
        /// What it is.
        kind: &'static str,
        /// What is wanted.
        wanted: &'static str,
    },
    /// The file is machine code, and nobody said that it is to be trusted.
    #[error(
        "{0} is machine code, which may do whatever this process may; --allow-precompiled runs it, if you trust where \
         it came from"
    )]
    Precompiled(String),
    /// Options that are refused, or that do not fit together.
    #[error("{0}")]
    Options(String),
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
    /// The component answers no HTTP requests.
    #[error(
        "{0} exports neither wasi:http/incoming-handler@0.2 nor wasi:http/handler@0.3, so it answers no requests; \
         `wasmscope run` runs commands"
    )]
    NoHandler(String),
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

    pub(crate) fn wrong_kind(guest: &Guest, wanted: &'static str) -> Self {
        let kind = match guest.kind() {
            GuestKind::Module => "a core module",
            GuestKind::Component => "a component",
            GuestKind::PrecompiledModule => "machine code of a core module",
            GuestKind::PrecompiledComponent => "machine code of a component",
        };
        Self::WrongKind { guest: sanitized(guest.path()).into_owned(), kind, wanted }
    }

    /// Wraps what wasmtime says of a configuration, with its causes in one line.
    pub(crate) fn engine(error: &wasmtime::Error) -> Self {
        Self::Engine(format!("{error:#}"))
    }
}
