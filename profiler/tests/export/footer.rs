//! What stands below the table.

use wasmscope_model::{Event, HostCallTotals, Losses, Recording, TimerKind};
use wasmscope_profiler::export::{write_footer, write_svg};

use super::handmade;

fn footer(recording: &Recording) -> String {
    let mut out = Vec::new();
    write_footer(recording, Event::Cpu, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn line<'t>(text: &'t str, beginning: &str) -> Option<&'t str> {
    text.lines().find(|line| line.starts_with(beginning))
}

#[test]
fn samples_that_stand_for_several_periods_are_told_as_what_they_are() {
    let mut recording = handmade::recording();
    let run = recording.run.as_mut().unwrap();
    (run.timer, run.signals) = (TimerKind::ThreadCpu, 27);
    let text = footer(&recording);
    let expected = "samples   27 signals for 100 cpu periods, 2 lost (1.9%)";
    assert_eq!(line(&text, "samples"), Some(expected), "{text}");
    assert_eq!(
        line(&text, "lines"),
        Some("lines     20 periods (20.0%): approximate: nearest instruction of the function")
    );
    let mut svg = Vec::new();
    write_svg(&recording, Event::Cpu, "guest.wasm", &mut svg).unwrap();
    assert!(String::from_utf8(svg).unwrap().contains("27 signals for 100 cpu periods at 99 Hz"));
}

#[test]
fn losses_are_shares_as_well_and_a_warning_from_one_in_a_hundred_on() {
    let mut recording = handmade::recording();
    // 100 samples and 4 outside the guest.
    let warning =
        "warning   1.0% of the samples are lost, and shares may be off by as much; a lower --rate loses fewer";
    for (lost, samples, warned) in [(0, "0 lost", None), (1, "1 lost (1.0%)", None), (2, "2 lost (1.9%)", Some("1.9%"))]
    {
        recording.losses = Losses { merged_signals: lost, outside_guest: 4, ..Losses::default() };
        let text = footer(&recording);
        assert_eq!(line(&text, "samples").unwrap(), format!("samples   100 cpu, {samples}"));
        assert_eq!(line(&text, "warning"), warned.map(|share| warning.replace("1.0%", share)).as_deref(), "{text}");
    }
    recording.losses = Losses { truncated_at_max_depth: 1, ..Losses::default() };
    assert!(line(&footer(&recording), "warning   1.0% of the samples are cut").unwrap().contains("--max-depth"));
}

#[test]
fn names_that_do_not_explain_themselves_are_explained_beneath_the_host_calls() {
    let mut recording = handmade::recording();
    let plain = footer(&recording);
    assert!(line(&plain, "[").is_none(), "{plain}");
    let like = recording.host_calls[0].clone();
    for name in ["[host]", "wasi:clocks/monotonic-clock@0.3.0.[async-lower]wait-for"] {
        recording.host_calls.push(HostCallTotals { name: name.to_owned(), ..like.clone() });
    }
    let text = footer(&recording);
    assert!(line(&text, "[host] are calls through tables").is_some(), "{text}");
    assert!(line(&text, "[async-lower] is timed until the call has begun").is_some(), "{text}");
}

#[test]
fn the_share_of_the_guest_is_told_of_what_the_guest_bears_only() {
    let text = footer(&handmade::recording());
    let cost = line(&text, "own cost").unwrap();
    assert!(cost.contains("in the signal handler (0.00% of the CPU time), 0.412 ms sorting"), "{cost}");
    assert_eq!(cost.matches('%').count(), 1, "{cost}");
}
