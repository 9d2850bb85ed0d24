//! A recording by thread and event, each in the order of time.
//!
//! Samples of one bucket have one time; among them they are sorted by stack, so that what is alike lies side by side.

use std::ops::Range;

use wasmscope_model::{Event, Recording, Timeline};

use super::spans::{Buckets, Span, Weight, side_by_side, weights};
use super::stack_order::StackOrder;

/// Threads with tracks of their own, at most: viewers hold tables for each, and people do not look at more.
const MAX_THREADS: usize = 64;
/// Stands for the threads without.
const OTHERS: u32 = u32::MAX;

/// What one thread did of one event, or what has no time.
pub(super) struct Track {
    pub(super) event: Event,
    /// For people: the thread, and the event unless it is time on the CPU.
    pub(super) name: String,
    /// Tells tracks apart: the system's number of the thread where there is one, and the event.
    pub(super) id: String,
    source: Source,
}

enum Source {
    /// A range of [`Tracks::order`].
    Points(Range<usize>),
    /// Samples without times. They are laid out side by side over the recording, in no order.
    Rows(Vec<Weight>),
}

/// All of a recording's samples, in tracks.
pub(super) struct Tracks<'r> {
    recording: &'r Recording,
    stacks: StackOrder<'r>,
    list: Vec<Track>,
    /// How many of the timeline's buckets are taken together.
    widen: u32,
    /// Positions of the timeline's points, by thread, event and time.
    order: Vec<u32>,
    duration_nanos: u64,
}

impl<'r> Tracks<'r> {
    /// Sorts a recording's samples.
    pub(super) fn new(recording: &'r Recording) -> Self {
        let stacks = StackOrder::new(recording);
        let (list, order, duration_nanos) = (Vec::new(), Vec::new(), duration_nanos(recording));
        let mut tracks = Self { recording, stacks, list, widen: 1, order, duration_nanos };
        tracks.sort();
        tracks
    }

    /// Takes twice as many buckets of the timeline for one as before; tells whether that was possible.
    pub(super) fn widen(&mut self) -> bool {
        let Some(wider) = self.widen.checked_mul(2).filter(|_| self.recording.timeline.is_some()) else { return false };
        self.widen = wider;
        self.sort();
        true
    }

    /// Returns how wide a bucket is now, in nanoseconds; `None` when no times are known.
    pub(super) fn bucket_nanos(&self) -> Option<u64> {
        Some(self.recording.timeline.as_ref()?.bucket_nanos.max(1).saturating_mul(u64::from(self.widen)))
    }

    fn sort(&mut self) {
        self.list.clear();
        if let Some(timeline) = &self.recording.timeline {
            let slots = slots(timeline);
            self.order = order_of_points(self.recording, timeline, &slots, &self.stacks, self.widen);
            self.list = tracks_of_threads(self.recording, timeline, &slots, &self.order);
        }
        self.list.extend(tracks_without_time(self.recording, &self.stacks));
    }

    pub(super) fn stacks(&self) -> &StackOrder<'r> {
        &self.stacks
    }

    pub(super) fn list(&self) -> &[Track] {
        &self.list
    }

    /// Returns how long the recording took.
    pub(super) fn duration_nanos(&self) -> u64 {
        self.duration_nanos
    }

    /// Finds the track that a viewer shows first: of those of `event` the one with the most in it.
    pub(super) fn first_shown(&self, event: Event) -> usize {
        let total = |track: &Track| self.spans(track).fold(0u64, |sum, span| sum.saturating_add(span.amount));
        let of_event = self.list.iter().enumerate().filter(|(_, track)| track.event == event);
        let most = of_event.max_by_key(|(index, track)| (total(track), std::cmp::Reverse(*index)));
        most.map_or(0, |(index, _)| index)
    }

    /// Iterates over a track.
    pub(super) fn spans<'t>(&'t self, track: &'t Track) -> Box<dyn Iterator<Item = Span> + 't> {
        match (&track.source, &self.recording.timeline) {
            (Source::Points(range), Some(timeline)) => {
                let order = self.order.get(range.clone()).unwrap_or_default();
                let is_cpu = track.event == Event::Cpu;
                let width = self.bucket_nanos().unwrap_or(1);
                let points = &timeline.points;
                let buckets = Buckets { points, order, widen: self.widen, width, is_cpu, ended: 0 };
                Box::new(buckets.flat_map(|(window, positions)| {
                    side_by_side(window, weights(&timeline.points, positions), weights(&timeline.points, positions))
                }))
            }
            (Source::Rows(rows), _) => side_by_side(0..self.duration_nanos, rows.iter().copied(), rows.iter().copied()),
            (Source::Points(_), None) => Box::new(std::iter::empty()),
        }
    }
}

