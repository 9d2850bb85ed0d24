//! How many threads were on the CPU, waited, or were ready, over time.

use std::io::{self, Write};

use serde_json::json;
use wasmscope_model::{Event, Recording, Timeline};

use super::{PID, TraceEvent, TraceWriter, micros};

/// Values of a counter, at most.
const MAX_INTERVALS: u64 = 1000;
/// Sampling periods in an interval, at least, lest the counter shows the sampling in place of what is sampled.
const MIN_PERIODS: u64 = 10;

/// Writes a counter for each event that takes time. There is none without a timeline.
pub(super) fn write<W: Write>(
    recording: &Recording,
    duration_nanos: u64,
    trace: &mut TraceWriter<W>,
) -> io::Result<()> {
    let Some(timeline) = &recording.timeline else { return Ok(()) };
    let shortest = timeline.bucket_nanos.max(recording.profile.period_nanos.saturating_mul(MIN_PERIODS));
    let width = shortest.max(duration_nanos / MAX_INTERVALS).max(1);
    for (event, name) in
        [(Event::Cpu, "threads on CPU"), (Event::Wait, "threads waiting"), (Event::Ready, "threads ready")]
    {
        let intervals = intervals(recording, timeline, event, width, duration_nanos);
        if intervals.iter().all(|nanos| *nanos == 0) {
            continue;
        }
        let length = intervals.len();
        // A counter keeps its value until the next, so one more ends it.
        for (index, nanos) in (0u64..).zip(intervals.into_iter().chain([0])).take(length + 1) {
            let ts = Some(micros(index.saturating_mul(width).min(duration_nanos)));
            // A thousandth of a thread is more than samples can tell.
            let threads = (nanos as f64 * 1e3 / width as f64).round() / 1e3;
            let (name, args) = (Some(name.into()), json!({ "average": threads }));
            trace.write(&TraceEvent { ph: 'C', pid: PID, tid: 0, ts, cat: None, name, s: None, args })?;
        }
    }
    Ok(())
}

/// Sums up an event's time in intervals of equal width. Time on the CPU goes on from its sample, other time ends with it.
fn intervals(recording: &Recording, timeline: &Timeline, event: Event, width: u64, duration_nanos: u64) -> Vec<u64> {
    let length = usize::try_from(duration_nanos.div_ceil(width).clamp(1, MAX_INTERVALS + 1)).unwrap_or(1);
    let mut parts = vec![0u64; length];
    // How many points begin, less those that end, to fill whole intervals: a point need not be added to each.
    let mut whole = vec![0i64; length + 1];
    let place = |nanos: u64| usize::try_from(nanos / width).unwrap_or(usize::MAX).min(length - 1);
    let mut add = |place: usize, nanos: u64| {
        if let Some(part) = parts.get_mut(place) {
            *part = part.saturating_add(nanos);
        }
    };
    for point in &timeline.points {
        if recording.profile.samples.get(point.row as usize).is_none_or(|row| row.event != event) {
            continue;
        }
        let [start, stop] = [0, 1].map(|more| (u64::from(point.bucket) + more).saturating_mul(timeline.bucket_nanos));
        let (begin, end) = match event {
            Event::Cpu => (start, start.saturating_add(point.amount)),
            _ => (stop.saturating_sub(point.amount), stop),
        };
        // What began before the recording is told in its first interval.
        add(place(begin), point.amount.saturating_sub(end - begin));
        let (first, last) = (place(begin), place(end));
        if first == last {
            add(first, end - begin);
            continue;
        }
        add(first, (first as u64 + 1).saturating_mul(width).saturating_sub(begin));
        add(last, end.saturating_sub((last as u64).saturating_mul(width)));
        if let [begins, .., ends] = &mut whole[first + 1..=last] {
            *begins += 1;
            *ends -= 1;
        }
    }
    let mut open = 0i64;
    for (part, change) in parts.iter_mut().zip(whole) {
        open = open.saturating_add(change);
        *part = part.saturating_add(u64::try_from(open).unwrap_or(0).saturating_mul(width));
    }
    parts
}
