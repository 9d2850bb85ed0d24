//! Stretches of time with one stack, from samples.

use std::ops::Range;

use wasmscope_model::{Recording, SampleRow, TimelinePoint};

/// Samples of one row.
#[derive(Clone, Copy)]
pub(super) struct Weight {
    pub(super) row: u32,
    pub(super) count: u64,
    pub(super) amount: u64,
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

/// The points of one bucket after another, each with the time that they fill.
pub(super) struct Buckets<'t> {
    pub(super) points: &'t [TimelinePoint],
    /// Positions of points, in the order of time.
    pub(super) order: &'t [u32],
    /// How many buckets are taken together.
    pub(super) widen: u32,
    /// How wide they are then, in nanoseconds.
    pub(super) width: u64,
    pub(super) is_cpu: bool,
    /// Where the bucket before ended.
    pub(super) ended: u64,
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
    pub(super) fn share(&self) -> u64 {
        self.amount.max(self.count)
    }
}

pub(super) fn weights<'t>(points: &'t [TimelinePoint], positions: &'t [u32]) -> impl Iterator<Item = Weight> + 't {
    let points = positions.iter().filter_map(|position| points.get(*position as usize));
    points.map(|point| Weight { row: point.row, count: point.count, amount: point.amount })
}

/// Divides a stretch of time by weight.
pub(super) fn side_by_side<'t>(
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
