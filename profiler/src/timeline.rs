//! When samples were taken, in bounded memory.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use wasmscope_model::{Event, StackId, ThreadNumber, Timestamp};

/// How wide a bucket is at first.
const FIRST_BUCKET_NANOS: u64 = 1_000_000;
/// Points kept, at most: 16 MiB.
const MAX_POINTS: usize = 1 << 19;
/// Threads told apart, at most; the others share the last place.
const MAX_THREADS: usize = 1024;
/// What tells that a sample's thread is not known.
pub(crate) const UNKNOWN_THREAD: ThreadNumber = ThreadNumber(u32::MAX);

/// What tells points apart; they are kept in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Key {
    pub(crate) bucket: u32,
    /// An index into [`TimelineBuilder::threads`].
    pub(crate) thread: u16,
    pub(crate) event: Event,
    pub(crate) stack: StackId,
}

/// What was counted of one stack, event and thread in one bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) key: Key,
    pub(crate) count: u32,
    pub(crate) nanos: u64,
}

/// A thread's name, and its number in the system.
pub(crate) type ThreadName = (Arc<str>, u32);

/// Collects samples by time. When too many points have come together, buckets become twice as wide; when one bucket for all
/// is too narrow, stacks that come later get no time.
#[derive(Debug)]
pub(crate) struct TimelineBuilder {
    started: Timestamp,
    pub(crate) bucket_nanos: u64,
    pub(crate) threads: Vec<ThreadName>,
    thread_index: FxHashMap<ThreadNumber, u16>,
    points: Vec<Point>,
    max_points: usize,
    /// Not even one bucket for all has room for more points; those that there are go on counting.
    is_full: bool,
}

impl TimelineBuilder {
    pub(crate) fn new(started: Timestamp) -> Self {
        Self::with_max_points(started, MAX_POINTS)
    }

    fn with_max_points(started: Timestamp, max_points: usize) -> Self {
        Self {
            started,
            bucket_nanos: FIRST_BUCKET_NANOS,
            threads: Vec::new(),
            thread_index: FxHashMap::default(),
            points: Vec::new(),
            max_points,
            is_full: false,
        }
    }

    /// Makes a thread known by its name.
    pub(crate) fn name_thread(&mut self, number: ThreadNumber, name: impl FnOnce() -> ThreadName) {
        if self.thread_index.contains_key(&number) || self.threads.len() >= MAX_THREADS {
            return;
        }
        self.thread_index.insert(number, u16::try_from(self.threads.len()).unwrap_or(u16::MAX));
        self.threads.push(name());
    }

    /// Counts samples of a stack. One of before the start, which a thread took while the start was being told, counts to
    /// the first bucket.
    pub(crate) fn add(
        &mut self,
        at: Timestamp,
        thread: ThreadNumber,
        event: Event,
        stack: StackId,
        count: u32,
        nanos: u64,
    ) {
        let since = at.monotonic_nanos().saturating_sub(self.started.monotonic_nanos());
        let bucket = u32::try_from(since / self.bucket_nanos).unwrap_or(u32::MAX);
        let thread = self.thread(thread);
        let key = Key { bucket, thread, event, stack };
        if let Some(last) = self.points.last_mut().filter(|last| last.key == key) {
            last.add(count, nanos);
            return;
        }
        if self.points.len() >= self.max_points {
            self.make_room();
        }
        if self.is_full {
            // What has no point has no time; it is in the profile all the same.
            let key = Key { bucket: 0, ..key };
            let known = self.points.binary_search_by_key(&key, |point| point.key);
            if let Some(point) = known.ok().and_then(|index| self.points.get_mut(index)) {
                point.add(count, nanos);
            }
            return;
        }
        // Making room may have made the buckets wider.
        let bucket = u32::try_from(since / self.bucket_nanos).unwrap_or(u32::MAX);
        self.points.push(Point { key: Key { bucket, ..key }, count, nanos });
    }

    fn thread(&mut self, number: ThreadNumber) -> u16 {
        if let Some(index) = self.thread_index.get(&number) {
            return *index;
        }
        // All threads whose names did not fit, or are not known, share one place.
        *self.thread_index.entry(UNKNOWN_THREAD).or_insert_with(|| {
            self.threads.push((Arc::from(""), 0));
            u16::try_from(self.threads.len() - 1).unwrap_or(u16::MAX)
        })
    }

