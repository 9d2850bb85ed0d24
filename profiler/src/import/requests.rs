//! The requests of a recording, read back.

use wasmscope_model::{Event, LatencyBucket, Profile, RequestGroup, RequestSample, Requests};

use crate::export::extension;

/// Reads requests. Those that do not fit their profile are left out, with a note: the profile is worth having without them.
pub(super) fn read(written: &extension::Requests, profile: &Profile, notes: &mut Vec<String>) -> Option<Requests> {
    let groups = written.groups.iter().map(group).collect::<Option<Vec<_>>>();
    let requests =
        groups.and_then(|groups| Some(Requests { samples: samples(written, groups.len(), profile)?, groups }));
    if requests.is_none() {
        notes.push("its requests do not fit its samples, and are not shown".to_owned());
    }
    requests
}

fn group(written: &extension::RequestGroup) -> Option<RequestGroup> {
    Some(RequestGroup {
        route: written.route.clone(),
        status_class: u8::try_from(written.status_class).ok().filter(|class| *class <= 5)?,
        bucket: LatencyBucket(u16::try_from(written.latency_bucket).ok()?),
        count: written.count,
        latency_nanos: written.latency_nanos,
    })
}

fn samples(written: &extension::Requests, groups: usize, profile: &Profile) -> Option<Vec<RequestSample>> {
    let extension::Requests { sample_groups, rows, counts, amounts, .. } = written;
    if [rows.len(), counts.len(), amounts.len()].iter().any(|length| *length != sample_groups.len()) {
        return None;
    }
    // No group may have more of a sample than there is, nor all groups together.
    let mut left: Vec<(u64, u64)> = profile.samples.iter().map(|row| (row.count, row.amount)).collect();
    let mut samples = Vec::with_capacity(rows.len());
    for (((group, row), count), amount) in sample_groups.iter().zip(rows).zip(counts).zip(amounts) {
        let sample = profile.samples.get(*row as usize).filter(|_| (*group as usize) < groups)?;
        let amount = if sample.event == Event::Cpu { count.checked_mul(profile.period_nanos)? } else { *amount };
        let (counts_left, amount_left) = left.get_mut(*row as usize)?;
        *counts_left = counts_left.checked_sub(*count)?;
        *amount_left = amount_left.checked_sub(amount)?;
        samples.push(RequestSample { group: *group, row: *row, count: *count, amount });
    }
    samples.is_sorted_by_key(|sample| (sample.group, sample.row)).then_some(samples)
}
