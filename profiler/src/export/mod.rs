//! Writing recordings: a file per format.

use std::io;
use std::path::PathBuf;

use wasmscope_model::ByteSize;

mod adapters;
mod display_name;
mod facts;
mod file;
mod firefox;
mod flamegraph;
mod folded;
mod footer;
mod format;
mod frame_kind;
mod function_totals;
mod host_calls;
mod html;
mod json_column;
mod losses;
mod off_cpu;
mod perfetto;
mod pprof;
mod routes;
mod spans;
mod speedscope;
mod stack_order;
mod table;
mod tracks;
mod word_stacks;

pub use adapters::without_adapters;
pub use display_name::sanitized;
pub(crate) use display_name::without_middle as shortened;
pub use file::{check_place, check_writable, write_atomically, write_file, write_file_as};
pub use firefox::write_firefox;
pub(crate) use flamegraph::MAX_TEXT_BYTES;
pub use flamegraph::{FlameLayout, write_flame_graph, write_svg};
pub(crate) use folded::frame_name as folded_frame_name;
pub use folded::write_folded;
pub use footer::write_footer;
pub use format::OutputFormat;
pub use function_totals::{FunctionTotal, function_totals};
pub use html::write_html;
pub use perfetto::write_perfetto;
pub use pprof::{EXTENSION_VERSION, write_pprof};
pub(crate) use pprof::{extension, messages};
pub use speedscope::write_speedscope;
pub use table::{TableLayout, write_table};

/// Why a recording was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The file name does not tell a format.
    #[error("{}: a file name must end in {}", path.display(), format::endings())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The file name tells JSON, which several formats are.
    #[error(
        "{}: three formats are JSON; end its name in .firefox.json, .speedscope.json or .perfetto.json, or choose one \
         with --format",
        path.display()
    )]
    WhichJson {
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
    #[error("the profile is empty, so there is nothing to draw")]
    Empty,
    /// The picture's drawer would need too much memory.
    #[error(
        "its stacks take more than {} in words, which is too much to draw; .html shows it, and so do the other forms",
        ByteSize::new(*limit)
    )]
    TooLarge {
        /// How much text may be drawn.
        limit: u64,
    },
    /// The output failed.
    #[error("failed to write: {0}")]
    Io(#[from] io::Error),
}
