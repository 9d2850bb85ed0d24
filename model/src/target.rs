//! What every verb of the tool talks to.

use std::io::Write;
use std::time::Duration;

use crate::{
    Answer, ByteSize, CancelToken, CodeIdentity, EngineKind, Event, Module, RawSample, Recording, ThreadNumber,
    Timestamp,
};

/// What a target is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TargetInfo {
    /// Its name for people.
    pub name: String,
    /// The process id.
    pub pid: u32,
    /// The runtime inside, such as `wasmtime 48.0.8`.
    pub runtime: String,
    /// When it started, on its own monotonic clock.
    pub started: Timestamp,
    /// The rate at which it samples now; 0 when it does not.
    pub rate_hz: u32,
}

/// A module inside a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadedModule {
    /// The module.
    pub module: Module,
    /// How long its machine code is.
    pub machine_code: ByteSize,
}

/// An instance inside a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstanceInfo {
    /// The store it lives in.
    pub store: u64,
    /// The module it was made from.
    pub module: CodeIdentity,
    /// The size of its linear memories together.
    pub memory: ByteSize,
}

/// A request inside a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestInfo {
    /// Its number.
    pub request: u64,
    /// Method and route template.
    pub route: String,
    /// How long it has been running.
    pub age: Duration,
}

/// Which stacks are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StackQuery {
    /// Only those of this store.
    pub store: Option<u64>,
    /// Only those of this request.
    pub request: Option<u64>,
}

/// The stack of one thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThreadStack {
    /// The thread.
    pub thread: ThreadNumber,
    /// Its stack.
    pub sample: RawSample,
}

/// One counter of a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counter {
    /// Its name.
    pub name: &'static str,
    /// Its value since the target started.
    pub value: u64,
}

/// Which memory is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotRequest {
    /// The store whose memories are wanted.
    pub store: u64,
    /// How long the guest may be stopped.
    pub max_pause: Duration,
}

/// Why a target gave no answer at all.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// This kind of target cannot do that.
    #[error("{verb}: {why}")]
    Unsupported {
        /// What was asked.
        verb: &'static str,
        /// Why it cannot be had here.
        why: String,
    },
    /// Nothing by that name is there.
    #[error("no {what} {name} in this target")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The target is gone or does not answer.
    #[error("the target does not answer: {0}")]
    Unreachable(String),
    /// The answer could not be written.
    #[error("failed to write the answer: {0}")]
    Output(String),
    /// The call was cancelled before there was anything to give.
    #[error("cancelled")]
    Cancelled,
}

/// A guest started by this command, a service, a foreign process, or a core file.
///
/// Calls block, may come from any thread, and come back early with what they have when the token is cancelled. Every
/// answer says what it lacks.
pub trait Target: Send + Sync {
    /// Tells what this target is.
    ///
    /// # Errors
    ///
    /// When the target is gone.
    fn info(&self, cancel: &CancelToken) -> Result<Answer<TargetInfo>, TargetError>;

    /// Lists the modules that are loaded.
    ///
    /// # Errors
    ///
    /// When the target is gone.
    fn modules(&self, cancel: &CancelToken) -> Result<Answer<Vec<LoadedModule>>, TargetError>;

    /// Lists the live instances.
    ///
    /// # Errors
    ///
    /// When the target is gone or does not know its instances.
    fn instances(&self, cancel: &CancelToken) -> Result<Answer<Vec<InstanceInfo>>, TargetError>;

    /// Lists the requests being served.
    ///
    /// # Errors
    ///
    /// When the target is gone or serves no requests.
    fn requests(&self, cancel: &CancelToken) -> Result<Answer<Vec<RequestInfo>>, TargetError>;

    /// Gives the present stack of each thread that runs a guest.
    ///
    /// # Errors
    ///
    /// When the target is gone or its stacks cannot be read.
    fn stacks(&self, query: &StackQuery, cancel: &CancelToken) -> Result<Answer<Vec<ThreadStack>>, TargetError>;

    /// Records for `window`, or until cancelled.
    ///
    /// # Errors
    ///
    /// When the target is gone or cannot be sampled for any of `events`.
    fn recording(
        &self,
        window: Duration,
        events: &[Event],
        cancel: &CancelToken,
    ) -> Result<Answer<Recording>, TargetError>;

    /// Gives the counters, and a cursor to ask again with; a target that keeps no history ignores the one it is given.
    ///
    /// # Errors
    ///
    /// When the target is gone.
    fn counters(&self, cursor: u64, cancel: &CancelToken) -> Result<Answer<(u64, Vec<Counter>)>, TargetError>;

    /// Writes the bytes of a module.
    ///
    /// # Errors
    ///
    /// When no such module is loaded, its bytes were not kept, or `out` fails.
    fn module_bytes(
        &self,
        identity: &CodeIdentity,
        out: &mut dyn Write,
        cancel: &CancelToken,
    ) -> Result<Answer<()>, TargetError>;

    /// Writes a snapshot of linear memory.
    ///
    /// # Errors
    ///
    /// When the target cannot take one, or `out` fails.
    fn snapshot(
        &self,
        request: &SnapshotRequest,
        out: &mut dyn Write,
        cancel: &CancelToken,
    ) -> Result<Answer<()>, TargetError>;

    /// Changes the sampling rate and engine.
    ///
    /// # Errors
    ///
    /// When the target is gone or does not have that engine.
    fn set(&self, rate_hz: u32, engine: EngineKind, cancel: &CancelToken) -> Result<Answer<()>, TargetError>;
}
