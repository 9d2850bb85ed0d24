//! Nested slices from one sample after another.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::{Value, json};
use wasmscope_model::{Event, FunctionId, Line, Recording, SampleRow, StackId};

use super::{PID, TraceEvent, TraceWriter, micros};
use crate::export::display_name::{sanitized, shown_name};
use crate::export::folded::NO_STACK;
use crate::export::frame_kind::FrameKind;
use crate::export::tracks::{Track, Tracks};

/// What makes two frames one slice.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    /// `None` stands for a stack without any frame.
    function: Option<FunctionId>,
    kind: FrameKind,
}

/// A slice that has begun.
struct Open {
    key: Key,
    own: u64,
    /// The weight of slices within it that have ended.
    within: u64,
}

/// Writes the slices of one track.
pub(super) fn write<W: Write>(
    recording: &Recording,
    tracks: &Tracks<'_>,
    track: &Track,
    depth: usize,
    tid: u32,
    trace: &mut TraceWriter<W>,
) -> io::Result<()> {
    let mut slices = Slices { recording, depth, tid, weigh: weigh_by(recording, track.event), open: Vec::new(), trace };
    let mut ended = 0;
    for span in tracks.spans(track) {
        let Some(row) = span.as_row(recording) else { continue };
        if span.start_nanos > ended {
            slices.close_to(0, ended)?;
        }
        slices.show(&row, span.start_nanos)?;
        ended = span.end_nanos;
    }
    slices.close_to(0, ended)
}

/// Tells whether the tracks have more slices than that.
pub(super) fn are_more_than(limit: u64, recording: &Recording, tracks: &Tracks<'_>, depth: usize) -> bool {
    let mut count = 0u64;
    for track in tracks.list() {
        let mut open: Vec<Key> = Vec::new();
        let mut ended = 0;
        for span in tracks.spans(track) {
            let Some(row) = recording.profile.samples.get(span.row as usize) else { continue };
            let keys = || frames(recording, row.stack, depth).map(|(key, _)| key);
            let same = match span.start_nanos > ended {
                true => 0,
                false => open.iter().zip(keys()).take_while(|(open, key)| **open == *key).count(),
            };
            open.truncate(same);
            open.extend(keys().skip(same));
            count += open.len().saturating_sub(same) as u64;
            if count > limit {
                return true;
            }
            ended = span.end_nanos;
        }
    }
    false
}

/// Returns so many frames of a stack at most, outermost first. One stands for a stack without any.
fn frames(recording: &Recording, stack: StackId, depth: usize) -> impl Iterator<Item = (Key, Option<&Line>)> {
    let frames = recording.stack(stack).rev().flat_map(|location| {
        let lines = location.lines.iter().enumerate().rev();
        lines.map(|(depth, line)| {
            let key = Key { function: Some(line.function), kind: FrameKind::of(location, depth) };
            (key, Some(line))
        })
    });
    let is_bare = recording.stack(stack).all(|location| location.lines.is_empty());
    let bare = is_bare.then_some((Key { function: None, kind: FrameKind::Marker }, None));
    frames.chain(bare).take(depth)
}

/// How much a sample weighs, and what that is called.
type Weigh = (fn(&SampleRow) -> u64, &'static str);

fn weigh_by(recording: &Recording, event: Event) -> Weigh {
    match event {
        Event::Cpu => (|row| row.count, "samples"),
        _ if recording.total_amount(event) == 0 => (|row| row.count, "samples"),
        Event::Wait | Event::Ready => (|row| row.amount, "nanoseconds"),
        Event::Alloc | Event::Live => (|row| row.amount, "bytes"),
    }
}

struct Slices<'t, W> {
    recording: &'t Recording,
    /// Frames of a stack that are shown.
    depth: usize,
    tid: u32,
    weigh: Weigh,
    open: Vec<Open>,
    trace: &'t mut TraceWriter<W>,
}

impl<W: Write> Slices<'_, W> {
    /// Goes on with the slices that the stack shares with the one before it, ends the others, and begins new ones.
    fn show(&mut self, row: &SampleRow, at_nanos: u64) -> io::Result<()> {
        let recording = self.recording;
        let keys = frames(recording, row.stack, self.depth).map(|(key, _)| key);
        let same = self.open.iter().zip(keys).take_while(|(open, key)| open.key == *key).count();
        self.close_to(same, at_nanos)?;
        for (key, line) in frames(recording, row.stack, self.depth).skip(same) {
            self.begin(key, line, at_nanos)?;
        }
        if let Some(innermost) = self.open.last_mut() {
            innermost.own = innermost.own.saturating_add((self.weigh.0)(row));
        }
        Ok(())
    }

    fn begin(&mut self, key: Key, line: Option<&Line>, at_nanos: u64) -> io::Result<()> {
        self.open.push(Open { key, own: 0, within: 0 });
        let function = line.and_then(|line| self.recording.profile.functions.get(line.function.0 as usize));
        let name = function.map_or(Cow::Borrowed(NO_STACK), |function| shown_name(&function.name));
        let file = function.map_or("", |function| &function.file);
        let place = match line {
            _ if file.is_empty() => None,
            Some(Line { line, column, .. }) if *line > 0 && *column > 0 => {
                Some(format!("{}:{line}:{column}", sanitized(file)))
            }
            Some(Line { line, .. }) if *line > 0 => Some(format!("{}:{line}", sanitized(file))),
            _ => Some(sanitized(file).into_owned()),
        };
        // Where it was first seen; it may have gone on to other lines.
        let args = place.map_or(Value::Null, |place| json!({ "first at": place }));
        let (ts, cat) = (Some(micros(at_nanos)), Some(key.kind.name()));
        self.trace.write(&TraceEvent { ph: 'B', pid: PID, tid: self.tid, ts, cat, name: Some(name), s: None, args })
    }

    /// Ends slices, innermost first, until so many are left.
    fn close_to(&mut self, depth: usize, at_nanos: u64) -> io::Result<()> {
        while self.open.len() > depth {
            let Some(ended) = self.open.pop() else { break };
            let whole = ended.own.saturating_add(ended.within);
            if let Some(parent) = self.open.last_mut() {
                parent.within = parent.within.saturating_add(whole);
            }
            let (ts, unit) = (Some(micros(at_nanos)), self.weigh.1);
            let args = if ended.own == 0 { json!({ unit: whole }) } else { json!({ unit: whole, "self": ended.own }) };
            let tid = self.tid;
            self.trace.write(&TraceEvent { ph: 'E', pid: PID, tid, ts, cat: None, name: None, s: None, args })?;
        }
        Ok(())
    }
}
