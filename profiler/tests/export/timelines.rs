//! When samples are shown, and what becomes of more than viewers can hold.

use std::time::Duration;

use serde_json::Value;
use wasmscope_model::{Event, LineOrigin, PcKind, Recording, SampleRow, Timeline, TimelinePoint, TimelineThread};

use super::handmade::{Builder, PERIOD_NANOS};
use super::viewers::{array, column, firefox, float, of_firefox, of_perfetto, of_speedscope, perfetto, speedscope};

const MILLI: u64 = 1_000_000;

/// One CPU row and one wait row of the same stack.
fn recording(points: Vec<TimelinePoint>, threads: u32) -> Recording {
    let mut builder = Builder::default();
    let main = builder.code(1, PcKind::Interrupted, LineOrigin::Exact, &[("main", "a.c", 1)]);
    builder.sample(&[main], 1000);
    let mut recording = builder.finish();
    let row = recording.profile.samples[0];
    recording.profile.samples.push(SampleRow { event: Event::Wait, count: 1, amount: 5 * MILLI, ..row });
    let thread = |number| TimelineThread { name: format!("worker {number}"), tid: 100 + number };
    recording.timeline = Some(Timeline { bucket_nanos: MILLI, threads: (0..threads).map(thread).collect(), points });
    recording.validate().unwrap();
    recording
}

fn cpu(bucket: u32, thread: u32, count: u64) -> TimelinePoint {
    TimelinePoint { bucket, thread, row: 0, count, amount: count * PERIOD_NANOS }
}

fn names(profile: &Value) -> Vec<&str> {
    array(&profile["threads"]).iter().map(|thread| thread["name"].as_str().unwrap()).collect()
}

/// Returns when a thread's rows begin, in milliseconds, and whether each has a stack.
fn rows(thread: &Value) -> Vec<(f64, bool)> {
    let [times, stacks] = ["time", "stack"].map(|name| column(&thread["samples"], name));
    times.iter().zip(stacks).map(|(time, stack)| (float(time), !stack.is_null())).collect()
}

#[test]
fn samples_on_the_cpu_begin_their_time_and_waits_end_theirs() {
    let wait = TimelinePoint { bucket: 20, thread: 0, row: 1, count: 1, amount: 5 * MILLI };
    let profile = firefox(&recording(vec![cpu(2, 0, 1), cpu(13, 0, 1), wait, cpu(100, 0, 1)], 1));
    assert_eq!(names(&profile), ["worker 0", "worker 0 (wait)", "at unknown times"]);
    let threads = array(&profile["threads"]);
    // 10.1 ms after the first sample is as good as the second; the third comes long after that.
    let on_cpu = [(2.0, true), (13.0, true), (23.10101, false), (100.0, true), (110.10101, false)];
    assert_eq!(rows(&threads[0]), on_cpu);
    assert_eq!(rows(&threads[1]), [(16.0, true), (21.0, false)]);
}

#[test]
fn samples_of_a_recording_without_times_lie_side_by_side_and_it_says_so() {
    let mut recording = recording(Vec::new(), 0);
    recording.timeline = None;
    let profile = firefox(&recording);
    assert_eq!(names(&profile), ["all threads, times unknown", "all threads, times unknown (wait)"]);
    assert_eq!(rows(&array(&profile["threads"])[0]), [(0.0, true), (1100.0, false)]);
    let facts = array(&profile["meta"]["extra"][0]["entries"]);
    assert!(facts.iter().any(|fact| fact["value"] == "unknown: samples are laid out side by side, in no order"));
    assert_eq!(profile["counters"], Value::Array(Vec::new()));
}

#[test]
fn of_many_threads_the_least_busy_share_a_track() {
    let points = (0..100).map(|thread| cpu(1, thread, if thread < 90 { 2 } else { 7 })).collect();
    let recording = recording(points, 100);
    let profile = firefox(&recording);
    let names = names(&profile);
    // 64 threads with a track, the others, and what has no time for each event.
    assert_eq!(names.len(), 64 + 1 + 2);
    assert!((90..100).all(|thread| names.contains(&&*format!("worker {thread}"))));
    assert!(names.contains(&"worker 53") && !names.contains(&"worker 54"), "of the equally busy, the first");
    let others = array(&profile["threads"]).iter().find(|thread| thread["name"] == "other threads").unwrap();
    let weights = column(&others["samples"], "weight").iter().map(float).sum::<f64>();
    assert_eq!(weights, f64::from(36 * 2));
    assert_eq!(of_firefox(&profile)["cpu"].0, 1000);
}