    fn make_room(&mut self) {
        self.merge();
        // Half of it free, lest each few points be sorted again.
        while self.points.len() > self.max_points / 2 {
            self.bucket_nanos = self.bucket_nanos.saturating_mul(2);
            self.points.iter_mut().for_each(|point| point.key.bucket /= 2);
            self.merge();
            if self.points.last().is_none_or(|last| last.key.bucket == 0) {
                // One bucket for all: what is left differs by stack or thread.
                self.is_full = self.points.len() > self.max_points / 2;
                return;
            }
        }
    }

    /// Sorts the points, and adds up those with the same key.
    fn merge(&mut self) {
        self.points.sort_unstable_by_key(|point| point.key);
        self.points.dedup_by(|later, kept| {
            let same = later.key == kept.key;
            if same {
                kept.add(later.count, later.nanos);
            }
            same
        });
    }

    /// Returns the points, sorted and each key once.
    pub(crate) fn finish(mut self) -> (u64, Vec<ThreadName>, Vec<Point>) {
        self.merge();
        (self.bucket_nanos, self.threads, self.points)
    }
}

impl Point {
    fn add(&mut self, count: u32, nanos: u64) {
        self.count = self.count.saturating_add(count);
        self.nanos = self.nanos.saturating_add(nanos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_monotonic_nanos(1_000_000_000 + millis * 1_000_000)
    }

    #[test]
    fn points_of_one_bucket_thread_and_stack_are_one_and_totals_survive_coarsening() {
        let mut builder = TimelineBuilder::with_max_points(at(0), 64);
        builder.name_thread(ThreadNumber(7), || (Arc::from("guest"), 70));
        for milli in 0..1000 {
            builder.add(at(milli), ThreadNumber(7), Event::Cpu, StackId((milli % 3) as u32), 1, 0);
            builder.add(at(milli), ThreadNumber(7), Event::Wait, StackId(1), 1, 500);
        }
        let (bucket_nanos, threads, points) = builder.finish();
        assert_eq!(threads, [(Arc::from("guest"), 70)]);
        assert!(bucket_nanos > FIRST_BUCKET_NANOS && points.len() <= 64, "{bucket_nanos} {}", points.len());
        let total = |event| points.iter().filter(|p| p.key.event == event).map(|p| u64::from(p.count)).sum::<u64>();
        assert_eq!((total(Event::Cpu), total(Event::Wait)), (1000, 1000));
        assert_eq!(points.iter().map(|point| point.nanos).sum::<u64>(), 500_000);
        assert!(points.windows(2).all(|pair| pair[0].key < pair[1].key));
        let last = u64::from(points.last().unwrap().key.bucket);
        assert_eq!(last, 999 * FIRST_BUCKET_NANOS / bucket_nanos);
    }

    #[test]
    fn stacks_without_end_fill_no_memory_and_known_ones_go_on_counting() {
        let mut builder = TimelineBuilder::with_max_points(at(0), 64);
        for stack in 0..10_000 {
            builder.add(at(u64::from(stack)), ThreadNumber(0), Event::Cpu, StackId(stack), 1, 0);
            builder.add(at(u64::from(stack)), ThreadNumber(0), Event::Cpu, StackId(0), 1, 0);
        }
        let (bucket_nanos, _, points) = builder.finish();
        assert!(points.len() <= 64 && bucket_nanos <= FIRST_BUCKET_NANOS << 14, "{} {bucket_nanos}", points.len());
        let first = points.iter().filter(|point| point.key.stack == StackId(0)).map(|point| point.count).sum::<u32>();
        assert_eq!(first, 10_001);
    }

    #[test]
    fn threads_that_nobody_named_share_a_place() {
        let mut builder = TimelineBuilder::new(at(5));
        builder.add(at(0), ThreadNumber(1), Event::Cpu, StackId(0), 2, 0);
        builder.add(at(5), UNKNOWN_THREAD, Event::Cpu, StackId(0), 3, 0);
        let (_, threads, points) = builder.finish();
        assert_eq!((threads.len(), points.len(), points[0].count), (1, 1, 5));
    }
}
