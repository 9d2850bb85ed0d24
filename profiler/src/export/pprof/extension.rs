//! What pprof has no place for: one message in field 7317 of `Profile`, which other tools skip.
//!
//! Version 1. The schema, with the meaning of every field, is in `docs/recording-format.md`.

use prost::Message;
use wasmscope_model::{FrameOrigin, LineOrigin, NameOrigin, PcKind, WhyNoLine, WhyUnnamed};

/// The version that is written.
pub const EXTENSION_VERSION: u32 = 1;

/// The extension message.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Extension {
    #[prost(uint32, tag = "1")]
    pub version: u32,
    #[prost(message, optional, tag = "2")]
    pub run: Option<Run>,
    #[prost(message, repeated, tag = "3")]
    pub losses: Vec<Loss>,
    /// One for each module, in the order of the mappings.
    #[prost(message, repeated, tag = "4")]
    pub modules: Vec<ModuleInfo>,
    /// One for each location, in the order of the locations: where it lies.
    #[prost(uint32, repeated, tag = "5")]
    pub place_kinds: Vec<u32>,
    /// One for each location: how far it is to be trusted; 0 when that is unknown.
    #[prost(uint32, repeated, tag = "6")]
    pub origins: Vec<u32>,
    /// CLOCK_MONOTONIC at the moment of `time_nanos`; the two anchor one clock to the other.
    #[prost(uint64, optional, tag = "7")]
    pub started_monotonic_nanos: Option<u64>,
    /// Those that took longest in all first.
    #[prost(message, repeated, tag = "8")]
    pub host_calls: Vec<HostCall>,
    #[prost(message, optional, tag = "9")]
    pub timeline: Option<Timeline>,
    /// For services only.
    #[prost(message, optional, tag = "10")]
    pub requests: Option<Requests>,
}

/// Requests by route, outcome and latency, and what was sampled for them: columns of equal length, in the order of groups
/// and rows.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Requests {
    #[prost(message, repeated, tag = "1")]
    pub groups: Vec<RequestGroup>,
    /// The group: an index into `groups`.
    #[prost(uint32, repeated, tag = "2")]
    pub sample_groups: Vec<u32>,
    /// The sample.
    #[prost(uint32, repeated, tag = "3")]
    pub rows: Vec<u32>,
    #[prost(uint64, repeated, tag = "4")]
    pub counts: Vec<u64>,
    /// Nanoseconds; 0 for CPU time, of which each sample is a period.
    #[prost(uint64, repeated, tag = "5")]
    pub amounts: Vec<u64>,
}

/// Requests that were alike.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RequestGroup {
    /// The method and the template of the path.
    #[prost(string, tag = "1")]
    pub route: String,
    /// The class of the response's status, 1 to 5; 0 when it was not sent whole.
    #[prost(uint32, tag = "2")]
    pub status_class: u32,
    /// Latency: up to 31 in nanoseconds; above, 32 buckets to each doubling.
    #[prost(uint32, tag = "3")]
    pub latency_bucket: u32,
    #[prost(uint64, tag = "4")]
    pub count: u64,
    /// The sum of the latencies.
    #[prost(uint64, tag = "5")]
    pub latency_nanos: u64,
}

/// When samples were taken. Its points are columns of equal length, in the order of buckets, threads and rows.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Timeline {
    #[prost(uint64, tag = "1")]
    pub bucket_nanos: u64,
    #[prost(message, repeated, tag = "2")]
    pub threads: Vec<TimelineThread>,
    /// How many buckets after that of the point before.
    #[prost(uint32, repeated, tag = "3")]
    pub bucket_deltas: Vec<u32>,
    #[prost(uint32, repeated, tag = "4")]
    pub thread_indices: Vec<u32>,
    /// The sample.
    #[prost(uint32, repeated, tag = "5")]
    pub rows: Vec<u32>,
    #[prost(uint64, repeated, tag = "6")]
    pub counts: Vec<u64>,
    /// Nanoseconds; 0 for CPU time, of which each sample is a period.
    #[prost(uint64, repeated, tag = "7")]
    pub amounts: Vec<u64>,
}

/// A thread of the timeline.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TimelineThread {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(uint32, tag = "2")]
    pub tid: u32,
}

/// The calls of one host function.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct HostCall {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(uint64, tag = "2")]
    pub count: u64,
    #[prost(uint64, tag = "3")]
    pub total_nanos: u64,
    #[prost(uint64, tag = "4")]
    pub max_nanos: u64,
    #[prost(uint64, tag = "5")]
    pub p99_nanos: u64,
}

