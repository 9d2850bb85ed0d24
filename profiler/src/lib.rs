//! When to sample, how raw samples become a recording, and the exporters.
//!
//! 1. Whoever compiles guest code tells a [`CodeRegistry`] where it lies and what it was compiled from.
//! 2. Whoever enters a guest calls [`guest_entered`] and [`guest_left`]; that takes the thread in.
//! 3. [`Sampler::start`] arms a timer on each such thread. Signals write raw samples into the threads' rings.
//! 4. A niced thread drains the rings every 20 ms and counts stacks of code offsets.
//! 5. [`RunningSampler::stop`] hands over a [`RawRecording`]; [`RawRecording::symbolize`] gives it names and lines.
//! 6. [`export`] writes the recording as a table, pprof, SVG or folded stacks; [`import`] reads pprof files, [`diff`]
//!    compares two.
//!
//! Not for: running guests (`wasmscope` does, and makes the calls of 1 and 2), reading debug information
//! (`wasmscope-symbolizer`), code inside the signal handler (`wasmscope-signal`).

pub mod diff;
pub mod export;
pub mod import;

mod aggregate;
mod code_registry;
mod compiled_code;
mod config;
mod epoch;
mod error;
mod guest_time;
mod host_calls;
mod machine;
mod off_cpu;
mod range_publisher;
mod raw_recording;
mod requests;
mod resolve_again;
mod sampler;
mod session;
mod suspension;
mod symbolize;
mod sys;
mod thread_states;
mod threads;
mod ticks;
mod timeline;
mod timer;
mod totals;

pub use code_registry::CodeRegistry;
pub use compiled_code::{AddressMap, CompiledCode, CompiledFunction};
pub use config::{SamplerConfig, defaults};
pub use epoch::{AdvanceEpoch, epoch_reached};
pub use error::Error;
pub use host_calls::{Calibration, HostCallClock};
pub use machine::{MachineReport, TimerProbe};
pub use raw_recording::RawRecording;
pub use requests::{EndedRequest, next_request, request_ended};
pub use resolve_again::{Resolution, resolve_again};
pub use sampler::{RunningSampler, Sampler};
pub use suspension::{NotingWaker, Suspension};
pub use sys::now as monotonic_now;
pub use threads::{Polling, forget_store, guest_entered, guest_left, poll_began, poll_ended, set_labels};
pub use wasmscope_signal::{ExitPoint, ParkedActivation, StoreContext};
