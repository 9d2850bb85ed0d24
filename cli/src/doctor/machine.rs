//! Which timers and engines this machine allows.

use serde_json::{Value, json};
use wasmscope_model::{EngineKind, TimerKind};
use wasmscope_profiler::{MachineReport, TimerProbe, defaults};

use super::page::Page;

/// A rate above every kernel's tick, at which timers differ.
const HIGH_RATE_HZ: u32 = 4999;

/// Which timers and engines this machine allows, or why nothing could be tried.
pub struct Machine(Result<MachineReport, String>);

impl Machine {
    /// Tries each timer.
    pub fn look() -> Self {
        Self(MachineReport::probe().map_err(|error| error.to_string()))
    }

    /// Returns what is important and does not work.
    pub fn findings(&self) -> Vec<String> {
        match &self.0 {
            Ok(report) if report.best(defaults::RATE_HZ).is_none() => {
                vec!["no timer sends signals here, which leaves --engine epoch".to_owned()]
            }
            Ok(_) => Vec::new(),
            Err(error) => vec![error.clone()],
        }
    }

    /// Writes it for people.
    pub fn write(&self, page: &mut Page) {
        page.heading("this machine");
        match &self.0 {
            Ok(report) => write_report(report, page),
            Err(error) => page.row("timers", &format!("could not be tried: {error}")),
        }
    }

    /// Returns it for programs.
    pub fn to_json(&self) -> Value {
        let report = match &self.0 {
            Ok(report) => report,
            Err(error) => return json!({ "error": error }),
        };
        let timers = report.timers.iter().map(|probe| {
            json!({
                "timer": probe.timer.name(),
                "refused": probe.refused,
                "refused_in_system_calls": probe.refused_in_kernel,
            })
        });
        let best = |rate_hz| report.best(rate_hz).map(|probe| probe.timer.name());
        json!({
            "timers": timers.collect::<Vec<_>>(),
            "engines": EngineKind::ALL.map(EngineKind::name),
            "taken_by_default": best(defaults::RATE_HZ),
            "taken_at_high_rates": best(HIGH_RATE_HZ),
            "tick_hz": report.tick_hz,
            "perf_event_paranoid": report.perf_event_paranoid,
            "has_seccomp_filter": report.has_seccomp_filter,
        })
    }
}

fn write_report(report: &MachineReport, page: &mut Page) {
    let best = |rate_hz| report.best(rate_hz).map(|probe| probe.timer);
    for probe in &report.timers {
        let mut text = timer_text(probe, report.tick_hz);
        let taken = (best(defaults::RATE_HZ) == Some(probe.timer), best(HIGH_RATE_HZ) == Some(probe.timer));
        text.push_str(match taken {
            (true, true) => "; taken at every rate",
            (true, false) => "; taken by default",
            (false, true) => "; taken at high rates",
            (false, false) => "",
        });
        page.row(label(probe.timer), &text);
    }
    let bias = "works everywhere, by --engine epoch; samples fall on function entries and loop heads only";
    page.row("epochs", bias);
    let mut label = "to get better";
    for advice in advice(report) {
        page.row(std::mem::take(&mut label), &advice);
    }
}

fn label(timer: TimerKind) -> &'static str {
    match timer {
        TimerKind::PerfTaskClock => "perf task clock",
        TimerKind::ThreadCpu => "thread CPU",
        TimerKind::Monotonic => "monotonic",
        TimerKind::EpochTicker => "epochs",
    }
}

fn timer_text(probe: &TimerProbe, tick_hz: u32) -> String {
    match (&probe.refused, &probe.refused_in_kernel, probe.timer) {
        (Some(reason), _, _) => format!("does not work: {reason}"),
        (None, Some(reason), _) => format!("works, but system calls are not sampled: {reason}"),
        (None, None, TimerKind::PerfTaskClock) => "works, exact at any rate, also in system calls".to_owned(),
        (None, None, TimerKind::ThreadCpu) => format!("works, up to the kernel's tick of {tick_hz} Hz"),
        (None, None, _) => "works, at some cost while threads wait".to_owned(),
    }
}

/// Says how to get the perf task clock, if it is not all there.
fn advice(report: &MachineReport) -> Vec<String> {
    let Some(perf) = report.timers.iter().find(|probe| probe.timer == TimerKind::PerfTaskClock) else {
        return Vec::new();
    };
    if perf.refused.is_none() && perf.refused_in_kernel.is_none() {
        return Vec::new();
    }
    let mut advice = Vec::new();
    match report.perf_event_paranoid {
        Some(level) if level > 1 => advice.push(format!(
            "kernel.perf_event_paranoid is {level}: sudo sysctl kernel.perf_event_paranoid=1, or give the process CAP_PERFMON"
        )),
        Some(_) => {}
        None => advice.push("this kernel offers no perf events, or hides them from us".to_owned()),
    }
    if report.has_seccomp_filter == Some(true) {
        advice.push(
            "a seccomp filter is in force, as in containers, and may forbid perf_event_open: Docker and Podman allow it with \
             --cap-add=PERFMON, Kubernetes with capabilities.add: [PERFMON] and a seccomp profile that allows it"
                .to_owned(),
        );
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(refused: Option<&str>, in_kernel: Option<&str>, paranoid: i32, seccomp: bool) -> MachineReport {
        let probe = |timer| TimerProbe { timer, refused: None, refused_in_kernel: None };
        let mut timers = TimerKind::OF_SIGNALS.map(probe).to_vec();
        timers[0].refused = refused.map(str::to_owned);
        timers[0].refused_in_kernel = in_kernel.map(str::to_owned);
        MachineReport { timers, tick_hz: 250, perf_event_paranoid: Some(paranoid), has_seccomp_filter: Some(seccomp) }
    }

    fn shown(report: MachineReport) -> String {
        let mut page = Page::default();
        Machine(Ok(report)).write(&mut page);
        page.finish()
    }

    #[test]
    fn a_machine_that_allows_everything_needs_no_advice() {
        let text = shown(report(None, None, 1, true));
        assert!(text.contains("exact at any rate, also in system calls; taken at every rate"), "{text}");
        assert!(!text.contains("to get better"), "{text}");
    }

    #[test]
    fn a_refusal_is_told_with_its_reason_and_the_way_out() {
        let text = shown(report(Some("Operation not permitted"), None, 3, true));
        assert!(text.contains("does not work: Operation not permitted"), "{text}");
        assert!(text.contains("up to the kernel's tick of 250 Hz; taken by default"), "{text}");
        assert!(text.contains("perf_event_paranoid=1") && text.contains("--cap-add=PERFMON"), "{text}");
        let text = shown(report(None, Some("Permission denied"), 2, false));
        assert!(text.contains("system calls are not sampled: Permission denied; taken at every rate"), "{text}");
        assert!(text.contains("perf_event_paranoid is 2") && !text.contains("seccomp"), "{text}");
    }
}
