//! Every use of wasmtime's internals, one file each. The version is pinned exactly, and [`self_check`] proves for each
//! engine that the internals are as we think; when they are not, the feature is off and the reader is told.

mod code_memory;
#[cfg(feature = "cli")]
mod precompiled;
mod probes;
mod self_check;
mod store_context;
mod store_hook;
mod store_link;

pub(crate) use code_memory::SampledCodeMemory;
#[cfg(feature = "cli")]
pub(crate) use precompiled::deserialized;
pub(crate) use probes::Probes;
pub(crate) use store_hook::{attach, calibrate};
pub(crate) use store_link::StoreLink;
