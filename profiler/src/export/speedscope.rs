//! The format of speedscope, <https://www.speedscope.app>.

use std::io::Write;

use rustc_hash::FxHashMap;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use wasmscope_model::{Event, Function, FunctionId, Recording, StackId};

use super::ExportError;
use super::display_name::{sanitized, shown_name};
use super::json_column::Column;
use super::spans::Span;
use super::tracks::{Track, Tracks};

const SCHEMA: &str = "https://www.speedscope.app/file-format-schema.json";

/// A track whose stacks have more frames than this in all is written stack by stack, each once: the format repeats a
/// stack for each sample, and viewers hold the file in memory.
const MAX_FRAMES_IN_ORDER: usize = 1 << 23;

/// Writes a recording for speedscope: a profile for each thread and event, in the order of time. `event` is what the
/// viewer shows first.
///
/// A function is one frame, at the line and column that most time was at. Stacks that follow each other and are the same
/// are one sample; what lies between them is not shown.
///
/// # Errors
///
/// [`ExportError::Empty`] when there is no sample at all; nothing is written then. Otherwise when `out` fails.
pub fn write_speedscope(
    recording: &Recording,
    event: Event,
    title: &str,
    mut out: impl Write,
) -> Result<(), ExportError> {
    let tracks = Tracks::new(recording);
    if tracks.list().is_empty() {
        return Err(ExportError::Empty);
    }
    let file = SpeedscopeFile { recording, tracks, alike: alike(recording), event, title };
    serde_json::to_writer(&mut out, &file).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

struct SpeedscopeFile<'r> {
    recording: &'r Recording,
    tracks: Tracks<'r>,
    /// By stack: the first one with the same frames. A frame is a function, whatever its line and its address.
    alike: FxHashMap<StackId, StackId>,
    event: Event,
    title: &'r str,
}

/// Returns the frames of a stack, outermost first.
fn frames(recording: &Recording, stack: StackId) -> impl Iterator<Item = u32> {
    let locations = recording.stack(stack).rev();
    locations.flat_map(|location| location.lines.iter().rev()).map(|line| line.function.0)
}

fn alike(recording: &Recording) -> FxHashMap<StackId, StackId> {
    let mut stacks: Vec<StackId> = recording.profile.samples.iter().map(|row| row.stack).collect();
    stacks.sort_unstable();
    stacks.dedup();
    stacks.sort_by(|one, other| frames(recording, *one).cmp(frames(recording, *other)));
    let groups = stacks.chunk_by(|one, other| frames(recording, *one).eq(frames(recording, *other)));
    groups.flat_map(|group| group.iter().filter_map(|stack| Some((*stack, *group.first()?)))).collect()
}

impl Serialize for SpeedscopeFile<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tracks = || self.tracks.list().iter();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("$schema", SCHEMA)?;
        map.serialize_entry("exporter", "wasmscope")?;
        map.serialize_entry("name", &sanitized(self.title))?;
        map.serialize_entry("activeProfileIndex", &self.tracks.first_shown(self.event))?;
        map.serialize_entry("shared", &Shared(self.recording))?;
        map.serialize_entry("profiles", &Column(|| tracks().map(|track| Profile::new(self, track))))?;
        map.end()
    }
}

/// The frames: one for each function, in their order.
struct Shared<'r>(&'r Recording);

impl Serialize for Shared<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let places = hottest_places(self.0);
        let frame = |(index, function): (u32, &Function)| frame(function, places.get(&FunctionId(index)).copied());
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("frames", &Column(|| (0..).zip(&self.0.profile.functions).map(frame)))?;
        map.end()
    }
}

/// A line and a column.
type PlaceInFile = (u32, u32);

fn frame(function: &Function, place: Option<PlaceInFile>) -> Value {
    let mut frame = json!({ "name": shown_name(&function.name) });
    let Some(fields) = frame.as_object_mut().filter(|_| !function.file.is_empty()) else { return frame };
    fields.insert("file".to_owned(), sanitized(&function.file).into());
    let (line, column) = place.unwrap_or((function.start_line, 0));
    if line > 0 {
        fields.insert("line".to_owned(), line.into());
    }
    if line > 0 && column > 0 {
        fields.insert("col".to_owned(), column.into());
    }
    frame
}

