//! The same totals in each file for a viewer, over random recordings with and without times.

use proptest::prelude::*;
use wasmscope_model::{
    Event, LineOrigin, LocationId, PcKind, Recording, SampleRow, Timeline, TimelinePoint, TimelineThread,
};

use super::handmade::{Builder, PERIOD_NANOS};
use super::html::{html, of_html};
use super::viewers::{Seen, firefox, of_firefox, of_perfetto, of_recording, of_speedscope, perfetto, speedscope};

/// A point before it is known how much its row has left: row, bucket, thread, and how much.
type RandomPoint = (usize, u32, u32, u64);

fn recordings() -> impl Strategy<Value = Recording> {
    let chains = prop::collection::vec(prop::collection::vec(0..12usize, 1..4), 1..12);
    let stacks = prop::collection::vec((prop::collection::vec(0..100usize, 1..10), 1..40u64, any::<bool>()), 1..20);
    let points = prop::collection::vec((0..100usize, 0..60u32, 0..3u32, 1..20u64), 0..80);
    (chains, stacks, prop::option::of(points)).prop_map(|(chains, stacks, points)| {
        let mut builder = Builder::default();
        let mut locations: Vec<LocationId> = Vec::new();
        for (offset, chain) in (0..).zip(&chains) {
            let names: Vec<String> = chain.iter().map(|number| format!("f{number}")).collect();
            let chain: Vec<_> = names.iter().zip(1..).map(|(name, line)| (name.as_str(), "a.c", line)).collect();
            locations.push(builder.code(offset, PcKind::Interrupted, LineOrigin::Exact, &chain));
        }
        for (stack, count, _) in &stacks {
            let stack: Vec<_> = stack.iter().map(|number| locations[number % locations.len()]).collect();
            builder.sample(&stack, *count);
        }
        let mut recording = builder.finish();
        let waits = recording.profile.samples.clone().into_iter().zip(&stacks).filter(|(_, (.., waits))| *waits);
        let waits = waits.map(|(row, _)| SampleRow { event: Event::Wait, amount: row.count * 1_234_567, ..row });
        recording.profile.samples.extend(waits);
        recording.timeline = points.map(|points| timeline(&points, &recording.profile.samples));
        recording.validate().unwrap();
        recording
    })
}

/// Makes points of what the rows have; the rest of them has no time.
fn timeline(points: &[RandomPoint], rows: &[SampleRow]) -> Timeline {
    let mut left: Vec<u64> = rows.iter().map(|row| row.count).collect();
    let point = |(row, bucket, thread, count): &RandomPoint| {
        let row = row % rows.len();
        let count = left[row].min(*count);
        left[row] -= count;
        let amount = rows[row].amount / rows[row].count * count;
        TimelinePoint { bucket: *bucket, thread: *thread, row: row.try_into().unwrap(), count, amount }
    };
    let mut points: Vec<_> = points.iter().map(point).filter(|point| point.count > 0).collect();
    points.sort_by_key(|point| (point.bucket, point.thread, point.row));
    let thread = |(name, tid): (&str, u32)| TimelineThread { name: name.into(), tid };
    let threads = [("guest", 41), ("", 42), ("", 0)].map(thread).to_vec();
    Timeline { bucket_nanos: 1_000_000, threads, points }
}

fn by_self(seen: &Seen) -> Vec<(&str, u64)> {
    let mut functions: Vec<_> = seen["cpu"].1.iter().map(|(name, (own, _))| (name.as_str(), *own)).collect();
    functions.sort_by_key(|(name, own)| (std::cmp::Reverse(*own), *name));
    functions.truncate(10);
    functions
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_file_for_a_viewer_has_the_recordings_totals_for_each_event(recording in recordings()) {
        let expected = of_recording(&recording);
        let read = [
            ("firefox", of_firefox(&firefox(&recording))),
            ("speedscope", of_speedscope(&speedscope(&recording), PERIOD_NANOS)),
            ("perfetto", of_perfetto(&perfetto(&recording))),
            ("html", of_html(&html(&recording))),
        ];
        for (name, seen) in &read {
            prop_assert_eq!(seen, &expected, "{}", name);
            prop_assert_eq!(by_self(seen), by_self(&expected), "{}", name);
        }
    }
}