/// Deep stacks that share no frame, one after another, each a millisecond.
fn deep(stacks: u32, depth: u32, points: u32) -> Recording {
    let mut builder = Builder::default();
    for stack in 0..stacks {
        let location = |frame: u32| {
            let name = format!("f{stack}_{frame}");
            builder.code(stack * depth + frame, PcKind::Interrupted, LineOrigin::Exact, &[(&name, "a.c", 1)])
        };
        let frames: Vec<_> = (0..depth).map(location).collect();
        builder.sample(&frames, (points / stacks).into());
    }
    let mut recording = builder.finish();
    let point = |bucket| TimelinePoint { row: bucket % stacks, ..cpu(bucket, 0, 1) };
    let threads = vec![TimelineThread { name: "main".into(), tid: 1 }];
    recording.timeline = Some(Timeline { bucket_nanos: MILLI, threads, points: (0..points).map(point).collect() });
    recording.run.as_mut().unwrap().duration = Duration::from_millis(points.into());
    recording.validate().unwrap();
    recording
}

#[test]
fn a_trace_of_too_many_slices_is_coarser_and_flatter_and_says_so() {
    let recording = deep(8, 300, 4000);
    let trace = perfetto(&recording);
    let events = array(&trace["traceEvents"]);
    let begun = events.iter().filter(|event| event["ph"] == "B").count();
    assert!((50_000..=1 << 18).contains(&begun), "{begun}");
    let about = events.iter().find(|event| event["name"] == "about this trace").unwrap();
    assert_eq!(
        about["args"]["order"],
        "of each 8 ms, samples are sorted by stack: one by one they are too many to be shown"
    );
    assert_eq!(
        about["args"]["depth"],
        "frames further in than 64 count to the one they were called by: too many to be shown"
    );
    let (sum, totals) = &of_perfetto(&trace)["cpu"];
    assert_eq!((*sum, totals["f0_299"], totals.get("f0_0")), (4000, (0, 500), None));
}

#[test]
fn stacks_that_are_too_long_to_be_repeated_are_written_once_with_their_sums() {
    let recording = deep(2, 300, 28_000);
    let file = speedscope(&recording);
    let [profile] = array(&file["profiles"]) else { panic!("there is one track") };
    assert_eq!(profile["name"], "main, not in order");
    assert_eq!(array(&profile["samples"]).len(), 2);
    assert_eq!(of_speedscope(&file, PERIOD_NANOS)["cpu"].0, 28_000);
}

#[test]
fn no_number_is_too_large_to_be_written() {
    for bucket_nanos in [0, 1, MILLI, u64::MAX] {
        for period in [0, u64::MAX] {
            let last = TimelinePoint { bucket: u32::MAX, count: u64::MAX, amount: u64::MAX, ..cpu(0, 0, 0) };
            let wait = TimelinePoint { row: 1, ..last };
            let outside = [TimelinePoint { row: 9, ..last }, TimelinePoint { thread: 9, ..last }];
            let mut recording = recording(vec![cpu(0, 0, 1), TimelinePoint { bucket: 7, ..wait }], 2);
            let timeline = recording.timeline.as_mut().unwrap();
            timeline.points.extend([last, TimelinePoint { thread: 1, ..last }, wait]);
            timeline.points.extend(outside);
            timeline.bucket_nanos = bucket_nanos;
            recording.profile.period_nanos = period;
            recording.run.as_mut().unwrap().duration = Duration::MAX;
            for row in &mut recording.profile.samples {
                (row.count, row.amount) = (u64::MAX, u64::MAX);
            }
            for file in [firefox(&recording), speedscope(&recording), perfetto(&recording)] {
                assert!(file.is_object());
            }
        }
    }
}
