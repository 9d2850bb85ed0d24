//! Reading recordings back: ours, and pprof files of other tools.

mod decoded_size;
mod pprof;
mod requests;
mod tables;
mod timeline;

pub use pprof::{ImportError, MAX_PROFILE_BYTES, read_pprof};
