//! Files that lie.

use std::io::Write;

use super::*;
use crate::export::messages::{Function, Line, Location, Mapping, Sample, ValueType};

fn profile() -> Profile {
    Profile {
        sample_type: vec![ValueType { r#type: 1, unit: 2 }, ValueType { r#type: 3, unit: 4 }],
        string_table: ["", "samples", "count", "cpu", "nanoseconds", "f", "m.wasm"].map(str::to_owned).to_vec(),
        function: vec![Function { id: 7, name: 5, system_name: 5, filename: 0, start_line: 1 }],
        mapping: vec![Mapping { id: 1, memory_limit: 100, filename: 6, ..Mapping::default() }],
        location: vec![Location {
            id: 9,
            mapping_id: 1,
            address: 4,
            line: vec![Line { function_id: 7, line: 3, column: 0 }],
            is_folded: false,
        }],
        sample: vec![Sample { location_id: vec![9, 9], value: vec![2, 20], label: Vec::new() }],
        period: 10,
        ..Profile::default()
    }
}

fn read(change: impl FnOnce(&mut Profile)) -> Result<Recording, ImportError> {
    let mut profile = profile();
    change(&mut profile);
    read_pprof(&profile.encode_to_vec())
}

#[test]
fn a_file_of_another_tool_is_read_with_its_columns() {
    let recording = read(|_| {}).unwrap();
    assert_eq!((recording.total_count(Event::Cpu), recording.total_amount(Event::Cpu)), (2, 20));
    assert_eq!(recording.run, None);
    let unknown = read(|profile| profile.string_table[3] = "contentions".into()).unwrap();
    assert_eq!(unknown.total_amount(Event::Cpu), 20);
}

#[test]
fn indices_that_point_nowhere_are_named() {
    let message = |change: fn(&mut Profile)| read(change).unwrap_err().to_string();
    assert_eq!(message(|p| p.sample[0].location_id[1] = 8), "sample 0 refers to location 8, which does not exist");
    assert_eq!(message(|p| p.location[0].mapping_id = 2), "location 9 refers to mapping 2, which does not exist");
    assert_eq!(
        message(|p| p.location[0].line[0].function_id = 0),
        "location 9 refers to function 0, which does not exist"
    );
    assert_eq!(message(|p| p.function[0].name = -1), "function 7 refers to string -1, which does not exist");
    assert_eq!(message(|p| p.mapping[0].filename = 99), "mapping 1 refers to string 99, which does not exist");
    assert_eq!(message(|p| p.location.push(p.location[0].clone())), "location id 9 is zero or used twice");
    assert_eq!(message(|p| p.function[0].id = 0), "function id 0 is zero or used twice");
    assert_eq!(message(|p| p.sample[0].value.truncate(1)), "sample 0 has 1 values, and there are 2 sample types");
    assert!(message(|p| p.sample[0].value[0] = -4).starts_with("sample 0 has the negative value -4"));
    assert_eq!(message(|p| p.sample_type.clear()), "not a pprof profile: it has no sample types");
}

#[test]
fn broken_and_endless_compression_is_refused() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![0; 1 << 20]).unwrap();
    let bomb = gzip.finish().unwrap();
    assert!(matches!(unpack(&bomb, 1000), Err(ImportError::TooLarge { limit: 1000, .. })));
    assert!(matches!(read_pprof(&bomb[..bomb.len() / 2]), Err(ImportError::Gzip { .. })));
    assert!(matches!(read_pprof(b"\xff\xff\xff"), Err(ImportError::NotPprof { .. })));
    assert_eq!(read_pprof(b"").unwrap_err(), ImportError::NoSampleTypes);
}

#[test]
fn locations_without_a_function_show_their_address() {
    let recording = read(|profile| profile.location[0].line.clear()).unwrap();
    assert_eq!(recording.profile.functions[1].name, "0x4");
}

/// A varint field of a message.
fn number(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(field << 3, &mut out);
    prost::encoding::encode_varint(value, &mut out);
    out
}

/// A field of a message that claims to be `length` bytes long.
fn claim(field: u64, length: u64) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint((field << 3) | 2, &mut out);
    prost::encoding::encode_varint(length, &mut out);
    out
}

#[test]
fn lengths_and_wire_types_that_lie_are_refused() {
    for field in 1..=7 {
        for length in [1, 2 << 30, u64::from(u32::MAX), u64::MAX] {
            assert!(matches!(read_pprof(&claim(field, length)), Err(ImportError::NotPprof { .. })), "{field} {length}");
        }
    }
    for field in 1..=6 {
        assert!(matches!(read_pprof(&number(field, 7)), Err(ImportError::NotPprof { .. })), "{field} is no number");
    }
    let group_without_end = [0x13, 0x13, 0x13];
    assert!(matches!(read_pprof(&group_without_end), Err(ImportError::NotPprof { .. })));
    let text = read_pprof(b"Hello, this is no profile").unwrap_err().to_string();
    assert!(text.starts_with("not a pprof profile: "), "{text}");
}

