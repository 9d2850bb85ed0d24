//! How a recording was made, and what making it cost.

use std::fmt;
use std::time::Duration;

/// Which engine took the samples.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EngineKind {
    /// A signal to each thread, from that thread's own timer.
    Signal,
    /// Checks that are compiled into the guest, at function entries and loop heads.
    Epoch,
}

impl EngineKind {
    /// Every engine, best first.
    pub const ALL: [EngineKind; 2] = [EngineKind::Signal, EngineKind::Epoch];

    /// Returns the name that the command line and files use.
    pub const fn name(self) -> &'static str {
        match self {
            EngineKind::Signal => "signal",
            EngineKind::Epoch => "epoch",
        }
    }

    /// Finds an engine by its name.
    pub fn from_name(name: &str) -> Option<EngineKind> {
        EngineKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Says what the reader must know of samples by this engine; `None` when they are as they should be.
    pub const fn bias(self) -> Option<&'static str> {
        match self {
            EngineKind::Signal => None,
            EngineKind::Epoch => Some(
                "biased: samples fall on function entries and loop heads only, to which the time before them counts, that of \
                 host calls too; the checks slow down calls",
            ),
        }
    }
}

/// What drives the samples.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TimerKind {
    /// The kernel's task clock by perf_event_open: exact CPU time at any rate.
    PerfTaskClock,
    /// A POSIX timer on the thread's CPU clock: checked at the kernel's tick only.
    ThreadCpu,
    /// A POSIX timer on CLOCK_MONOTONIC; ticks while the thread used no CPU are discarded.
    Monotonic,
    /// A thread that advances the epoch of the guest's engine; of the CPU time between, the guest's own checks make samples.
    EpochTicker,
}

impl TimerKind {
    /// Every kind that sends signals, best first.
    pub const OF_SIGNALS: [TimerKind; 3] = [TimerKind::PerfTaskClock, TimerKind::ThreadCpu, TimerKind::Monotonic];
    const ALL: [TimerKind; 4] =
        [TimerKind::PerfTaskClock, TimerKind::ThreadCpu, TimerKind::Monotonic, TimerKind::EpochTicker];

    /// Returns the name that the command line and files use.
    pub const fn name(self) -> &'static str {
        match self {
            TimerKind::PerfTaskClock => "perf",
            TimerKind::ThreadCpu => "cpu",
            TimerKind::Monotonic => "monotonic",
            TimerKind::EpochTicker => "epoch",
        }
    }

    /// Finds a kind by its name.
    pub fn from_name(name: &str) -> Option<TimerKind> {
        TimerKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for TimerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimerKind::PerfTaskClock => "perf task clock",
            TimerKind::ThreadCpu => "thread CPU timer",
            TimerKind::Monotonic => "monotonic timer with CPU check",
            TimerKind::EpochTicker => "epochs of the engine",
        })
    }
}

/// What sampling cost.
///
/// # Accuracy
///
/// `handler` is the time between the first and the last instruction of our handler, on CLOCK_MONOTONIC; a run in which
/// the thread lost its processor to another counts as 20 µs. The kernel's share of delivering a signal is not in it; on
/// virtual machines that share is the larger one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OwnCost {
    /// Time inside our signal handler, all threads.
    pub handler: Duration,
    /// CPU time of the thread that drains and aggregates.
    pub drain: Duration,
}

/// How a recording was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunReport {
    /// Which engine.
    pub engine: EngineKind,
    /// Which timer.
    pub timer: TimerKind,
    /// Why this timer and no better one.
    pub timer_reason: String,
    /// The rate that was asked for, in samples per second of CPU time.
    pub rate_hz: u32,
    /// Wall time from start to stop.
    pub duration: Duration,
    /// CPU time of the sampled threads while they were sampled; `None` when unknown.
    pub cpu: Option<Duration>,
    /// Signals that reached our handler, or checks that made a sample, on sampled threads, including those outside the guest.
    pub signals: u64,
    /// Threads that were sampled at any time.
    pub threads: u32,
    /// What sampling cost.
    pub cost: OwnCost,
    /// What the reader should know: features that turned themselves off, guests whose stacks hide things.
    pub notes: Vec<String>,
}

impl RunReport {
    /// Returns samples per second of CPU time, or `None` without CPU time.
    pub fn achieved_hz(&self) -> Option<f64> {
        let seconds = self.cpu?.as_secs_f64();
        (seconds > 0.0).then(|| self.signals as f64 / seconds)
    }
}
