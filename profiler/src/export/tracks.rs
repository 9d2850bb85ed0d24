//! A recording by thread and event, each in the order of time.
//!
//! Samples of one bucket have one time; among them they are sorted by stack, so that what is alike lies side by side.

use std::ops::Range;

use wasmscope_model::{Event, Recording, SampleRow, TimelinePoint};

use super::stack_order::StackOrder;

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

/// Samples of one row.
#[derive(Clone, Copy)]
struct Weight {
    row: u32,
    count: u64,
    amount: u64,
}

/// A stretch of time with one stack. Spans of a track are in order, and do not overlap.
///
/// # Accuracy
///
/// A sample on the CPU begins its span, which ends with the next sample or after the time that the sample stands for;
/// time off the CPU ends with its sample. Samples of one bucket share its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) start_nanos: u64,
    pub(super) end_nanos: u64,
    /// A position in [`wasmscope_model::Profile::samples`].
    pub(super) row: u32,
    pub(super) count: u64,
    pub(super) amount: u64,
}

impl Span {
    /// Returns the same as a row of samples.
    pub(super) fn as_row(&self, recording: &Recording) -> Option<SampleRow> {
        let row = recording.profile.samples.get(self.row as usize)?;
        Some(SampleRow { count: self.count, amount: self.amount, ..*row })
    }
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
    /// Sorts a recording's samples. So many buckets of its timeline, at least one, are taken for one.
    pub(super) fn new(recording: &'r Recording, widen: u32) -> Self {
        let widen = widen.max(1);
        let stacks = StackOrder::new(recording);
        let order = order_of_points(recording, &stacks, widen);
        let mut list = tracks_of_threads(recording, &order);
        list.extend(tracks_without_time(recording, &stacks));
        Self { recording, stacks, list, widen, order, duration_nanos: duration_nanos(recording) }
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
                let width = timeline.bucket_nanos.max(1).saturating_mul(u64::from(self.widen));
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

/// The points of one bucket after another, each with the time that they fill.
struct Buckets<'t> {
    points: &'t [TimelinePoint],
    order: &'t [u32],
    widen: u32,
    width: u64,
    is_cpu: bool,
    /// Where the bucket before ended.
    ended: u64,
}

impl<'t> Iterator for Buckets<'t> {
    type Item = (Range<u64>, &'t [u32]);

    fn next(&mut self) -> Option<Self::Item> {
        let bucket_of = |position: &u32| self.points.get(*position as usize).map(|point| point.bucket / self.widen);
        let bucket = bucket_of(self.order.first()?)?;
        let length = self.order.iter().take_while(|position| bucket_of(position) == Some(bucket)).count();
        let (now, later) = self.order.split_at_checked(length)?;
        let took = weights(self.points, now).fold(0u64, |sum, weight| sum.saturating_add(weight.share()));
        let next = later.first().and_then(bucket_of).map(|bucket| u64::from(bucket).saturating_mul(self.width));
        let begins = u64::from(bucket).saturating_mul(self.width);
        let window = if self.is_cpu {
            let ends = begins.saturating_add(took);
            // Times are as coarse as buckets: what misses the next sample by less than one does reach it.
            let ends = next.filter(|next| next.saturating_sub(ends) <= self.width).unwrap_or(ends);
            begins..ends
        } else {
            let ends = begins.saturating_add(self.width);
            let begins = ends.saturating_sub(took).max(self.ended);
            begins..ends.max(begins)
        };
        self.ended = window.end;
        self.order = later;
        Some((window, now))
    }
}

impl Weight {
    /// Returns its share in the time of a bucket.
    fn share(&self) -> u64 {
        self.amount.max(self.count)
    }
}

fn weights<'t>(points: &'t [TimelinePoint], positions: &'t [u32]) -> impl Iterator<Item = Weight> + 't {
    let points = positions.iter().filter_map(|position| points.get(*position as usize));
    points.map(|point| Weight { row: point.row, count: point.count, amount: point.amount })
}

/// Divides a stretch of time by weight.
fn side_by_side<'t>(
    window: Range<u64>,
    all: impl Iterator<Item = Weight>,
    weights: impl Iterator<Item = Weight> + 't,
) -> Box<dyn Iterator<Item = Span> + 't> {
    let whole = all.fold(0u128, |sum, weight| sum + u128::from(weight.share())).max(1);
    let width = window.end.saturating_sub(window.start);
    let mut before = 0u128;
    let at = move |before: u128| {
        // Both factors are below 2^64 or a sum of few such numbers, in which case the picture saturates.
        let offset = u128::from(width).saturating_mul(before) / whole;
        window.start.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX))
    };
    Box::new(weights.map(move |weight| {
        let start_nanos = at(before);
        before += u128::from(weight.share());
        Span { start_nanos, end_nanos: at(before), row: weight.row, count: weight.count, amount: weight.amount }
    }))
}

fn order_of_points(recording: &Recording, stacks: &StackOrder<'_>, widen: u32) -> Vec<u32> {
    let Some(timeline) = &recording.timeline else { return Vec::new() };
    let key = |position: u32| {
        let point = timeline.points.get(position as usize)?;
        let row = recording.profile.samples.get(point.row as usize)?;
        timeline.threads.get(point.thread as usize)?;
        let rank = stacks.rank(row.stack);
        (point.count > 0 || point.amount > 0).then_some((point.thread, row.event, point.bucket / widen, rank))
    };
    let length = u32::try_from(timeline.points.len()).unwrap_or(u32::MAX);
    let mut order: Vec<u32> = (0..length).filter(|position| key(*position).is_some()).collect();
    order.sort_by_cached_key(|position| key(*position));
    order
}

fn tracks_of_threads(recording: &Recording, order: &[u32]) -> Vec<Track> {
    let Some(timeline) = &recording.timeline else { return Vec::new() };
    let key = |position: &u32| {
        let point = timeline.points.get(*position as usize)?;
        Some((point.thread, recording.profile.samples.get(point.row as usize)?.event))
    };
    let mut start = 0;
    let mut tracks = Vec::new();
    for positions in order.chunk_by(|a, b| key(a) == key(b)) {
        let range = start..start + positions.len();
        start = range.end;
        let Some((thread, event)) = positions.first().and_then(key) else { continue };
        let Some(thread) = timeline.threads.get(thread as usize) else { continue };
        let name = match (thread.name.is_empty(), thread.tid) {
            (false, _) => thread.name.clone(),
            (true, 0) => "other threads".to_owned(),
            (true, tid) => format!("thread {tid}"),
        };
        // Threads may share a name, and numbers of the system are used again.
        let id = format!("{}.{}", thread.tid, tracks.len());
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
