//! A recording as columns of numbers, which the page's script reads.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use wasmscope_model::{Event, HostCallTotals, Recording, Timeline, sanitized};

use crate::call_tree::CallTree;
use crate::frames::{FrameColumns, Frames, FramesByLocation, FunctionColumns, ModuleColumns};
use crate::sources::Excerpt;
use crate::{Comparison, Page, Significance};

/// Everything that a page shows. The page's script knows these names, and nobody else: both are in one file.
#[derive(Serialize)]
struct PageData<'d> {
    title: String,
    /// The event that is shown first: a position in `events`.
    event: usize,
    events: Vec<EventData>,
    /// Nanoseconds of CPU time that a sample stands for; 0 when unknown.
    period: u64,
    /// Nanoseconds from start to end; `null` when unknown.
    duration: Option<u64>,
    /// Nanoseconds since 1970.
    started: Option<u64>,
    functions: FunctionColumns<'d>,
    frames: FrameColumns,
    files: Vec<&'d str>,
    modules: ModuleColumns<'d>,
    nodes: CallTree,
    rows: RowColumns,
    timeline: Option<TimelineData>,
    calls: Vec<HostCallData>,
    facts: &'d [(&'static str, String)],
    sources: Vec<(usize, &'d [Excerpt])>,
    comparison: Option<ComparisonData>,
}

/// An event, with the unit of its values.
#[derive(Serialize)]
struct EventData {
    name: &'static str,
    unit: &'static str,
}

/// Samples: the innermost node of a stack, the event, the value, and for a comparison whether it was before.
#[derive(Serialize, Default)]
struct RowColumns {
    node: Vec<u32>,
    event: Vec<u8>,
    value: Vec<u64>,
    before: Vec<u8>,
}

#[derive(Serialize)]
struct TimelineData {
    /// Nanoseconds.
    bucket: u64,
    threads: Vec<(String, u32)>,
    points: PointColumns,
}

/// Points of time, in their order: buckets as differences from the one before, the thread, the row, and its value.
#[derive(Serialize, Default)]
struct PointColumns {
    bucket: Vec<u32>,
    thread: Vec<u32>,
    row: Vec<u32>,
    value: Vec<u64>,
}

/// Calls of a host function; times in nanoseconds.
#[derive(Serialize)]
struct HostCallData {
    name: String,
    count: u64,
    total: u64,
    p99: u64,
    max: u64,
}

#[derive(Serialize)]
struct ComparisonData {
    factor: f64,
    pace: String,
    /// Functions whose own time changed, and those whose total time did.
    own: Vec<usize>,
    total: Vec<usize>,
}

/// Writes what a page shows as JSON.
pub(crate) fn write_data(page: &Page<'_>, out: impl Write) -> io::Result<()> {
    let recordings = [Some(page.recording), page.comparison.as_ref().map(|comparison| comparison.before)];
    let mut frames = match &page.comparison {
        Some(comparison) => Frames::compared([comparison.before, page.recording]),
        None => Frames::new(),
    };
    let sides: Vec<_> = recordings.into_iter().flatten().map(|it| (it, frames.of(it))).collect();
    let nodes = CallTree::of(&sides, &frames);
    let recording = page.recording;
    let events = if page.comparison.is_some() { vec![page.event] } else { events_of(recording) };
    let values = Values { is_compared: page.comparison.is_some(), events: &events };
    let files: Vec<&str> = frames.files().collect();
    let sources = files.iter().enumerate().filter_map(|(index, file)| Some((index, page.sources.of_file(file)?)));
    // A part of one recording's time has no counterpart in another.
    let timeline = recording.timeline.as_ref().filter(|_| page.comparison.is_none());
    let data = PageData {
        title: sanitized(page.title).into_owned(),
        event: events.iter().position(|event| *event == page.event).unwrap_or_default(),
        period: recording.profile.period_nanos,
        duration: recording.run.as_ref().map(|run| nanos(run.duration)),
        started: recording.started.as_ref().map(|started| started.unix_nanos()),
        functions: frames.function_columns(),
        frames: frames.frame_columns(),
        modules: frames.module_columns(),
        rows: values.rows(&sides, &nodes),
        timeline: timeline.map(|timeline| values.timeline(recording, timeline)),
        calls: recording.host_calls.iter().map(HostCallData::of).collect(),
        facts: &page.facts,
        sources: sources.collect(),
        comparison: page.comparison.as_ref().map(|comparison| ComparisonData::of(comparison, &frames)),
        events: events.iter().map(|event| EventData { name: event.name(), unit: values.unit(*event) }).collect(),
        nodes,
        files,
    };
    serde_json::to_writer(out, &data).map_err(io::Error::from)
}

