//! The wrapper runtime over wasmtime, and the crate that embedders add.
//!
//! ```
//! use std::sync::Arc;
//! use wasmscope::{Observer, SamplerConfig};
//! use wasmtime::{Config, Engine, Instance, Module, Store};
//!
//! let observer = Observer::new();
//! let mut config = Config::new();
//! observer.configure(&mut config);
//! let engine = Engine::new(&config)?;
//! let bytes: Arc<[u8]> = wat::parse_str(
//!     r#"(module (func $spin (export "run") (local $n i32)
//!         (loop (br_if 0 (i32.lt_u
//!             (local.tee $n (i32.add (local.get $n) (i32.const 1)))
//!             (i32.const 50000000))))))"#,
//! )?.into();
//! let module = Module::new(&engine, &bytes)?;
//! observer.describe("spin.wasm", &module, bytes)?;
//! let mut store = observer.watch(Store::new(&engine, ()))?;
//!
//! let sampler = observer.start(SamplerConfig { rate_hz: 997, ..SamplerConfig::default() })?;
//! let instance = Instance::new(&mut *store, &module, &[])?;
//! instance.get_typed_func::<(), ()>(&mut *store, "run")?.call(&mut *store, ())?;
//! let recording = observer.symbolize(sampler.stop().expect("it is still running"));
//! assert!(recording.profile.functions.iter().any(|function| function.name == "spin"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! 1. [`Observer::configure`] makes an engine report where its machine code lies. For an engine that exists already,
//!    [`Observer::register`] does it module by module.
//! 2. [`Observer::describe`] tells what a compiled module was made from.
//! 3. [`Observer::watch`] wraps a store, so that samples know when its guest is entered and left.
//! 4. [`Observer::start`] samples every thread that runs a guest; [`Observer::symbolize`] names what it found.
//!
//! [`GuestRun`] does all of it for a WASI command, as the tool does. [`InProcessTarget`] answers for guests of this
//! process as [`wasmscope_model::Target`].
//!
//! Linking this crate opens no file, socket or timer and installs no signal handler; [`Observer::start`] does.
//!
//! Not for: components and async stores, yet.

mod compiled;
mod error;
mod guest;
mod guest_run;
mod in_process_target;
mod internals;
mod invoke;
mod observer;
mod trap_report;
mod watched_store;

pub use error::Error;
pub use guest::Guest;
pub use guest_run::{GuestRun, Outcome, RunOptions};
pub use in_process_target::InProcessTarget;
pub use observer::{Observer, Registration};
pub use trap_report::TrapReport;
pub use wasmscope_profiler::SamplerConfig;
pub use watched_store::WatchedStore;
