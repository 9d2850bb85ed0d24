//! The nouns that the crates of wasmscope share, a module each: no I/O, no wasmtime, no unsafe.
//!
//! The way of a sample through these types:
//!
//! 1. The sampler writes a [`RawSample`]: native addresses, a time, and fixed words for request, trace, span, task and store.
//! 2. A [`CodeMap`] says which compiled code lay at an address *at that time*.
//! 3. A [`StackTable`] interns stacks, so that equal ones are stored once.
//! 4. A [`SymbolSource`] turns a [`CodeLocation`] into names, source lines and the inline chain.
//! 5. The result is a [`Recording`], which exporters read and nothing else needs to understand.
//!
//! [`Target`] is what every verb of the tool talks to: a guest started by the command, a service, a foreign process.
//!
//! Not for: reading modules (`wasmscope-symbolizer`), sampling (`wasmscope-profiler`), running guests (`wasmscope`).

mod address;
mod answer;
mod byte_size;
mod cancel;
mod code_identity;
mod code_map;
mod code_offset;
mod display_text;
mod event;
mod frame_origin;
mod host_calls;
mod losses;
mod module;
mod raw_sample;
mod recording;
mod requests;
mod run_report;
mod stack_table;
mod symbol_source;
mod symbols;
mod target;
mod timeline;
mod timestamp;

pub use address::{NativeAddress, PcKind};
pub use answer::{Answer, Missing};
pub use byte_size::ByteSize;
pub use cancel::CancelToken;
pub use code_identity::{CodeIdentity, ParseIdentityError};
pub use code_map::{CodeId, CodeMap, CodeRange};
pub use code_offset::CodeOffset;
pub use display_text::sanitized;
pub use event::Event;
pub use frame_origin::{FrameOrigin, LineOrigin, NameOrigin, WhyNoLine, WhyUnnamed};
pub use host_calls::HostCallTotals;
pub use losses::Losses;
pub use module::{Module, ModuleId};
pub use raw_sample::{RawFrame, RawSample, SampleContext, StackEnd, ThreadNumber};
pub use recording::{LocationId, Profile, Recording, RecordingError, SampleRow};
pub use requests::{LatencyBucket, LatencyClass, RequestGroup, RequestSample, Requests, RouteTotals};
pub use run_report::{EngineKind, OwnCost, RunReport, TimerKind};
pub use stack_table::{StackId, StackTable};
pub use symbol_source::{CodeLocation, Resolved, ResolvedFrame, SymbolSource};
pub use symbols::{Function, FunctionId, Line, Location, Marker, Place};
pub use target::{
    Counter, InstanceInfo, LoadedModule, RequestInfo, SnapshotRequest, StackQuery, Target, TargetError, TargetInfo,
    ThreadStack,
};
pub use timeline::{Timeline, TimelinePoint, TimelineThread};
pub use timestamp::{ClockAnchor, Timestamp};
