//! What a sample counts.

use std::fmt;

/// What a sample counts. Events are disjoint: wall time is the sum of the first three.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Event {
    /// On a CPU, in guest code or in a host call.
    Cpu,
    /// Blocked in, or awaiting, a host call.
    Wait,
    /// Runnable or queued, and not running.
    Ready,
    /// Bytes allocated.
    Alloc,
    /// Bytes still live.
    Live,
}

impl Event {
    /// Every event, in the order reports list them.
    pub const ALL: [Event; 5] = [Event::Cpu, Event::Wait, Event::Ready, Event::Alloc, Event::Live];

    /// Returns the name that the command line and files use.
    pub const fn name(self) -> &'static str {
        match self {
            Event::Cpu => "cpu",
            Event::Wait => "wait",
            Event::Ready => "ready",
            Event::Alloc => "alloc",
            Event::Live => "live",
        }
    }

    /// Returns the unit in which reports weigh stacks.
    pub const fn weight_unit(self) -> &'static str {
        match self {
            Event::Cpu => "samples",
            Event::Wait | Event::Ready => "µs",
            Event::Alloc | Event::Live => "bytes",
        }
    }

    /// Finds an event by its name.
    pub fn from_name(name: &str) -> Option<Event> {
        Event::ALL.into_iter().find(|event| event.name() == name)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
