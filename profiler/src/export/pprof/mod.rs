//! pprof: gzipped `profile.proto`.

use std::hash::RandomState;
use std::io::{self, Write};
use std::time::Duration;

use flate2::{Compression, GzBuilder};
use indexmap::IndexSet;
use prost::Message;
use wasmscope_model::{Event, HostCallTotals, LocationId, Module, ModuleId, Place, Recording, RunReport, Timeline};

pub(crate) mod extension;
pub(crate) mod messages;

pub use extension::EXTENSION_VERSION;
use extension::{Extension, HostCall, Loss, ModuleInfo, Run, TimelineThread, pack_origin, place};
use messages::{Function, Line, Location, Mapping, Profile, Sample, ValueType};

/// Modules get address ranges of their own, this far apart: code offsets are below it.
pub(crate) const MODULE_SPACING: u64 = 1 << 32;
/// pprof's build ids are shown in full, so the identity is cut to the length of a usual one.
const BUILD_ID_DIGITS: usize = 40;

/// Writes a recording as gzipped pprof. The same recording gives the same bytes.
///
/// # Errors
///
/// When `out` fails.
pub fn write_pprof(recording: &Recording, out: impl Write) -> io::Result<()> {
    let encoded = Encoder::default().profile(recording).encode_to_vec();
    // No file name and no time in the header, so that equal recordings give equal files.
    let mut gzip = GzBuilder::new().mtime(0).write(out, Compression::default());
    gzip.write_all(&encoded)?;
    gzip.finish()?.flush()
}

/// Returns the names and units of an event's two columns: samples, and what they amount to.
pub(crate) fn columns(event: Event) -> [(&'static str, &'static str); 2] {
    match event {
        Event::Cpu => [("samples", "count"), ("cpu", "nanoseconds")],
        Event::Wait => [("wait_samples", "count"), ("wait", "nanoseconds")],
        Event::Ready => [("ready_samples", "count"), ("ready", "nanoseconds")],
        Event::Alloc => [("alloc_objects", "count"), ("alloc_space", "bytes")],
        Event::Live => [("inuse_objects", "count"), ("inuse_space", "bytes")],
    }
}

#[derive(Default)]
struct Encoder {
    strings: IndexSet<String, RandomState>,
}

impl Encoder {
    fn profile(mut self, recording: &Recording) -> Profile {
        self.string("");
        let present = |event: &Event| *event == Event::Cpu || recording.rows(*event).next().is_some();
        let events: Vec<Event> = Event::ALL.into_iter().filter(present).collect();
        let sample_type = events.iter().flat_map(|event| columns(*event));
        let sample_type = sample_type.map(|(name, unit)| self.value_type(name, unit)).collect();
        let profile = &recording.profile;
        let comments = recording.run.iter().flat_map(comments).chain(recording.notes.iter().cloned());
        let comment = comments.map(|text| self.string(&text)).collect();
        Profile {
            sample_type,
            sample: samples(recording, &events),
            mapping: (0..).zip(&profile.modules).map(|(index, module)| self.mapping(index, module)).collect(),
            location: (0..).zip(&profile.locations).map(|(index, location)| location_of(index, location)).collect(),
            function: (1..).zip(&profile.functions).map(|(id, function)| self.function(id, function)).collect(),
            time_nanos: signed(recording.started.map_or(0, |anchor| anchor.unix_nanos())),
            duration_nanos: recording.run.as_ref().map_or(0, |run| signed(nanos(run.duration))),
            period_type: Some(self.value_type("cpu", "nanoseconds")),
            period: signed(profile.period_nanos),
            comment,
            default_sample_type: self.string("cpu"),
            extension: Some(extension_of(recording)),
            string_table: self.strings.into_iter().collect(),
            ..Profile::default()
        }
    }

    fn string(&mut self, text: &str) -> i64 {
        let index = self.strings.get_index_of(text);
        let index = index.unwrap_or_else(|| self.strings.insert_full(text.to_owned()).0);
        i64::try_from(index).unwrap_or(0)
    }

