//! The library inside a host: threads, stores and modules that come and go, nested guests, traps, panics.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guest;
mod hooks;
mod lifetimes;
mod nesting;
mod registration;
mod shared_memory;
mod target;
mod threads;
mod waits;
