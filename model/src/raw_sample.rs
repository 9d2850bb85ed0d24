//! A sample as it leaves the signal handler.

use crate::{Event, NativeAddress, PcKind, Timestamp};

/// Numbers the sampled threads of a process in the order in which they were first seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ThreadNumber(pub u32);

/// The words that every sample carries from the first day; zero where nothing is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct SampleContext {
    /// The request being served.
    pub request: u64,
    /// The W3C trace id.
    pub trace_id: u128,
    /// The W3C span id.
    pub span_id: u64,
    /// The guest task of a concurrent component.
    pub guest_task: u64,
    /// The store in which the guest runs.
    pub store: u64,
}

/// One frame of a raw stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RawFrame {
    /// Guest code.
    Guest(NativeAddress, PcKind),
    /// The host's own code, called by the guest frame that follows. Only ever the first frame.
    Host(NativeAddress),
    /// The guest called the host, and the host called the guest again: what follows is the outer activation.
    Reentry,
}

/// How the walk of a stack ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StackEnd {
    /// At the host's call into the guest.
    Entry,
    /// At the innermost activation; what lies outside it could not be linked.
    OuterUnknown,
    /// At the depth limit.
    Truncated,
    /// At a frame that did not pass its checks.
    Broken,
    /// Nowhere: the thread was in host code, and no guest frame could be found beneath it.
    NoGuest,
}

/// One sample: a thread, a time, and a stack of native addresses, innermost first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawSample {
    /// When it was taken.
    pub at: Timestamp,
    /// Which thread it was taken on.
    pub thread: ThreadNumber,
    /// What it counts.
    pub event: Event,
    /// How many sampling periods it stands for; for `wait` and `ready`, how many times the thread was put aside.
    pub weight: u32,
    /// How long that was, in nanoseconds; 0 for `cpu`, of which each recording has one period.
    pub nanos: u64,
    /// What the thread was working for.
    pub context: SampleContext,
    /// The stack, innermost first.
    pub frames: Vec<RawFrame>,
    /// How the walk ended.
    pub end: StackEnd,
}
