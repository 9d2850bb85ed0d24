//! The crate `fxprof-processed-profile` writes the same profile: what both can say must be the same.

use std::collections::BTreeMap;

use fxprof_processed_profile::{
    CategoryColor, CpuDelta, Frame, FrameFlags, FrameInfo, Profile, ReferenceTimestamp, SamplingInterval, Timestamp,
};
use serde_json::Value;
use wasmscope_model::Recording;

use super::handmade::{self, PERIOD_NANOS};
use super::viewers::{array, column, firefox, number, of_firefox};

/// Makes the profile of a recording's timeline by the crate.
fn by_crate(recording: &Recording) -> Value {
    let started =
        ReferenceTimestamp::from_millis_since_unix_epoch(recording.started.unwrap().unix_nanos() as f64 / 1e6);
    let mut profile = Profile::new("guest.wasm", started, SamplingInterval::from_nanos(PERIOD_NANOS));
    let process = profile.add_process("guest.wasm", 1, Timestamp::from_nanos_since_reference(0));
    let category = profile.add_category("Guest", CategoryColor::Green);
    let timeline = recording.timeline.as_ref().unwrap();
    let threads: Vec<_> = timeline
        .threads
        .iter()
        .enumerate()
        .map(|(index, thread)| {
            let handle = profile.add_thread(process, thread.tid, Timestamp::from_nanos_since_reference(0), index == 0);
            profile.set_thread_name(handle, &thread.name);
            handle
        })
        .collect();
    for point in &timeline.points {
        let thread = threads[point.thread as usize];
        let row = recording.profile.samples[point.row as usize];
        let lines = recording.stack(row.stack).rev().flat_map(|location| location.lines.iter().rev());
        let names: Vec<&str> = lines.map(|line| &*recording.profile.functions[line.function.0 as usize].name).collect();
        let frames: Vec<_> = names
            .iter()
            .map(|name| FrameInfo {
                frame: Frame::Label(profile.intern_string(name)),
                category_pair: category.into(),
                flags: FrameFlags::empty(),
            })
            .collect();
        let stack = profile.intern_stack_frames(thread, frames.into_iter());
        let time = Timestamp::from_nanos_since_reference(u64::from(point.bucket) * timeline.bucket_nanos);
        profile.add_sample(thread, time, stack, CpuDelta::ZERO, point.count.try_into().unwrap());
    }
    serde_json::to_value(&profile).unwrap()
}

/// Gives the crate's profile the absolute times that ours has.
fn with_times(mut profile: Value) -> Value {
    for thread in profile["threads"].as_array_mut().unwrap() {
        let mut time = 0.0;
        let times = array(&thread["samples"]["timeDeltas"]).iter().map(|delta| {
            time += delta.as_f64().unwrap();
            Value::from(time)
        });
        thread["samples"]["time"] = times.collect();
    }
    profile
}

#[test]
fn both_count_the_same_threads_samples_stacks_and_functions() {
    let recording = handmade::recording();
    let (ours, theirs) = (firefox(&recording), with_times(by_crate(&recording)));
    assert_eq!(of_firefox(&ours), of_firefox(&theirs));
    assert_eq!(ours["meta"]["preprocessedProfileVersion"], theirs["meta"]["preprocessedProfileVersion"]);
    assert_eq!(ours["meta"]["interval"], theirs["meta"]["interval"]);
    let [ours, theirs] = [&ours, &theirs].map(|profile| array(&profile["threads"]));
    assert_eq!((ours.len(), theirs.len()), (2, 2));
    for (ours, theirs) in ours.iter().zip(theirs) {
        for table in ["stackTable", "frameTable", "funcTable"] {
            assert_eq!(ours[table]["length"], theirs[table]["length"], "{table}");
        }
        let first = |thread: &Value| column(&thread["samples"], "time")[0].clone();
        assert_eq!(first(ours), first(theirs));
        let seen = |thread: &Value| column(&thread["samples"], "stack").iter().filter(|stack| !stack.is_null()).count();
        assert_eq!(seen(ours), seen(theirs));
    }
}

/// Collects the keys of all objects by their place; elements of arrays have one place.
fn keys(place: &str, value: &Value, known: &mut BTreeMap<String, Vec<String>>) {
    match value {
        Value::Object(fields) => {
            known.insert(place.to_owned(), fields.keys().cloned().collect());
            fields.iter().for_each(|(key, value)| keys(&format!("{place}.{key}"), value, known));
        }
        Value::Array(elements) => elements.iter().for_each(|value| keys(&format!("{place}[]"), value, known)),
        _ => {}
    }
}

#[test]
fn every_key_that_the_crate_writes_is_in_ours_but_for_times_as_differences() {
    let recording = handmade::recording();
    let (mut ours, mut theirs) = (BTreeMap::new(), BTreeMap::new());
    keys("", &firefox(&recording), &mut ours);
    keys("", &by_crate(&recording), &mut theirs);
    let missing: Vec<String> = theirs
        .iter()
        .flat_map(|(place, keys)| keys.iter().map(move |key| (place, key)))
        .filter(|(place, key)| !ours.get(*place).is_some_and(|known| known.contains(key)))
        .map(|(place, key)| format!("{place}.{key}"))
        .collect();
    let optional = [".meta.pausedRanges", ".threads[].samples.threadCPUDelta", ".threads[].samples.timeDeltas"];
    assert_eq!(missing, optional);
}

#[test]
fn frames_tell_what_the_crate_cannot_say() {
    let profile = firefox(&handmade::recording());
    let thread = &array(&profile["threads"])[0];
    let strings = array(&thread["stringArray"]);
    let [frames, functions] = ["frameTable", "funcTable"].map(|table| &thread[table]);
    let told = (0..number(&frames["length"])).map(|frame| {
        let function = number(&column(frames, "func")[frame]);
        let text = |index: &Value| index.as_u64().map_or("-", |index| strings[index as usize].as_str().unwrap());
        let name = text(&column(functions, "name")[function]);
        let file = text(&column(functions, "fileName")[function]);
        let [line, col, depth] = ["line", "column", "inlineDepth"].map(|name| &column(frames, name)[frame]);
        format!("{name} {file}:{line}:{col} {depth}")
    });
    let expected = [
        "main src/main.c:40:3 0",
        "hash_all src/hash.c:33:3 0",
        "mix src/hash.c:21:3 1",
        "rotate src/bits.h:7:3 2",
        "sort src/sort.c:12:3 0",
        "wasm-function[17] -:null:null 0",
        "wasi_snapshot_preview1.fd_write -:null:null 0",
        "[truncated] -:null:null 0",
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}
