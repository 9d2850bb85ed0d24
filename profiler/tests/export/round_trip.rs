//! What a pprof file brings back: all of it to us, the standard part to another decoder.

use std::io::Read;

use pprof::protos::Message;
use wasmscope_model::{Event, LineOrigin, PcKind, Recording};
use wasmscope_profiler::export::write_pprof;
use wasmscope_profiler::import::read_pprof;

use super::handmade::{self, Builder};

/// Decodes a file by the messages of the crate `pprof`.
pub fn decoded_by_crate_pprof(file: &[u8]) -> pprof::protos::Profile {
    let mut message = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut message).unwrap();
    pprof::protos::Profile::decode(&message[..]).unwrap()
}

fn written(recording: &Recording) -> Vec<u8> {
    let mut file = Vec::new();
    write_pprof(recording, &mut file).unwrap();
    file
}

fn stacks(recording: &Recording) -> Vec<Vec<wasmscope_model::LocationId>> {
    recording.profile.stacks.iter().map(|(_, stack)| stack.to_vec()).collect()
}

#[test]
fn our_own_reader_brings_everything_back() {
    let recording = handmade::recording();
    let read = read_pprof(&written(&recording)).unwrap();
    assert_eq!(read.profile.modules, recording.profile.modules);
    assert_eq!(read.profile.functions, recording.profile.functions);
    assert_eq!(read.profile.locations, recording.profile.locations);
    assert_eq!(stacks(&read), stacks(&recording));
    assert_eq!(read.profile.samples, recording.profile.samples);
    assert_eq!(read.profile.period_nanos, recording.profile.period_nanos);
    assert_eq!(read.host_calls, recording.host_calls);
    assert_eq!(read.timeline, recording.timeline);
    assert_eq!(read.requests, recording.requests);
    assert_eq!(read.losses, recording.losses);
    assert_eq!(read.run, recording.run);
    assert_eq!(read.started, recording.started);
    assert_eq!(read.notes, recording.notes);
    assert_eq!(written(&read), written(&recording), "equal recordings give equal files");
}

#[test]
fn a_timeline_that_tells_of_more_than_the_samples_is_left_out_with_a_note() {
    let mut recording = handmade::recording();
    let points = recording.timeline.iter_mut().flat_map(|timeline| &mut timeline.points);
    points.take(1).for_each(|point| point.count += 1);
    let read = read_pprof(&written(&recording)).unwrap();
    assert_eq!(read.timeline, None);
    assert_eq!(read.notes, ["its timeline does not fit its samples, and is not shown"]);
    assert_eq!(read.profile.samples, recording.profile.samples);
}

#[test]
fn every_kind_of_event_keeps_its_column() {
    let mut builder = Builder::default();
    let location = builder.code(1, PcKind::Interrupted, LineOrigin::Exact, &[("f", "f.c", 1)]);
    (1..=5).for_each(|count| builder.sample(&[location], count));
    let mut recording = builder.finish();
    for (row, event) in recording.profile.samples.iter_mut().zip(Event::ALL) {
        row.event = event;
        row.amount = row.count * 1000;
    }
    let read = read_pprof(&written(&recording)).unwrap();
    for (event, count) in Event::ALL.into_iter().zip(1..) {
        assert_eq!((read.total_count(event), read.total_amount(event)), (count, count * 1000), "{event}");
    }
}

#[test]
fn the_crate_pprof_reads_the_same_totals_stacks_and_lines() {
    let recording = handmade::recording();
    let profile = decoded_by_crate_pprof(&written(&recording));
    let text = |index: i64| profile.string_table[index as usize].as_str();
    let types: Vec<_> = profile.sample_type.iter().map(|ty| (text(ty.ty), text(ty.unit))).collect();
    assert_eq!(types, [("samples", "count"), ("cpu", "nanoseconds")]);
    assert_eq!(text(profile.default_sample_type), "cpu");
    let total = |column: usize| profile.sample.iter().map(|sample| sample.value[column]).sum::<i64>();
    assert_eq!(total(0) as u64, recording.total_count(Event::Cpu));
    assert_eq!(total(1) as u64, recording.total_amount(Event::Cpu));
    let first = &profile.sample[0];
    let location = profile.location.iter().find(|location| location.id == first.location_id[0]).unwrap();
    let lines = location.line.iter().map(|line| {
        let function = profile.function.iter().find(|function| function.id == line.function_id).unwrap();
        (text(function.name), text(function.filename), line.line)
    });
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines, [("rotate", "src/bits.h", 7), ("mix", "src/hash.c", 21), ("hash_all", "src/hash.c", 33)]);
    let mapping = &profile.mapping[0];
    assert!(mapping.has_functions && mapping.has_filenames && mapping.has_line_numbers && mapping.has_inline_frames);
    assert_eq!((text(mapping.filename), text(mapping.build_id)), ("guest.wasm", &*"ab".repeat(20)));
    assert_eq!((mapping.memory_start, mapping.memory_limit, mapping.file_offset), (0, 0x1000, 0x90));
    assert!(profile.location.iter().all(|location| location.id != 0));
}
