//! The processed profile format of the Firefox Profiler, <https://profiler.firefox.com>.
//!
//! A thread of the guest is a thread there, with its samples at their times. Time off the CPU has threads of its own,
//! weighed in milliseconds, since a thread's samples have one unit. Newer versions of the viewer read older formats, so
//! the version written is one that all read that are in use.

use std::io::Write;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use wasmscope_model::{Event, Module, Recording};

use super::ExportError;
use super::display_name::{sanitized, shown_name};
use super::facts::facts;
use super::frame_kind::FrameKind;
use super::json_column::Column;
use super::tracks::Tracks;

mod cpu_counter;
mod frame_tables;
mod host_calls;
mod thread;

use cpu_counter::CpuCounter;
use thread::{Thread, Whole};

/// The version of the format.
const VERSION: u32 = 55;
/// The version of the format that Firefox itself records in; viewers ask for it, and do not look at it.
const RECORDED_VERSION: u32 = 24;
/// Recordings do not have the number of their process.
const PID: &str = "1";

/// Writes a recording for the Firefox Profiler, with all of its events. `event` is what the viewer shows first.
///
/// # Errors
///
/// [`ExportError::Empty`] when there is no sample at all; nothing is written then. Otherwise when `out` fails.
pub fn write_firefox(recording: &Recording, event: Event, title: &str, mut out: impl Write) -> Result<(), ExportError> {
    let tracks = Tracks::new(recording);
    if tracks.list().is_empty() {
        return Err(ExportError::Empty);
    }
    let whole = Whole { recording, tracks, title };
    serde_json::to_writer(&mut out, &Profile { whole, event }).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

struct Profile<'r> {
    whole: Whole<'r>,
    event: Event,
}

impl Serialize for Profile<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = &self.whole;
        let tracks = || whole.tracks.list().iter().enumerate();
        let counter = CpuCounter::of(whole.recording);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("meta", &meta(whole, self.event))?;
        map.serialize_entry("libs", &Column(|| whole.recording.profile.modules.iter().map(library)))?;
        // One thread's tables after another's.
        map.serialize_entry(
            "threads",
            &Column(|| tracks().map(|(index, track)| Thread::new(whole, track, index == 0))),
        )?;
        map.serialize_entry("counters", &Column(|| counter.as_ref()))?;
        map.serialize_entry("pages", &[(); 0])?;
        map.serialize_entry("profilerOverhead", &[(); 0])?;
        map.end()
    }
}

fn meta(whole: &Whole<'_>, event: Event) -> Value {
    let Whole { recording, tracks, title, .. } = whole;
    let shown = tracks.first_shown(event);
    let started = recording.started;
    let entry = |(label, text)| json!({ "label": label, "format": "string", "value": text });
    let facts: Vec<Value> = facts(recording).into_iter().map(entry).collect();
    let mut meta = json!({
        "product": shown_name(title),
        "importedFrom": "wasmscope",
        "interval": millis(interval_nanos(recording)),
        "startTime": started.map_or(0.0, |anchor| millis(anchor.unix_nanos())),
        "profilingStartTime": 0,
        "profilingEndTime": millis(tracks.duration_nanos()),
        "preprocessedProfileVersion": VERSION,
        "version": RECORDED_VERSION,
        "processType": 0,
        "stackwalk": 1,
        "debug": false,
        "symbolicated": true,
        "symbolicationNotSupported": true,
        "usesOnlyOneStackType": true,
        "sourceCodeIsNotOnSearchfox": true,
        "keepProfileThreadOrder": true,
        "initialVisibleThreads": (0..tracks.list().len()).collect::<Vec<_>>(),
        "initialSelectedThreads": [shown],
        "sampleUnits": { "time": "ms", "eventDelay": "ms", "threadCPUDelta": "ns" },
        "extensions": { "length": 0, "baseURL": [], "id": [], "name": [] },
        "categories": categories(),
        "markerSchema": [host_calls::schema()],
        "extra": [{ "label": "How it was recorded", "entries": facts }],
    });
    if let (Some(anchor), Some(meta)) = (started, meta.as_object_mut()) {
        let monotonic = anchor.monotonic.monotonic_nanos();
        meta.insert("startTimeAsClockMonotonicNanosecondsSinceBoot".to_owned(), monotonic.into());
    }
    meta
}

/// Returns the time between samples: 1 ms when it is not known.
fn interval_nanos(recording: &Recording) -> u64 {
    let rate = recording.run.as_ref().map_or(0, |run| u64::from(run.rate_hz));
    match recording.profile.period_nanos {
        0 => 1_000_000_000u64.checked_div(rate).unwrap_or(1_000_000),
        period => period,
    }
}

fn categories() -> Vec<Value> {
    let category = |name, color| json!({ "name": name, "color": color, "subcategories": ["Other"] });
    let of_kind = |kind: FrameKind| {
        let color = match kind {
            FrameKind::Guest => "green",
            FrameKind::Inlined => "lightblue",
            FrameKind::HostCall => "orange",
            FrameKind::Marker => "darkgrey",
        };
        category(kind.name(), color)
    };
    // The first is for what has no other; the viewer finds it by its colour.
    [category("Other", "grey")].into_iter().chain(FrameKind::ALL.map(of_kind)).collect()
}

/// Returns the position of a kind's category.
fn category_of(kind: FrameKind) -> usize {
    FrameKind::ALL.iter().position(|other| *other == kind).map_or(0, |index| index + 1)
}

fn library(module: &Module) -> Value {
    let name = shown_name(&module.name);
    let identity = module.identity.to_string();
    let digits = identity.get(..32).unwrap_or_default().to_uppercase();
    json!({
        "name": name,
        "path": name,
        "debugName": name,
        "debugPath": name,
        "breakpadId": format!("{digits}0"),
        "codeId": if module.build_id.is_empty() { identity } else { sanitized(&module.build_id).into_owned() },
        "arch": "wasm32",
    })
}

/// Returns nanoseconds as milliseconds, the unit of the format.
fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}
