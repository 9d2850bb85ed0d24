//! The wrapper runtime over wasmtime, and the crate that embedders add.
//!
//! ```
//! use wasmscope::{Guest, ProfileSession, SamplerConfig};
//! use wasmtime::Instance;
//!
//! let session = ProfileSession::builder().build()?;
//! let guest = Guest::from_bytes(
//!     "spin.wat",
//!     br#"(module (func $spin (export "run") (local $n i32)
//!         (loop (br_if 0 (i32.lt_u
//!             (local.tee $n (i32.add (local.get $n) (i32.const 1)))
//!             (i32.const 50000000))))))"#,
//! )?;
//! let module = session.load(&guest)?;
//! let mut store = session.new_store(());
//!
//! let recorder = session.record(SamplerConfig { rate_hz: 997, ..SamplerConfig::default() })?;
//! let instance = Instance::new(&mut store, &module, &[])?;
//! instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
//! let recording = recorder.stop()?;
//! assert!(recording.profile.functions.iter().any(|function| function.name == "spin"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! 1. [`ProfileSession`] holds an engine that reports where its machine code lies. For an engine that exists already,
//!    [`ProfileSession::describe_module`] does it module by module.
//! 2. [`ProfileSession::load`] compiles a [`Guest`], and keeps the bytes that names and lines come from.
//! 3. [`ProfileSession::new_store`] or [`ProfileSession::attach`] makes a store say when its guest is entered and left.
//! 4. [`ProfileSession::record`] samples every thread that runs a guest; [`Recorder::stop`] names what it found.
//!
//! Async guests need one thing more: their futures are polled inside [`AttachedStore::sampled`].
//!
//! With the feature `cli`, `GuestRun` does all of it for a WASI command, as `wasmtime run` does. [`InProcessTarget`]
//! answers for the guests of this process as [`wasmscope_model::Target`].
//!
//! Linking this crate opens no file, socket or timer and installs no signal handler; [`ProfileSession::record`] does
//! the latter.
//!
//! Not for: reading debug information (`wasmscope-symbolizer`), taking samples (`wasmscope-profiler`).

mod attached_store;
#[cfg(feature = "cli")]
mod command;
mod compile_cache;
mod compiled;
mod described_code;
mod error;
mod guest;
#[cfg(feature = "cli")]
mod guest_end;
mod guest_notes;
mod in_process_target;
mod internals;
mod loaded_modules;
mod notes;
#[cfg(feature = "cli")]
mod panic_message;
mod recorder;
#[cfg(feature = "cli")]
pub mod serve;
mod session;
#[cfg(feature = "cli")]
mod trap_report;
#[cfg(feature = "cli")]
mod trap_words;

pub use attached_store::{AttachedStore, Sampled};
#[cfg(feature = "cli")]
pub use command::{CommonOptions, GuestRun, NativeProfile, OPTIONS, OptionGroup, ReadyGuest, Verdict, WasmtimeOption};
pub use described_code::DescribedCode;
pub use error::Error;
pub use guest::{Guest, GuestKind};
#[cfg(feature = "cli")]
pub use guest_end::GuestEnd;
pub use in_process_target::InProcessTarget;
pub use recorder::Recorder;
pub use session::{ProfileSession, SessionBuilder};
#[cfg(feature = "cli")]
pub use trap_report::{TrapFrame, TrapReport};
pub use wasmscope_profiler::{SamplerConfig, defaults};
