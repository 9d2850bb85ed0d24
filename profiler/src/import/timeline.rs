//! The timeline of a recording, read back.

use wasmscope_model::{Event, Profile, Timeline, TimelinePoint, TimelineThread};

use crate::export::extension;

/// Reads a timeline. One that does not fit its profile is left out, with a note: the profile is worth having without it.
pub(super) fn read(written: &extension::Timeline, profile: &Profile, notes: &mut Vec<String>) -> Option<Timeline> {
    let points = points(written, profile);
    if points.is_none() {
        notes.push("its timeline does not fit its samples, and is not shown".to_owned());
    }
    let thread = |thread: &extension::TimelineThread| TimelineThread { name: thread.name.clone(), tid: thread.tid };
    let threads = written.threads.iter().map(thread).collect();
    Some(Timeline { bucket_nanos: written.bucket_nanos, threads, points: points? })
}

fn points(written: &extension::Timeline, profile: &Profile) -> Option<Vec<TimelinePoint>> {
    let extension::Timeline { bucket_nanos, threads, bucket_deltas, thread_indices, rows, counts, amounts } = written;
    let lengths = [thread_indices.len(), rows.len(), counts.len(), amounts.len()];
    if *bucket_nanos == 0 || lengths.iter().any(|length| *length != bucket_deltas.len()) {
        return None;
    }
    let columns = thread_indices.iter().zip(rows).zip(counts).zip(amounts);
    let mut bucket = 0u32;
    // No column may sum up to more than its own sample has, so sums of points cannot overflow either.
    let mut left: Vec<(u64, u64)> = profile.samples.iter().map(|row| (row.count, row.amount)).collect();
    let mut points = Vec::with_capacity(rows.len());
    for (delta, (((thread, row), count), amount)) in bucket_deltas.iter().zip(columns) {
        bucket = bucket.checked_add(*delta)?;
        let sample = profile.samples.get(*row as usize).filter(|_| (*thread as usize) < threads.len())?;
        let amount = if sample.event == Event::Cpu { count.checked_mul(profile.period_nanos)? } else { *amount };
        let (counts_left, amount_left) = left.get_mut(*row as usize)?;
        *counts_left = counts_left.checked_sub(*count)?;
        *amount_left = amount_left.checked_sub(amount)?;
        points.push(TimelinePoint { bucket, thread: *thread, row: *row, count: *count, amount });
    }
    Some(points)
}