/// How the recording was made.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Run {
    #[prost(string, tag = "1")]
    pub engine: String,
    #[prost(string, tag = "2")]
    pub timer: String,
    #[prost(string, tag = "3")]
    pub timer_reason: String,
    #[prost(uint32, tag = "4")]
    pub rate_hz: u32,
    #[prost(uint64, tag = "5")]
    pub duration_nanos: u64,
    #[prost(uint64, optional, tag = "6")]
    pub cpu_nanos: Option<u64>,
    #[prost(uint64, tag = "7")]
    pub signals: u64,
    #[prost(uint32, tag = "8")]
    pub threads: u32,
    #[prost(uint64, tag = "9")]
    pub handler_nanos: u64,
    #[prost(uint64, tag = "10")]
    pub drain_nanos: u64,
    #[prost(string, repeated, tag = "11")]
    pub notes: Vec<String>,
}

/// A counter of losses.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Loss {
    #[prost(string, tag = "1")]
    pub reason: String,
    #[prost(uint64, tag = "2")]
    pub count: u64,
}

/// What a mapping does not hold.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ModuleInfo {
    /// SHA-256 of the code section, 64 hexadecimal digits.
    #[prost(string, tag = "1")]
    pub identity: String,
    #[prost(string, tag = "2")]
    pub file_hash: String,
    #[prost(string, tag = "3")]
    pub build_id: String,
    #[prost(bool, tag = "4")]
    pub is_adapter: bool,
}

/// Where a location lies: the numbers of `place_kinds`.
pub(crate) mod place {
    pub(crate) const UNKNOWN: u32 = 0;
    pub(crate) const CODE: u32 = 1;
    pub(crate) const MODULE: u32 = 2;
    pub(crate) const HOST_CALL: u32 = 3;
    pub(crate) const MARKER: u32 = 4;
}

const LINES: [LineOrigin; 8] = [
    LineOrigin::Exact,
    LineOrigin::Approximate,
    LineOrigin::Missing(WhyNoLine::NoDebugInfo),
    LineOrigin::Missing(WhyNoLine::NotCovered),
    LineOrigin::Missing(WhyNoLine::Unreadable),
    LineOrigin::Missing(WhyNoLine::NotGuestCode),
    LineOrigin::OtherBuild,
    LineOrigin::Missing(WhyNoLine::NotLookedUp),
];

const NAMES: [NameOrigin; 11] = [
    NameOrigin::Dwarf,
    NameOrigin::NameSection,
    NameOrigin::Export,
    NameOrigin::Import,
    NameOrigin::Marker,
    NameOrigin::Unnamed(WhyUnnamed::NoNames),
    NameOrigin::Unnamed(WhyUnnamed::NotListed),
    NameOrigin::Unnamed(WhyUnnamed::Unreadable),
    NameOrigin::Unnamed(WhyUnnamed::NoModule),
    NameOrigin::OtherBuild,
    NameOrigin::Unnamed(WhyUnnamed::NotLookedUp),
];

/// Packs an origin: bit 0 is set, bit 1 tells a return address, bit 2 a place that is only the nearest, bits 8-15 the line, bits 16-23 the name.
pub(crate) fn pack_origin(origin: Option<FrameOrigin>) -> u32 {
    let Some(FrameOrigin { pc, line, name, nearest }) = origin else {
        return 0;
    };
    let number = |position: Option<usize>| u32::try_from(position.unwrap_or(0)).unwrap_or(0);
    let line = number(LINES.iter().position(|other| *other == line));
    let name = number(NAMES.iter().position(|other| *other == name));
    1 | (u32::from(pc == PcKind::ReturnAddress) << 1) | (u32::from(nearest) << 2) | (line << 8) | (name << 16)
}

/// Unpacks an origin; numbers of later versions are unknown.
pub(crate) fn unpack_origin(packed: u32) -> Option<FrameOrigin> {
    let [flags, line, name, _] = packed.to_le_bytes();
    if flags & 1 == 0 {
        return None;
    }
    Some(FrameOrigin {
        pc: if flags & 2 == 0 { PcKind::Interrupted } else { PcKind::ReturnAddress },
        line: *LINES.get(usize::from(line))?,
        name: *NAMES.get(usize::from(name))?,
        // Files of before this bit tell it of lines only.
        nearest: flags & 4 != 0 || LINES.get(usize::from(line)) == Some(&LineOrigin::Approximate),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_origin_survives_packing() {
        for pc in [PcKind::Interrupted, PcKind::ReturnAddress] {
            for line in LINES {
                for name in NAMES {
                    let nearest = line == LineOrigin::Approximate || name == NameOrigin::Export;
                    let origin = Some(FrameOrigin { pc, line, name, nearest });
                    assert_eq!(unpack_origin(pack_origin(origin)), origin);
                }
            }
        }
        assert_eq!(unpack_origin(pack_origin(None)), None);
        assert_eq!(unpack_origin(u32::MAX), None);
    }
}
