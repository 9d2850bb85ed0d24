//! One track as a thread of the Firefox Profiler.

use std::iter::Peekable;
use std::ops::ControlFlow;

use rustc_hash::FxHashSet;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use wasmscope_model::{Event, LocationId, Recording, StackId};

use super::frame_tables::FrameTables;
use super::host_calls::Markers;
use super::{PID, millis};
use crate::export::display_name::sanitized;
use crate::export::json_column::Column;
use crate::export::spans::Span;
use crate::export::stack_order::{Node, StackOrder};
use crate::export::tracks::{Track, Tracks};

/// What is shared by all threads.
pub(super) struct Whole<'r> {
    pub(super) recording: &'r Recording,
    pub(super) tracks: Tracks<'r>,
    /// The name of the process.
    pub(super) title: &'r str,
}

/// One track as a thread, with the tables of what it refers to.
pub(super) struct Thread<'w, 'r> {
    whole: &'w Whole<'r>,
    track: &'w Track,
    is_first: bool,
    tables: FrameTables<'r>,
    markers: Markers<'r>,
    /// The stacks that the thread has, as ranks, ascending.
    ranks: Vec<u32>,
    /// The innermost node of each of them.
    nodes: Vec<Option<u32>>,
    node_count: usize,
}

/// A row of a thread's samples.
struct Sample {
    at_nanos: u64,
    /// `None` where the thread was seen doing nothing.
    span: Option<Span>,
}

impl<'w, 'r> Thread<'w, 'r> {
    pub(super) fn new(whole: &'w Whole<'r>, track: &'w Track, is_first: bool) -> Self {
        let stack = |span: Span| Some(whole.recording.profile.samples.get(span.row as usize)?.stack);
        let spans = whole.tracks.spans(track);
        let mut ranks: Vec<u32> = spans.filter_map(|span| whole.tracks.stacks().rank(stack(span)?)).collect();
        ranks.sort_unstable();
        ranks.dedup();
        let mut tables = FrameTables::new(whole.recording, &locations(whole.tracks.stacks(), &ranks));
        // Host calls belong to the process; the viewer wants a thread for them.
        let calls = if is_first { whole.recording.host_calls.as_slice() } else { &[] };
        let markers = Markers::new(calls, &mut tables);
        let mut nodes = Vec::with_capacity(ranks.len());
        let mut node_count = 0;
        let count = |_| {
            node_count += 1;
            ControlFlow::<()>::Continue(())
        };
        // Counting goes on to the end.
        let _ = whole.tracks.stacks().walk(&ranks, count, |innermost| nodes.push(innermost));
        Self { whole, track, is_first, tables, markers, ranks, nodes, node_count }
    }

    fn node(&self, stack: StackId) -> Option<u32> {
        let position = self.ranks.binary_search(&self.whole.tracks.stacks().rank(stack)?).ok()?;
        self.nodes.get(position).copied().flatten()
    }

    fn samples(&self) -> impl Iterator<Item = Sample> {
        let spans = self.whole.tracks.spans(self.track).peekable();
        WithGaps { spans, gap_at: None }
    }
}

fn locations(stacks: &StackOrder<'_>, ranks: &[u32]) -> Vec<LocationId> {
    let known: FxHashSet<LocationId> = ranks.iter().flat_map(|rank| stacks.locations(*rank)).copied().collect();
    let mut locations: Vec<LocationId> = known.into_iter().collect();
    locations.sort_unstable();
    locations
}

/// Adds a row without a stack where a thread stops doing anything: each row lasts until the next.
struct WithGaps<I: Iterator<Item = Span>> {
    spans: Peekable<I>,
    gap_at: Option<u64>,
}

impl<I: Iterator<Item = Span>> Iterator for WithGaps<I> {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        if let Some(at_nanos) = self.gap_at.take() {
            return Some(Sample { at_nanos, span: None });
        }
        let span = self.spans.next()?;
        let next = self.spans.peek().map(|next| next.start_nanos);
        self.gap_at = (next != Some(span.end_nanos)).then_some(span.end_nanos);
        Some(Sample { at_nanos: span.start_nanos, span: Some(span) })
    }
}

impl Serialize for Thread<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let end = millis(self.whole.tracks.duration_nanos());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &sanitized(&self.track.name))?;
        map.serialize_entry("isMainThread", &self.is_first)?;
        map.serialize_entry("processName", &sanitized(self.whole.title))?;
        map.serialize_entry("processType", "default")?;
        map.serialize_entry("processStartupTime", &0)?;
        map.serialize_entry("processShutdownTime", &end)?;
        map.serialize_entry("registerTime", &0)?;
        map.serialize_entry("unregisterTime", &end)?;
        map.serialize_entry("pausedRanges", &[(); 0])?;
        map.serialize_entry("pid", PID)?;
        map.serialize_entry("tid", &self.track.id)?;
        map.serialize_entry("showMarkersInTimeline", &false)?;
        map.serialize_entry("samples", &Samples(self))?;
        map.serialize_entry("markers", &self.markers)?;
        map.serialize_entry("stackTable", &StackTable(self))?;
        self.tables.write_entries(&mut map)?;
        map.end()
    }
}

struct Samples<'t>(&'t Thread<'t, 't>);

impl Serialize for Samples<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let thread = self.0;
        let rows = &thread.whole.recording.profile.samples;
        let stack = |sample: Sample| thread.node(rows.get(sample.span?.row as usize)?.stack);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &thread.samples().count())?;
        map.serialize_entry("stack", &Column(|| thread.samples().map(stack)))?;
        map.serialize_entry("time", &Column(|| thread.samples().map(|sample| millis(sample.at_nanos))))?;
        let count = |sample: Sample| sample.span.map_or(0, |span| span.count);
        let amount = |sample: Sample| sample.span.map_or(0, |span| span.amount);
        match thread.track.event {
            Event::Cpu => {
                map.serialize_entry("weight", &Column(|| thread.samples().map(count)))?;
                map.serialize_entry("weightType", "samples")?;
            }
            Event::Wait | Event::Ready => {
                map.serialize_entry("weight", &Column(|| thread.samples().map(|sample| millis(amount(sample)))))?;
                map.serialize_entry("weightType", "tracing-ms")?;
            }
            Event::Alloc | Event::Live => {
                map.serialize_entry("weight", &Column(|| thread.samples().map(amount)))?;
                map.serialize_entry("weightType", "bytes")?;
            }
        }
        map.end()
    }
}

struct StackTable<'t>(&'t Thread<'t, 't>);

impl Serialize for StackTable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let thread = self.0;
        let frame = |node: Node| thread.tables.frame(node.location, node.depth);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &thread.node_count)?;
        map.serialize_entry("frame", &NodeColumn(thread, frame))?;
        map.serialize_entry("prefix", &NodeColumn(thread, |node: Node| node.prefix))?;
        map.end()
    }
}

/// A value of each node.
struct NodeColumn<'t, F>(&'t Thread<'t, 't>, F);

impl<F: Fn(Node) -> T, T: Serialize> Serialize for NodeColumn<'_, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let NodeColumn(thread, value) = self;
        let mut elements = serializer.serialize_seq(Some(thread.node_count))?;
        let write = |node| match elements.serialize_element(&value(node)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        };
        match thread.whole.tracks.stacks().walk(&thread.ranks, write, |_| {}) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => elements.end(),
        }
    }
}
