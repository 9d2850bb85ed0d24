//! Everything that runs inside the SIGPROF handler: no std, no allocation, no locks, no panics.
//!
//! What happens when a thread's timer fires:
//!
//! 1. [`handler`](install::install) finds the thread's [`ThreadState`] by the processor's thread pointer.
//! 2. It reads program counter, stack and frame pointer from the interrupted context.
//! 3. In guest code the walk starts there, after the leaf fix-up (prologues and epilogues, where the frame pointer is
//!    still or already the caller's). In host code it starts at the store's last exit from WebAssembly.
//! 4. The walk follows frame pointers up to the entry of the activation, and through outer activations where linked.
//! 5. One record goes into the thread's [`Ring`]; every give-up is counted.
//!
//! Each read of stack memory lies between two live frames of one stack: where the guest runs or left, and where the
//! store says that the host entered it.
//!
//! Not for: starting timers, draining rings, giving addresses a meaning; `wasmscope-profiler` does that.

#![cfg_attr(not(any(test, loom)), no_std)]
#![allow(
    unsafe_code,
    reason = "signal handlers, the interrupted context and foreign stacks are reached by raw pointers"
)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

#[cfg(target_arch = "aarch64")]
#[path = "aarch64/mod.rs"]
mod arch;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64/mod.rs"]
mod arch;

mod activation;
mod atomics;
mod call_record;
mod clock;
mod code_ranges;
mod epoch_record;
mod handler;
mod install;
mod poll;
mod record;
mod ring;
mod signal_stack;
mod slot;
mod store_context;
mod thread_state;
mod thread_table;
mod walk;

pub use activation::Activations;
pub use call_record::{call_record_of, set_off_cpu};
pub use clock::thread_cpu_nanos;
pub use code_ranges::{CodeRange, CodeRanges, publish};

pub use install::{Disposition, InstallError, install, previous_disposition, uninstall, unregistered_signals};
pub use poll::BegunPoll;
pub use record::{ENDS, End, FrameTag, OffCpu, Record, RecordError};
pub use ring::{Dropped, Ring};
pub use slot::ParkedActivation;
pub use store_context::{ExitPoint, StoreContext};
pub use thread_state::{Counters, HANDLER_BUCKETS, ThreadState, Ticks};
pub use thread_table::{ThreadTableFull, register_current_thread, unregister_current_thread};
