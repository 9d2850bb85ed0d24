//! Running guests as `wasmtime run` does: with its options, its host functions and its results.

mod component;
mod core_dump;
mod core_module;
mod host;
mod invocation;
mod kept_stderr;
mod linking;
mod missing_import;
mod option_table;
mod options;
mod ready;
mod run;
mod wasi;

pub(crate) use host::Host;
pub(crate) use linking::{limit_store, offer_http};
pub(crate) use missing_import::check_component as check_imports;
pub use option_table::OPTIONS;
pub use options::{OptionGroup, Verdict, WasmtimeOption};
pub use ready::ReadyGuest;
pub use run::{GuestRun, NativeProfile};
pub(crate) use wasi::give as give_wasi;
pub use wasmtime_cli_flags::CommonOptions;
