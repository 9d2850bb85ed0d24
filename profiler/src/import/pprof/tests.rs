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
