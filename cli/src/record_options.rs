//! Options that say how to sample.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use wasmscope::{SamplerConfig, defaults};
use wasmscope_model::{EngineKind, TimerKind};

use crate::event_option::EventOption;
use crate::quantity::parse_duration;

/// Options that say how to sample.
#[derive(Args, Debug)]
#[command(next_help_heading = "Sampling")]
pub struct RecordOptions {
    /// Stop after this time, such as 10s; else when the guest ends.
    ///
    /// The outputs are then written, the guest is ended, and the exit code is 0.
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration)]
    pub duration: Option<Duration>,

    /// Samples per second of CPU time.
    #[arg(short, long, value_name = "HZ", default_value_t = defaults::RATE_HZ)]
    rate: u32,

    /// CPU time between two samples, such as 10ms, in place of --rate.
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration, conflicts_with = "rate")]
    interval: Option<Duration>,

    #[command(flatten)]
    event: EventOption,

    /// What takes the samples: signal or epoch.
    ///
    /// signal interrupts the guest by timers of the kernel's. epoch works where no signal can be used: checks that are
    /// compiled into the guest call the host. It slows down calls, and is biased: samples fall on function entries and loop
    /// heads only.
    #[arg(long, value_name = "ENGINE", default_value = "signal", hide_possible_values = true)]
    engine: Engine,

    /// What drives the signals: auto, perf, cpu or monotonic.
    ///
    /// perf is the kernel's task clock: exact CPU time at any rate, and forbidden in some containers. cpu is a timer
    /// on the thread's CPU clock: no faster than the kernel's tick. monotonic ticks in real time, and ticks without
    /// CPU use are discarded. auto takes the first of these that works, and the report says why.
    #[arg(long, value_name = "TIMER", default_value = "auto", hide_possible_values = true)]
    timer: Timer,

    /// Frames kept of a stack, innermost first.
    #[arg(long, value_name = "N", default_value_t = defaults::MAX_DEPTH)]
    max_depth: u16,
}

/// What takes the samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Engine {
    /// A signal to each thread, from that thread's own timer.
    Signal,
    /// Checks that are compiled into the guest.
    Epoch,
}

/// What drives the signals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Timer {
    /// The best that works.
    Auto,
    /// The kernel's task clock.
    Perf,
    /// The thread's CPU clock.
    Cpu,
    /// Real time.
    Monotonic,
}

impl RecordOptions {
    /// Returns what the sampler is told.
    pub fn config(&self) -> Result<SamplerConfig> {
        let rate_hz = match self.interval {
            None => self.rate,
            Some(interval) => {
                ensure!(
                    interval.as_secs() < 1 || interval == Duration::from_secs(1),
                    "an interval of {interval:?} is longer than a second, which is the longest"
                );
                let rate = (1.0 / interval.as_secs_f64()).round();
                rate.min(f64::from(u32::MAX)) as u32
            }
        };
        ensure!(
            self.engine == Engine::Signal || self.timer == Timer::Auto,
            "--timer says what drives the signals, and --engine epoch uses none"
        );
        let timer = match self.timer {
            Timer::Auto => None,
            Timer::Perf => Some(TimerKind::PerfTaskClock),
            Timer::Cpu => Some(TimerKind::ThreadCpu),
            Timer::Monotonic => Some(TimerKind::Monotonic),
        };
        ensure!(self.max_depth > 0, "a --max-depth of 0 keeps no frame");
        let waits = self.event.wants_waits();
        let config = SamplerConfig { rate_hz, timer, max_depth: self.max_depth, waits, ..SamplerConfig::default() };
        config.period()?;
        Ok(config)
    }

    /// Returns what takes the samples.
    pub fn engine(&self) -> EngineKind {
        match self.engine {
            Engine::Signal => EngineKind::Signal,
            Engine::Epoch => EngineKind::Epoch,
        }
    }

    /// Returns what is counted.
    pub fn events(&self) -> &EventOption {
        &self.event
    }
}
