//! The CPU time of all threads together, over time.

use std::slice::ChunkBy;

use serde::ser::{Serialize, SerializeMap, Serializer};
use wasmscope_model::{Event, Recording, Timeline, TimelinePoint};

use super::{PID, millis};
use crate::export::json_column::Column;

/// The CPU time of all threads together, over time, as the viewer's track for it expects it.
pub(super) struct CpuCounter<'r> {
    recording: &'r Recording,
    timeline: &'r Timeline,
}

type SameBucket = fn(&TimelinePoint, &TimelinePoint) -> bool;

impl<'r> CpuCounter<'r> {
    /// Returns the counter; `None` when no times are known.
    pub(super) fn of(recording: &'r Recording) -> Option<Self> {
        Some(Self { recording, timeline: recording.timeline.as_ref()? })
    }

    fn buckets(&self) -> ChunkBy<'r, TimelinePoint, SameBucket> {
        self.timeline.points.chunk_by(|a, b| a.bucket == b.bucket)
    }

    /// Returns when a bucket ended, in nanoseconds.
    fn end(&self, bucket: &[TimelinePoint]) -> u64 {
        let number = bucket.first().map_or(0, |point| u64::from(point.bucket));
        (number + 1).saturating_mul(self.timeline.bucket_nanos)
    }

    /// Sums up the CPU time of a bucket, in nanoseconds.
    fn used(&self, bucket: &[TimelinePoint]) -> u64 {
        let is_cpu = |point: &&TimelinePoint| {
            self.recording.profile.samples.get(point.row as usize).is_some_and(|row| row.event == Event::Cpu)
        };
        bucket.iter().filter(is_cpu).fold(0, |sum, point| sum.saturating_add(point.amount))
    }
}

impl Serialize for CpuCounter<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", "processCPU")?;
        map.serialize_entry("category", "CPU")?;
        map.serialize_entry("description", "CPU time of the guest's threads, by samples")?;
        map.serialize_entry("pid", PID)?;
        map.serialize_entry("mainThreadIndex", &0)?;
        map.serialize_entry("samples", &Samples(self))?;
        map.end()
    }
}

struct Samples<'c>(&'c CpuCounter<'c>);

impl Serialize for Samples<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counter = self.0;
        // The viewer takes the first row for the beginning, and not for a value.
        let times = || [0.0].into_iter().chain(counter.buckets().map(|bucket| millis(counter.end(bucket))));
        let counts = || [0].into_iter().chain(counter.buckets().map(|bucket| counter.used(bucket)));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &(counter.buckets().count() + 1))?;
        map.serialize_entry("time", &Column(times))?;
        map.serialize_entry("count", &Column(counts))?;
        map.end()
    }
}