/// Returns the events that were recorded, and the CPU time in any case.
fn events_of(recording: &Recording) -> Vec<Event> {
    let there = |event: &Event| recording.rows(*event).next().is_some();
    Event::ALL.into_iter().filter(|event| *event == Event::Cpu || there(event)).collect()
}

/// What samples are worth.
struct Values<'e> {
    is_compared: bool,
    events: &'e [Event],
}

impl Values<'_> {
    /// Two recordings may have different rates: only their times can be compared.
    fn unit(&self, event: Event) -> &'static str {
        match event {
            Event::Cpu if !self.is_compared => "samples",
            Event::Cpu | Event::Wait | Event::Ready => "nanoseconds",
            Event::Alloc | Event::Live => "bytes",
        }
    }

    fn of(&self, event: Event, count: u64, amount: u64) -> u64 {
        if self.unit(event) == "samples" { count } else { amount }
    }

    fn index(&self, event: Event) -> u8 {
        self.events.iter().position(|known| *known == event).and_then(|it| u8::try_from(it).ok()).unwrap_or_default()
    }

    /// The rows of the page's recording come first, so that points of time find them by their position.
    fn rows(&self, sides: &[(&Recording, FramesByLocation)], nodes: &CallTree) -> RowColumns {
        let mut rows = RowColumns::default();
        for (side, (recording, _)) in sides.iter().enumerate() {
            for row in &recording.profile.samples {
                // A comparison is of one event. Rows that it is not about keep their places, and weigh nothing.
                let is_shown = self.events.contains(&row.event);
                rows.node.push(nodes.end_of(side, row.stack));
                rows.event.push(self.index(row.event));
                rows.value.push(if is_shown { self.of(row.event, row.count, row.amount) } else { 0 });
                rows.before.push(u8::from(side > 0));
            }
        }
        rows
    }

    fn timeline(&self, recording: &Recording, timeline: &Timeline) -> TimelineData {
        let mut points = PointColumns::default();
        let mut bucket = 0;
        for point in &timeline.points {
            let Some(row) = recording.profile.samples.get(point.row as usize) else { continue };
            points.bucket.push(point.bucket.saturating_sub(bucket));
            points.thread.push(point.thread);
            points.row.push(point.row);
            points.value.push(self.of(row.event, point.count, point.amount));
            bucket = point.bucket;
        }
        let threads = timeline.threads.iter().map(|thread| (sanitized(&thread.name).into_owned(), thread.tid));
        TimelineData { bucket: timeline.bucket_nanos, threads: threads.collect(), points }
    }
}

impl HostCallData {
    fn of(totals: &HostCallTotals) -> Self {
        Self {
            name: sanitized(&totals.name).into_owned(),
            count: totals.count,
            total: nanos(totals.total),
            p99: nanos(totals.p99),
            max: nanos(totals.max),
        }
    }
}

impl ComparisonData {
    fn of(comparison: &Comparison<'_>, frames: &Frames) -> Self {
        let mut data =
            Self { factor: comparison.factor, pace: comparison.pace.clone(), own: Vec::new(), total: Vec::new() };
        for function in &comparison.functions {
            let Some(index) = frames.find_compared(&sanitized(&function.name), &sanitized(&function.file)) else {
                continue;
            };
            let changed = [(function.own, &mut data.own), (function.total, &mut data.total)];
            for (significance, list) in changed {
                if significance == Significance::Changed {
                    list.push(index);
                }
            }
        }
        data
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
