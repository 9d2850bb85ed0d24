//! Which timer drives the samples, and why.

use std::io;
use std::time::Duration;

use wasmscope_model::{EngineKind, TimerKind};
use wasmscope_signal::{ThreadState, Ticks, register_current_thread, unregister_current_thread};

use crate::sys::{self, PerfTimer, PosixClock, PosixTimer, Tid};
use crate::thread_states::ThreadStates;
use crate::{Error, SamplerConfig};

/// A running timer of one thread; it stops on drop.
#[derive(Debug)]
pub(crate) enum Timer {
    Perf(PerfTimer),
    Posix {
        _timer: PosixTimer,
    },
    /// The thread makes its samples itself.
    Epochs,
}

/// How timers are made in one session.
#[derive(Clone, Debug)]
pub(crate) struct TimerChoice {
    pub(crate) kind: TimerKind,
    /// Whether system calls are sampled too.
    pub(crate) kernel: bool,
    pub(crate) period: Duration,
    pub(crate) reason: String,
}

impl TimerChoice {
    /// Takes the best timer that works on this machine at this rate, or the one that is asked for.
    ///
    /// Each candidate proves itself: it has to deliver a signal to a thread that burns CPU for it. The handler must be
    /// installed.
    pub(crate) fn make(config: &SamplerConfig) -> Result<Self, Error> {
        let period = config.period()?;
        let mut refused = Vec::new();
        for kind in TimerKind::OF_SIGNALS {
            if config.timer.is_some_and(|wanted| wanted != kind) {
                continue;
            }
            let tick_hz = sys::kernel_tick_hz();
            if kind == TimerKind::ThreadCpu && config.timer.is_none() && config.rate_hz > tick_hz {
                refused.push(format!("{kind}: {} Hz is above the kernel's tick of {tick_hz} Hz", config.rate_hz));
                continue;
            }
            for kernel in [true, false] {
                let choice = Self { kind, kernel, period, reason: String::new() };
                match choice.probe_again_and_again() {
                    Ok(()) => return Ok(Self { reason: choice.reason(config, tick_hz, &refused), ..choice }),
                    Err(error) => refused.push(format!("{}: {error}", choice.describe())),
                }
                if kind != TimerKind::PerfTaskClock {
                    break;
                }
            }
        }
        let reason = refused.join("; ");
        match config.timer {
            Some(timer) => Err(Error::TimerRefused { timer, reason }),
            None => Err(Error::NoTimer { reasons: reason }),
        }
    }

    /// Takes a timer, whether it works here or not.
    pub(crate) fn of_kind(kind: TimerKind, kernel: bool, config: &SamplerConfig) -> Result<Self, Error> {
        Ok(Self { kind, kernel, period: config.period()?, reason: String::new() })
    }