    fn value_type(&mut self, name: &str, unit: &str) -> ValueType {
        ValueType { r#type: self.string(name), unit: self.string(unit) }
    }

    fn mapping(&mut self, index: u32, module: &Module) -> Mapping {
        let start = u64::from(index) * MODULE_SPACING;
        let identity = module.identity.to_string();
        Mapping {
            id: u64::from(index) + 1,
            memory_start: start,
            memory_limit: start + module.code_section_size.get(),
            file_offset: module.code_section_start.get(),
            filename: self.string(&module.name),
            build_id: self.string(identity.get(..BUILD_ID_DIGITS).unwrap_or(&identity)),
            // Otherwise pprof looks for the module as a native binary, and complains.
            has_functions: true,
            has_filenames: true,
            has_line_numbers: true,
            has_inline_frames: true,
        }
    }

    fn function(&mut self, id: u64, function: &wasmscope_model::Function) -> Function {
        Function {
            id,
            name: self.string(&function.name),
            system_name: self.string(&function.system_name),
            filename: self.string(&function.file),
            start_line: i64::from(function.start_line),
        }
    }
}

fn samples(recording: &Recording, events: &[Event]) -> Vec<Sample> {
    let rows = recording.profile.samples.iter().map(|row| {
        let stack = recording.profile.stacks.frames(row.stack).unwrap_or_default();
        let values = events.iter().flat_map(|event| {
            let of_event = *event == row.event;
            [if of_event { signed(row.count) } else { 0 }, if of_event { signed(row.amount) } else { 0 }]
        });
        Sample { location_id: stack.iter().map(location_id).collect(), value: values.collect(), label: Vec::new() }
    });
    rows.collect()
}

fn location_id(id: &LocationId) -> u64 {
    u64::from(id.0) + 1
}

fn location_of(index: u32, location: &wasmscope_model::Location) -> Location {
    let at = |module: ModuleId, offset: u32| {
        (u64::from(module.0) + 1, u64::from(module.0) * MODULE_SPACING + u64::from(offset))
    };
    let (mapping_id, address) = match location.place {
        Place::Code(module, offset) => at(module, offset.get()),
        Place::Module(module) | Place::HostCall(module) => at(module, 0),
        Place::Marker(_) | Place::Unknown => (0, 0),
    };
    let line = location.lines.iter().map(|line| Line {
        function_id: u64::from(line.function.0) + 1,
        line: i64::from(line.line),
        column: i64::from(line.column),
    });
    Location { id: location_id(&LocationId(index)), mapping_id, address, line: line.collect(), is_folded: false }
}

fn extension_of(recording: &Recording) -> Extension {
    let losses = recording.losses.entries().into_iter().filter(|(_, _, count)| *count > 0);
    let kind = |location: &wasmscope_model::Location| match location.place {
        Place::Code(..) => place::CODE,
        Place::Module(_) => place::MODULE,
        Place::HostCall(_) => place::HOST_CALL,
        Place::Marker(_) => place::MARKER,
        Place::Unknown => place::UNKNOWN,
    };
    let module = |module: &Module| ModuleInfo {
        identity: module.identity.to_string(),
        file_hash: module.file_hash.clone(),
        build_id: module.build_id.clone(),
        is_adapter: module.is_adapter,
    };
    let profile = &recording.profile;
    Extension {
        version: EXTENSION_VERSION,
        run: recording.run.as_ref().map(run_of),
        losses: losses.map(|(reason, _, count)| Loss { reason: reason.to_owned(), count }).collect(),
        modules: profile.modules.iter().map(module).collect(),
        place_kinds: profile.locations.iter().map(kind).collect(),
        origins: profile.locations.iter().map(|location| pack_origin(location.origin)).collect(),
        host_calls: recording.host_calls.iter().map(host_call_of).collect(),
        timeline: recording.timeline.as_ref().map(|timeline| timeline_of(recording, timeline)),
        requests: recording.requests.as_ref().map(|requests| requests_of(recording, requests)),
        started_monotonic_nanos: recording.started.map(|anchor| anchor.monotonic.monotonic_nanos()),
    }
}

fn timeline_of(recording: &Recording, timeline: &Timeline) -> extension::Timeline {
    let points = &timeline.points;
    let thread =
        |thread: &wasmscope_model::TimelineThread| TimelineThread { name: thread.name.clone(), tid: thread.tid };
    let mut before = 0;
    let mut delta = |bucket: u32| bucket.saturating_sub(std::mem::replace(&mut before, bucket));
    let is_cpu = |row: u32| is_cpu(recording, row);
    extension::Timeline {
        bucket_nanos: timeline.bucket_nanos,
        threads: timeline.threads.iter().map(thread).collect(),
        bucket_deltas: points.iter().map(|point| delta(point.bucket)).collect(),
        thread_indices: points.iter().map(|point| point.thread).collect(),
        rows: points.iter().map(|point| point.row).collect(),
        counts: points.iter().map(|point| point.count).collect(),
        amounts: points.iter().map(|point| if is_cpu(point.row) { 0 } else { point.amount }).collect(),
    }
}

fn is_cpu(recording: &Recording, row: u32) -> bool {
    recording.profile.samples.get(row as usize).is_some_and(|row| row.event == Event::Cpu)
}

fn requests_of(recording: &Recording, requests: &wasmscope_model::Requests) -> extension::Requests {
    let group = |group: &wasmscope_model::RequestGroup| extension::RequestGroup {
        route: group.route.clone(),
        status_class: u32::from(group.status_class),
        latency_bucket: u32::from(group.bucket.0),
        count: group.count,
        latency_nanos: group.latency_nanos,
    };
    let samples = &requests.samples;
    let amount =
        |sample: &wasmscope_model::RequestSample| if is_cpu(recording, sample.row) { 0 } else { sample.amount };
    extension::Requests {
        groups: requests.groups.iter().map(group).collect(),
        sample_groups: samples.iter().map(|sample| sample.group).collect(),
        rows: samples.iter().map(|sample| sample.row).collect(),
        counts: samples.iter().map(|sample| sample.count).collect(),
        amounts: samples.iter().map(amount).collect(),
    }
}

fn host_call_of(calls: &HostCallTotals) -> HostCall {
    HostCall {
        name: calls.name.clone(),
        count: calls.count,
        total_nanos: nanos(calls.total),
        max_nanos: nanos(calls.max),
        p99_nanos: nanos(calls.p99),
    }
}

fn run_of(run: &RunReport) -> Run {
    Run {
        engine: run.engine.name().to_owned(),
        timer: run.timer.name().to_owned(),
        timer_reason: run.timer_reason.clone(),
        rate_hz: run.rate_hz,
        duration_nanos: nanos(run.duration),
        cpu_nanos: run.cpu.map(nanos),
        signals: run.signals,
        threads: run.threads,
        handler_nanos: nanos(run.cost.handler),
        drain_nanos: nanos(run.cost.drain),
        notes: run.notes.clone(),
    }
}

/// Says in words, for other viewers, how the recording was made.
fn comments(run: &RunReport) -> Vec<String> {
    let mut comments = vec![format!("wasmscope: {} engine, {}, {} Hz", run.engine.name(), run.timer, run.rate_hz)];
    comments.extend(run.notes.iter().cloned());
    comments
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