/// Returns for each thread itself, or [`OTHERS`] for the least busy of too many.
fn slots(timeline: &Timeline) -> Vec<u32> {
    let mut busy: Vec<(u64, u32)> = (0..).zip(&timeline.threads).map(|(thread, _)| (0, thread)).collect();
    for point in &timeline.points {
        if let Some((amount, _)) = busy.get_mut(point.thread as usize) {
            *amount = amount.saturating_add(point.amount.max(point.count));
        }
    }
    busy.sort_by_key(|(amount, thread)| (std::cmp::Reverse(*amount), *thread));
    let mut slots = vec![OTHERS; busy.len()];
    for (_, thread) in busy.into_iter().take(MAX_THREADS) {
        if let Some(slot) = slots.get_mut(thread as usize) {
            *slot = thread;
        }
    }
    slots
}

fn order_of_points(
    recording: &Recording,
    timeline: &Timeline,
    slots: &[u32],
    stacks: &StackOrder<'_>,
    widen: u32,
) -> Vec<u32> {
    let key = |position: u32| {
        let point = timeline.points.get(position as usize)?;
        let row = recording.profile.samples.get(point.row as usize)?;
        let slot = *slots.get(point.thread as usize)?;
        let rank = stacks.rank(row.stack);
        (point.count > 0 || point.amount > 0).then_some((slot, row.event, point.bucket / widen, rank))
    };
    let length = u32::try_from(timeline.points.len()).unwrap_or(u32::MAX);
    let mut order: Vec<u32> = (0..length).filter(|position| key(*position).is_some()).collect();
    order.sort_by_cached_key(|position| key(*position));
    order
}

fn tracks_of_threads(recording: &Recording, timeline: &Timeline, slots: &[u32], order: &[u32]) -> Vec<Track> {
    let key = |position: &u32| {
        let point = timeline.points.get(*position as usize)?;
        let row = recording.profile.samples.get(point.row as usize)?;
        Some((*slots.get(point.thread as usize)?, row.event))
    };
    let mut start = 0;
    let mut tracks = Vec::new();
    for positions in order.chunk_by(|a, b| key(a) == key(b)) {
        let range = start..start + positions.len();
        start = range.end;
        let Some((slot, event)) = positions.first().and_then(key) else { continue };
        let thread = timeline.threads.get(slot as usize);
        let tid = thread.map_or(0, |thread| thread.tid);
        let name = match thread {
            Some(thread) if !thread.name.is_empty() => thread.name.clone(),
            Some(_) if tid > 0 => format!("thread {tid}"),
            _ => "other threads".to_owned(),
        };
        // Threads may share a name, and numbers of the system are used again.
        let id = format!("{tid}.{}", tracks.len());
        tracks.push(Track { event, name: with_event(name, event), id, source: Source::Points(range) });
    }
    tracks
}

/// Returns what no point of the timeline accounts for, a track an event.
fn tracks_without_time(recording: &Recording, stacks: &StackOrder<'_>) -> impl Iterator<Item = Track> {
    let rows = &recording.profile.samples;
    let mut left: Vec<(u64, u64)> = rows.iter().map(|row| (row.count, row.amount)).collect();
    for point in recording.timeline.iter().flat_map(|timeline| &timeline.points) {
        if let Some((count, amount)) = left.get_mut(point.row as usize) {
            *count = count.saturating_sub(point.count);
            *amount = amount.saturating_sub(point.amount);
        }
    }
    Event::ALL.into_iter().filter_map(move |event| {
        let of_event = (0..).zip(rows).zip(&left).filter(|((_, row), _)| row.event == event);
        let weights = of_event.map(|((row, _), (count, amount))| Weight { row, count: *count, amount: *amount });
        let mut weights: Vec<Weight> = weights.filter(|weight| weight.share() > 0).collect();
        weights.sort_by_key(|weight| rows.get(weight.row as usize).and_then(|row| stacks.rank(row.stack)));
        let name = if recording.timeline.is_some() { "at unknown times" } else { "all threads, times unknown" };
        if weights.is_empty() {
            return None;
        }
        let (name, id) = (with_event(name.to_owned(), event), format!("0.{event}"));
        Some(Track { event, name, id, source: Source::Rows(weights) })
    })
}

fn with_event(name: String, event: Event) -> String {
    if event == Event::Cpu { name } else { format!("{name} ({event})") }
}

/// Returns how long the recording took: as it says, or until the end of its timeline if that is later.
fn duration_nanos(recording: &Recording) -> u64 {
    let told = recording.run.as_ref().map_or(0, |run| u64::try_from(run.duration.as_nanos()).unwrap_or(u64::MAX));
    let seen = recording.timeline.as_ref().and_then(|timeline| {
        let last = timeline.points.iter().map(|point| point.bucket).max()?;
        Some((u64::from(last) + 1).saturating_mul(timeline.bucket_nanos))
    });
    let sampled = recording.total_amount(Event::Cpu);
    let known = told.max(seen.unwrap_or(0));
    if known > 0 { known } else { sampled.max(1_000_000) }
}