    /// Returns why this timer cannot be used here; `None` when it can. The handler must be installed.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.probe_again_and_again().err()
    }

    /// Leaves it to the guest's own checks to make samples, as often as a ticker advances their epoch.
    pub(crate) fn epochs(config: &SamplerConfig) -> Result<Self, Error> {
        let (period, reason) =
            (config.period()?, "asked for; no signal and no timer of the kernel's is needed".to_owned());
        Ok(Self { kind: TimerKind::EpochTicker, kernel: false, period, reason })
    }

    /// Returns which engine makes the samples.
    pub(crate) fn engine(&self) -> EngineKind {
        if self.kind == TimerKind::EpochTicker { EngineKind::Epoch } else { EngineKind::Signal }
    }

    fn describe(&self) -> String {
        match (self.kind, self.kernel) {
            (TimerKind::PerfTaskClock, false) => format!("{} without kernel time", self.kind),
            (kind, _) => kind.to_string(),
        }
    }

    fn reason(&self, config: &SamplerConfig, tick_hz: u32, refused: &[String]) -> String {
        let why = match (config.timer, self.kind) {
            (Some(_), TimerKind::ThreadCpu) if config.rate_hz > tick_hz => {
                format!("asked for; it is checked at the kernel's tick only, so at most {tick_hz} samples a second")
            }
            (Some(_), _) => "asked for".to_owned(),
            (None, TimerKind::PerfTaskClock) if !self.kernel => {
                "exact at any rate; it may not sample system calls here".to_owned()
            }
            (None, TimerKind::PerfTaskClock) => "exact at any rate, and works here".to_owned(),
            (None, TimerKind::ThreadCpu) => format!("keeps up with this rate (kernel tick {tick_hz} Hz)"),
            (None, TimerKind::Monotonic | TimerKind::EpochTicker) => "the one that is left".to_owned(),
        };
        if refused.is_empty() { why } else { format!("{why}; not used: {}", refused.join("; ")) }
    }

    /// Starts a timer for a thread of this process.
    pub(crate) fn start(&self, tid: Tid) -> io::Result<Timer> {
        let posix = |clock| PosixTimer::start(clock, tid, self.period).map(|timer| Timer::Posix { _timer: timer });
        match self.kind {
            TimerKind::PerfTaskClock => PerfTimer::start(tid, self.period, self.kernel).map(Timer::Perf),
            TimerKind::ThreadCpu => posix(PosixClock::ThreadCpu),
            TimerKind::Monotonic => posix(PosixClock::Monotonic),
            TimerKind::EpochTicker => Ok(Timer::Epochs),
        }
    }

    /// Splits periods without a signal into those that the kernel merged, and those of which it cannot be told.
    ///
    /// Without kernel time a system call yields no sample: that is a limit of the timer, not a loss.
    pub(crate) fn split_missing(&self, periods: u64) -> (u64, u64) {
        if self.kernel { (periods, 0) } else { (0, periods) }
    }

    /// Returns what a tick means to the handler.
    pub(crate) fn ticks(&self) -> Ticks {
        match self.kind {
            TimerKind::PerfTaskClock | TimerKind::EpochTicker => Ticks::Exact,
            TimerKind::ThreadCpu => Ticks::Overrun,
            TimerKind::Monotonic => Ticks::CheckCpu(u64::try_from(self.period.as_nanos()).unwrap_or(u64::MAX)),
        }
    }

    /// Gives the timer three chances, each on a thread of its own.
    ///
    /// Seen on Linux 6.18 in a virtual machine with two processors and five busy threads: in about one start of ten a
    /// CPU timer did not fire once in 400 ms of its thread's CPU time, and the next one did at once.
    fn probe_again_and_again(&self) -> Result<(), String> {
        self.probe().or_else(|_| self.probe()).or_else(|_| self.probe())
    }

    /// Lets the timer prove on a thread of its own that its signals arrive.
    fn probe(&self) -> Result<(), String> {
        const PROBE_PERIOD: Duration = Duration::from_micros(500);
        const PATIENCE: Duration = Duration::from_millis(60);
        let probe = Self { period: PROBE_PERIOD, ..self.clone() };
        let run = move || -> Result<(), String> {
            let mut pooled = ThreadStates::global().acquire().ok_or("too many threads are sampled")?;
            let state = pooled.state;
            state.prepare(pooled.ring(1 << 13), 1, probe.ticks());
            let registered = register_current_thread(state).map_err(|_| "the table of threads is full".to_owned());
            let result = registered.and_then(|()| probe.burn_until_tick(state, PATIENCE));
            state.retire();
            unregister_current_thread();
            pooled.ring(1 << 13).consume(|_| {});
            ThreadStates::global().release(pooled);
            result
        };
        let thread = std::thread::Builder::new().name("wasmscope-probe".into()).spawn(run);
        let thread = thread.map_err(|error| error.to_string())?;
        thread.join().unwrap_or_else(|_| Err("the probing thread failed".to_owned()))
    }

    fn burn_until_tick(&self, state: &ThreadState, patience: Duration) -> Result<(), String> {
        use std::sync::atomic::Ordering::Relaxed;
        let tid = sys::current_tid();
        let cpu = || sys::thread_cpu_time(tid).map_err(|error| error.to_string());
        let before = state.counters.ticks.load(Relaxed);
        let timer = self.start(tid).map_err(|error| error.to_string())?;
        let (mut last, mut spent) = (cpu()?, Duration::ZERO);
        while state.counters.ticks.load(Relaxed) == before && spent < patience {
            let now = cpu()?;
            // A virtual machine that was put aside sees the clock jump, and no tick for all of that time.
            spent += now.saturating_sub(last).min(Duration::from_millis(1));
            last = now;
        }
        drop(timer);
        let arrived = state.counters.ticks.load(Relaxed) != before;
        if arrived { Ok(()) } else { Err("no signal arrived".to_owned()) }
    }
}