/// Finds where in each function most time was.
fn hottest_places(recording: &Recording) -> FxHashMap<FunctionId, PlaceInFile> {
    let mut sums: FxHashMap<(FunctionId, PlaceInFile), u64> = FxHashMap::default();
    for row in recording.profile.samples.iter().filter(|row| !matches!(row.event, Event::Alloc | Event::Live)) {
        for line in recording.stack(row.stack).flat_map(|location| &location.lines).filter(|line| line.line > 0) {
            let sum = sums.entry((line.function, (line.line, line.column))).or_default();
            *sum = sum.saturating_add(row.amount.max(row.count));
        }
    }
    let mut hottest: FxHashMap<FunctionId, (u64, PlaceInFile)> = FxHashMap::default();
    for ((function, place), sum) in sums {
        let best = hottest.entry(function).or_insert((sum, place));
        // Of equal ones the first in the file, whatever the order of the table.
        if sum > best.0 || (sum == best.0 && place < best.1) {
            *best = (sum, place);
        }
    }
    hottest.into_iter().map(|(function, (_, place))| (function, place)).collect()
}

struct Profile<'f> {
    file: &'f SpeedscopeFile<'f>,
    track: &'f Track,
    /// Whether the amounts of time are known; else samples are counted.
    has_amounts: bool,
    in_order: bool,
}

impl<'f> Profile<'f> {
    fn new(file: &'f SpeedscopeFile<'f>, track: &'f Track) -> Self {
        let mut profile =
            Self { file, track, has_amounts: file.recording.total_amount(track.event) > 0, in_order: true };
        let frames = |(stack, _)| profile.frames(stack).count();
        profile.in_order = profile.samples().map(frames).fold(0, usize::saturating_add) <= MAX_FRAMES_IN_ORDER;
        profile
    }

    fn frames(&self, stack: StackId) -> impl Iterator<Item = u32> {
        frames(self.file.recording, stack)
    }

    fn weight(&self, span: &Span) -> u64 {
        if self.has_amounts { span.amount } else { span.count }
    }

    /// Returns stacks with their weights. Equal ones are joined if they follow each other.
    fn samples(&self) -> Box<dyn Iterator<Item = (StackId, u64)> + '_> {
        let rows = &self.file.recording.profile.samples;
        let spans = self.file.tracks.spans(self.track);
        let first_alike = |stack: StackId| self.file.alike.get(&stack).copied().unwrap_or(stack);
        let mut stacks =
            spans.filter_map(move |span| Some((first_alike(rows.get(span.row as usize)?.stack), self.weight(&span))));
        if !self.in_order {
            let mut sums: Vec<(StackId, u64)> = Vec::new();
            sums.extend(stacks);
            sums.sort_by_key(|(stack, _)| *stack);
            sums.dedup_by(|later, kept| {
                later.0 == kept.0 && {
                    kept.1 = kept.1.saturating_add(later.1);
                    true
                }
            });
            return Box::new(sums.into_iter());
        }
        let mut open: Option<(StackId, u64)> = None;
        Box::new(std::iter::from_fn(move || {
            loop {
                match (stacks.next(), &mut open) {
                    (Some((stack, weight)), Some((same, sum))) if stack == *same => *sum = sum.saturating_add(weight),
                    (next, open) => {
                        let done = std::mem::replace(open, next);
                        if done.is_some() || next.is_none() {
                            return done;
                        }
                    }
                }
            }
        }))
    }
}

impl Serialize for Profile<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let unit = match self.track.event {
            _ if !self.has_amounts => "none",
            Event::Cpu | Event::Wait | Event::Ready => "nanoseconds",
            Event::Alloc | Event::Live => "bytes",
        };
        let order = if self.in_order { "" } else { ", not in order" };
        let total = self.samples().fold(0u64, |sum, (_, weight)| sum.saturating_add(weight));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "sampled")?;
        map.serialize_entry("name", &format!("{}{order}", sanitized(&self.track.name)))?;
        map.serialize_entry("unit", unit)?;
        map.serialize_entry("startValue", &0)?;
        map.serialize_entry("endValue", &total)?;
        let frames = |(stack, _)| Column(move || self.frames(stack));
        map.serialize_entry("samples", &Column(|| self.samples().map(frames)))?;
        map.serialize_entry("weights", &Column(|| self.samples().map(|(_, weight)| weight)))?;
        map.end()
    }
}
