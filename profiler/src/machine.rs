//! Which timers this machine lets us sample with.

use wasmscope_model::TimerKind;

use crate::sampler::HeldSignal;
use crate::timer::TimerChoice;
use crate::{Error, SamplerConfig, sys};

/// Whether one timer can be used here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimerProbe {
    /// The timer.
    pub timer: TimerKind,
    /// Why it cannot be used; `None` when it can.
    pub refused: Option<String>,
    /// Why system calls cannot be sampled with it; `None` when they can, or when it cannot be used at all.
    pub refused_in_kernel: Option<String>,
}

/// What this machine allows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachineReport {
    /// Every timer that sends signals, best first. What needs no signal, the epochs, works on every machine.
    pub timers: Vec<TimerProbe>,
    /// How often the kernel's tick comes; timers on a thread's CPU clock are checked at it only.
    pub tick_hz: u32,
    /// The kernel's setting `kernel.perf_event_paranoid`; `None` where there is none.
    pub perf_event_paranoid: Option<i32>,
    /// Whether a filter of system calls is in force, as in most containers; `None` when the system does not tell.
    pub has_seccomp_filter: Option<bool>,
}

impl MachineReport {
    /// Lets each timer prove itself: it has to deliver a signal to a thread that burns CPU for it.
    ///
    /// Takes a few milliseconds for each timer that works, and less than a fifth of a second of CPU time for each that
    /// does not.
    ///
    /// # Errors
    ///
    /// When SIGPROF is taken (by name of who has it), and when a sampler of this process is running.
    pub fn probe() -> Result<Self, Error> {
        let _held = HeldSignal::take()?;
        let config = SamplerConfig::default();
        let timers = TimerKind::OF_SIGNALS.into_iter().map(|timer| probe(timer, &config)).collect::<Result<_, _>>()?;
        let read = |path| std::fs::read_to_string(path).ok();
        let paranoid = read("/proc/sys/kernel/perf_event_paranoid");
        let status = read("/proc/self/status");
        let mode = status.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("Seccomp:")));
        Ok(Self {
            timers,
            tick_hz: sys::kernel_tick_hz(),
            perf_event_paranoid: paranoid.and_then(|text| text.trim().parse().ok()),
            has_seccomp_filter: mode.map(|mode| mode.trim() != "0"),
        })
    }

    /// Returns the timer that would be taken at this rate, and `None` when none can be used.
    pub fn best(&self, rate_hz: u32) -> Option<&TimerProbe> {
        self.timers.iter().find(|probe| {
            let keeps_up = probe.timer != TimerKind::ThreadCpu || rate_hz <= self.tick_hz;
            probe.refused.is_none() && keeps_up
        })
    }
}

fn probe(timer: TimerKind, config: &SamplerConfig) -> Result<TimerProbe, Error> {
    let with = |kernel| -> Result<Option<String>, Error> { Ok(TimerChoice::of_kind(timer, kernel, config)?.refusal()) };
    let in_kernel = with(true)?;
    Ok(match in_kernel {
        Some(reason) if timer == TimerKind::PerfTaskClock => match with(false)? {
            None => TimerProbe { timer, refused: None, refused_in_kernel: Some(reason) },
            refused => TimerProbe { timer, refused, refused_in_kernel: None },
        },
        refused => TimerProbe { timer, refused, refused_in_kernel: None },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(refused: [bool; 3], tick_hz: u32) -> MachineReport {
        let probes = TimerKind::OF_SIGNALS.into_iter().zip(refused).map(|(timer, refused)| TimerProbe {
            timer,
            refused: refused.then(|| "no".to_owned()),
            refused_in_kernel: None,
        });
        MachineReport { timers: probes.collect(), tick_hz, perf_event_paranoid: None, has_seccomp_filter: None }
    }

    #[test]
    fn the_best_timer_is_the_first_that_works_and_keeps_up() {
        let best = |refused, rate_hz| report(refused, 250).best(rate_hz).map(|probe| probe.timer);
        assert_eq!(best([false, false, false], 997), Some(TimerKind::PerfTaskClock));
        assert_eq!(best([true, false, false], 99), Some(TimerKind::ThreadCpu));
        assert_eq!(best([true, false, false], 997), Some(TimerKind::Monotonic));
        assert_eq!(best([true, true, true], 99), None);
    }
}
