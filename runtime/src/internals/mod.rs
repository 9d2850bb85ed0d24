//! Every use of wasmtime's internals, one file each. The version is pinned exactly, and [`self_check`] proves at start-up
//! that the internals are as we think; when they are not, the feature is off and the reader is told.

mod code_memory;
mod self_check;
mod store_context;

pub(crate) use code_memory::ReportingCodeMemory;
pub(crate) use self_check::host_route_failure;
pub(crate) use store_context::{anchor_module, store_context};
