//! Chrome's trace events, for Perfetto, <https://ui.perfetto.dev>, and for other viewers of that format.
//!
//! Each thread is a row of nested slices, like a flame chart. The slices are built from samples: one goes on as long as
//! its function is found at the same depth in one sample after another, so its ends are as exact as the time between
//! samples, and calls that nobody sampled are not there. Each slice tells how many samples it consists of.
//!
//! Of what the format can do, this is what Perfetto reads: its samples and stack frames sections it does not.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};
use wasmscope_model::{Event, Recording};

use super::ExportError;
use super::display_name::shown_name;
use super::facts::facts;
use super::tracks::{Track, Tracks};

mod counters;
mod slices;

/// Recordings do not have the number of their process.
const PID: u32 = 1;
/// Slices that a viewer is given; each takes some 300 bytes.
const MAX_SLICES: u64 = 1 << 18;
/// Intervals that a recording keeps when there are more.
const MIN_BUCKETS: u64 = 512;
/// From this depth on frames are cut, by halves, when there are still more.
const MAX_DEPTH: usize = 512;
/// Frames of a stack that are shown even then.
const MIN_DEPTH: usize = 4;

/// Writes a recording as trace events, with all of its events. `event` is the one whose rows come first.
///
/// # Errors
///
/// [`ExportError::Empty`] when there is no sample at all; nothing is written then. Otherwise when `out` fails.
pub fn write_perfetto(recording: &Recording, event: Event, title: &str, out: impl Write) -> Result<(), ExportError> {
    let (tracks, depth) = within_limit(recording);
    if tracks.list().is_empty() {
        return Err(ExportError::Empty);
    }
    let mut trace = TraceWriter { out, is_first: true };
    write!(trace.out, "{{\"traceEvents\":[")?;
    trace.metadata("process_name", 0, json!({ "name": shown_name(title) }))?;
    for (tid, track) in (1..).zip(tracks.list()) {
        trace.metadata("thread_name", tid, json!({ "name": shown_name(&track.name) }))?;
        trace.metadata("thread_sort_index", tid, json!({ "sort_index": sort_index(track, event, tid) }))?;
    }
    trace.about("about this trace", about(recording, &tracks, depth))?;
    if !recording.host_calls.is_empty() {
        trace.about("host calls", host_calls(recording))?;
    }
    for (tid, track) in (1..).zip(tracks.list()) {
        slices::write(recording, &tracks, track, depth, tid, &mut trace)?;
    }
    counters::write(recording, tracks.duration_nanos(), &mut trace)?;
    writeln!(trace.out, "\n]}}")?;
    Ok(trace.out.flush()?)
}

fn sort_index(track: &Track, first: Event, tid: u32) -> u32 {
    if track.event == first { tid } else { tid.saturating_add(1 << 16) }
}

/// Finds how much can be shown. Too many slices have their intervals widened first, then their innermost frames cut.
fn within_limit(recording: &Recording) -> (Tracks<'_>, usize) {
    let mut tracks = Tracks::new(recording);
    let mut depth = usize::MAX;
    while slices::are_more_than(MAX_SLICES, recording, &tracks, depth) {
        let widest = tracks.duration_nanos() / MIN_BUCKETS;
        if tracks.bucket_nanos().is_some_and(|width| width <= widest) && tracks.widen() {
            continue;
        }
        if depth <= MIN_DEPTH {
            break;
        }
        depth = depth.min(MAX_DEPTH) / 2;
    }
    (tracks, depth)
}

fn about(recording: &Recording, tracks: &Tracks<'_>, depth: usize) -> Map<String, Value> {
    let mut about = Map::new();
    let told = recording.timeline.as_ref().map(|timeline| timeline.bucket_nanos.max(1));
    if let Some(width) = tracks.bucket_nanos().filter(|width| told.is_some_and(|told| told < *width)) {
        let millis = micros(width) / 1e3;
        let text =
            format!("of each {millis} ms, samples are sorted by stack: one by one they are too many to be shown");
        about.insert("order".to_owned(), text.into());
    }
    if depth < usize::MAX {
        let text = format!("frames further in than {depth} count to the one they were called by: too many to be shown");
        about.insert("depth".to_owned(), text.into());
    }
    about.insert("slices".to_owned(), "built from samples: ends are as exact as the time between samples".into());
    about.extend(facts(recording).into_iter().map(|(label, text)| (label.to_owned(), text.into())));
    about
}

fn host_calls(recording: &Recording) -> Map<String, Value> {
    let told = recording.host_calls.iter().map(|calls| {
        let [total, p99, max] = [calls.total, calls.p99, calls.max].map(|time| format!("{time:.1?}"));
        let text = format!("{} calls, {total} in all, p99 {p99}, longest {max}; waiting included", calls.count);
        (shown_name(&calls.name).into_owned(), text.into())
    });
    told.collect()
}

/// Writes one event a line.
struct TraceWriter<W> {
    out: W,
    is_first: bool,
}

/// A trace event. Times are microseconds.
#[derive(Serialize)]
struct TraceEvent<'e> {
    ph: char,
    pid: u32,
    tid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'e, str>>,
    /// The scope of an instant: the whole trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<char>,
    #[serde(skip_serializing_if = "Value::is_null")]
    args: Value,
}

impl<W: Write> TraceWriter<W> {
    fn write(&mut self, event: &TraceEvent<'_>) -> io::Result<()> {
        self.out.write_all(if std::mem::take(&mut self.is_first) { b"\n" } else { b",\n" })?;
        Ok(serde_json::to_writer(&mut self.out, event)?)
    }

    fn metadata(&mut self, name: &'static str, tid: u32, args: Value) -> io::Result<()> {
        let name = Some(name.into());
        self.write(&TraceEvent { ph: 'M', pid: PID, tid, ts: None, cat: None, name, s: None, args })
    }

    fn about(&mut self, name: &'static str, args: Map<String, Value>) -> io::Result<()> {
        let (name, args) = (Some(name.into()), args.into());
        self.write(&TraceEvent { ph: 'i', pid: PID, tid: 0, ts: Some(0.0), cat: None, name, s: Some('g'), args })
    }
}

/// Returns nanoseconds as microseconds, the unit of the format.
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}
