//! Time off the CPU in words.

use std::io::{self, Write};
use std::time::Duration;

use wasmscope_model::{Event, Recording};

/// Says how long, and how often: `1.2s wait (40 times)`.
pub(super) fn off_cpu_text(recording: &Recording, event: Event) -> String {
    let (time, count) = (Duration::from_nanos(recording.total_amount(event)), recording.total_count(event));
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    format!("{time:.1?} {event} ({times})")
}

/// Tells whether so much time passed in `event` that a report should show where: a hundredth of the recording.
pub(super) fn is_worth_showing(recording: &Recording, event: Event) -> bool {
    let amount = recording.total_amount(event);
    let duration = recording.run.as_ref().map_or(0, |run| u64::try_from(run.duration.as_nanos()).unwrap_or(u64::MAX));
    amount > 0 && amount >= duration / 100
}

/// Writes how long guests waited, and were ready, if they did.
pub(super) fn write_off_cpu(recording: &Recording, mut out: impl Write) -> io::Result<()> {
    let events = [Event::Wait, Event::Ready].into_iter().filter(|event| recording.total_amount(*event) > 0);
    let texts: Vec<String> = events.map(|event| off_cpu_text(recording, event)).collect();
    if texts.is_empty() { Ok(()) } else { writeln!(out, "off cpu   {}", texts.join(", ")) }
}
