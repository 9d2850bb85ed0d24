//! Writing recordings: a file per format.

use std::io;
use std::path::{Path, PathBuf};

mod adapters;
mod display_name;
mod file;
mod flamegraph;
mod folded;
mod function_totals;
mod off_cpu;
mod pprof;
mod table;

pub use adapters::without_adapters;
pub use display_name::sanitized;
pub(crate) use display_name::without_middle as shortened;
pub use file::{check_writable, write_atomically, write_file};
pub use flamegraph::write_svg;
pub(crate) use folded::frame_name as folded_frame_name;
pub use folded::write_folded;
pub use function_totals::{FunctionTotal, function_totals};
pub use pprof::{EXTENSION_VERSION, write_pprof};
pub(crate) use pprof::{extension, messages};
pub use table::{TableLayout, write_footer, write_table};

/// A format that a recording can be written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutputFormat {
    /// Gzipped pprof with our extension: `.pb.gz`.
    Pprof,
    /// A flame graph: `.svg`.
    Svg,
    /// Folded stacks: `.folded`.
    Folded,
}

impl OutputFormat {
    /// Tells the format by the end of a file name.
    ///
    /// # Errors
    ///
    /// [`ExportError::UnknownFormat`] for any other end.
    pub fn of_path(path: &Path) -> Result<Self, ExportError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let by_ending = [(".pb.gz", Self::Pprof), (".svg", Self::Svg), (".folded", Self::Folded)];
        let found = by_ending.into_iter().find(|(ending, _)| name.ends_with(ending));
        found.map(|(_, format)| format).ok_or_else(|| ExportError::UnknownFormat { path: path.to_owned() })
    }
}

/// Why a recording was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The file name does not tell a format.
    #[error("{}: a file name must end in .pb.gz, .svg or .folded", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The file is there already.
    #[error("{} exists already; --force replaces it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("failed to write {}: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// There is nothing to draw.
    #[error("the profile is empty, so there is no flame graph to draw")]
    Empty,
    /// The output failed.
    #[error("failed to write: {0}")]
    Io(#[from] io::Error),
}
