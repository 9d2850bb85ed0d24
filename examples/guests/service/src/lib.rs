//! An HTTP service to profile: each route does one kind of work, of a known size, and names its functions after it.
//!
//! It is built twice: feature `p2` answers as `wasi:http/incoming-handler` of WASI 0.2, feature `p3` as
//! `wasi:http/handler` of WASI 0.3. The two differ in how they wait and stream; what they work on is the same code.

#[cfg(feature = "p2")]
mod p2;
#[cfg(feature = "p3")]
mod p3;
mod routes;
mod upstream;
mod work;

#[cfg(not(any(feature = "p2", feature = "p3")))]
compile_error!("choose the version of WASI: --features p2 or --features p3");