#[test]
fn every_truncation_of_a_file_is_refused_or_read_without_a_panic() {
    let whole = profile().encode_to_vec();
    for length in 0..whole.len() {
        let _ = read_pprof(&whole[..length]);
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&whole).unwrap();
    let gzip = gzip.finish().unwrap();
    for length in 2..gzip.len() {
        let error = read_pprof(&gzip[..length]).unwrap_err();
        assert!(matches!(error, ImportError::Gzip { .. }), "{length}: {error}");
    }
}

#[test]
fn messages_of_two_bytes_do_not_take_all_memory() {
    let samples = [0x12, 0].repeat(10_000);
    assert!(decode(&samples, MAX_DECODED_BYTES).is_ok());
    let error = decode(&samples, 100_000).unwrap_err().to_string();
    assert_eq!(error, "decoded it takes more than 97.7 KiB of memory, which no real profile does");
}

#[test]
fn one_long_name_used_again_and_again_does_not_take_all_memory() {
    let convert = |change: fn(&mut Profile)| {
        let mut profile = profile();
        profile.string_table[5] = "x".repeat(1000);
        change(&mut profile);
        tables::convert(&profile, 64 << 10, &mut Vec::new()).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(convert(|_| {}), Ok(()));
    let many_functions = convert(|profile| {
        profile.function = (1..200).map(|id| Function { id, name: 5, ..Function::default() }).collect();
    });
    assert!(many_functions.unwrap_err().starts_with("its names take more than 64.0 KiB"));
}

#[test]
fn one_long_stack_used_again_and_again_does_not_take_all_memory() {
    let long = |samples: usize| {
        read(|profile| {
            let line = profile.location[0].line[0].clone();
            profile.location[0].line = vec![line; 1 << 14];
            profile.sample[0].location_id = vec![profile.location[0].id];
            profile.sample = vec![profile.sample[0].clone(); samples];
        })
    };
    assert!(long(100).is_ok());
    let error = long((1 << 13) + 1).unwrap_err().to_string();
    assert_eq!(error, "its stacks have more than 134217728 frames in all, which no real profile has");
}

#[test]
fn totals_that_do_not_fit_are_refused_and_those_that_just_fit_are_exported() {
    let two = |first: i64, second: i64| {
        read(|profile| {
            profile.sample.push(profile.sample[0].clone());
            profile.sample[0].value = vec![first, 1];
            profile.sample[1].value = vec![second, 1];
        })
    };
    let error = two(i64::MAX, 1).unwrap_err().to_string();
    assert_eq!(error, "the values of \"cpu\" add up to more than 2^63");
    let most = two(i64::MAX - 1, 1).unwrap();
    let mut out = Vec::new();
    crate::export::write_table(&most, &[Event::Cpu], crate::export::TableLayout::default(), &mut out).unwrap();
    crate::export::write_folded(&most, Event::Cpu, &mut out).unwrap();
    crate::export::write_svg(&most, Event::Cpu, "t", &mut out).unwrap();
    crate::export::write_pprof(&most, &mut out).unwrap();
}

#[test]
fn columns_are_taken_by_their_names_and_what_is_left_out_is_said() {
    let heap = read(|profile| {
        profile.string_table = ["", "alloc_objects", "count", "alloc_space", "bytes", "f", "m", "inuse_space", "extra"]
            .map(str::to_owned)
            .to_vec();
        profile.sample_type.push(ValueType { r#type: 7, unit: 4 });
        profile.sample_type.push(ValueType { r#type: 8, unit: 4 });
        profile.sample[0].value = vec![2, 20, 30, 40];
    });
    let heap = heap.unwrap();
    assert_eq!((heap.total_count(Event::Alloc), heap.total_amount(Event::Alloc)), (2, 20));
    assert_eq!((heap.total_count(Event::Live), heap.total_amount(Event::Live)), (30, 30), "it has no column of counts");
    assert_eq!(heap.notes, ["not shown: the columns extra"]);
    let foreign = read(|profile| profile.string_table[3] = "contentions".into()).unwrap();
    assert_eq!(foreign.notes, ["the column \"contentions\" is shown as cpu"], "the other one holds its counts");
    let bare = read(|profile| {
        profile.mapping.clear();
        profile.location[0].mapping_id = 0;
    });
    assert_eq!(bare.unwrap().profile.locations[0].place, wasmscope_model::Place::Unknown);
}

#[test]
fn a_sample_without_frames_is_shown_as_such_everywhere() {
    let recording = read(|profile| profile.sample[0].location_id.clear()).unwrap();
    let mut out = Vec::new();
    crate::export::write_folded(&recording, Event::Cpu, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "[no stack] 2\n");
    let mut out = Vec::new();
    crate::export::write_svg(&recording, Event::Cpu, "t", &mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("<title>[no stack] (2 samples, 100.00%)</title>"));
}

#[test]
fn a_later_version_of_the_extension_is_read_as_far_as_it_is_known() {
    let recording = read(|profile| {
        let version = EXTENSION_VERSION + 1;
        profile.extension = Some(Extension { version, origins: vec![u32::MAX], ..Extension::default() });
    });
    let recording = recording.unwrap();
    assert_eq!(recording.profile.locations[0].origin, None);
    assert!(recording.notes[0].starts_with("written by a newer wasmscope"), "{:?}", recording.notes);
}
