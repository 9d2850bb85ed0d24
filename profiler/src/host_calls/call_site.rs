//! How often, and how long, the host was called from one place.

use std::time::Duration;

use rustc_hash::FxHashMap;
use wasmscope_model::Timestamp;

/// Buckets of the histogram: eight for each doubling of the time, up to nine minutes.
const BUCKETS: usize = 8 * 37;

/// The calls from one place.
#[derive(Clone, Debug)]
pub(crate) struct CallSite {
    /// When the place was first seen: its address may have been other code's before.
    pub(crate) since: Timestamp,
    pub(crate) count: u64,
    pub(crate) total: Duration,
    pub(crate) max: Duration,
    histogram: Box<[u32; BUCKETS]>,
}

/// Calls by the return address of the call.
pub(crate) type CallSites = FxHashMap<usize, CallSite>;

impl CallSite {
    pub(crate) fn new(since: Timestamp) -> Self {
        Self { since, count: 0, total: Duration::ZERO, max: Duration::ZERO, histogram: Box::new([0; BUCKETS]) }
    }

    pub(crate) fn add(&mut self, took: Duration) {
        self.count += 1;
        self.total += took;
        self.max = self.max.max(took);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = &mut self.histogram[bucket_of(nanos)];
        *bucket = bucket.saturating_add(1);
    }

    pub(crate) fn merge(&mut self, other: &CallSite) {
        self.count += other.count;
        self.total += other.total;
        self.max = self.max.max(other.max);
        for (sum, add) in self.histogram.iter_mut().zip(other.histogram.iter()) {
            *sum = sum.saturating_add(*add);
        }
    }

    /// Returns what 99 of 100 calls stayed below.
    pub(crate) fn p99(&self) -> Duration {
        let wanted = self.count.saturating_sub(self.count / 100).max(1);
        let mut seen = 0;
        for (bucket, count) in self.histogram.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return Duration::from_nanos(end_of(bucket)).min(self.max);
            }
        }
        self.max
    }
}

/// Returns the bucket of a time: its highest bit and the three below.
fn bucket_of(nanos: u64) -> usize {
    let Some(log) = nanos.checked_ilog2().filter(|log| *log >= 3) else {
        return nanos as usize;
    };
    let below = (nanos >> (log - 3)) & 7;
    (((log - 2) as usize) * 8 + below as usize).min(BUCKETS - 1)
}

/// Returns the longest time of a bucket.
fn end_of(bucket: usize) -> u64 {
    match (bucket / 8) as u32 {
        0 => bucket as u64,
        doublings => ((9 + (bucket % 8) as u64) << (doublings - 1)) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_an_eighth_wide_and_percentiles_lie_at_their_ends() {
        for nanos in (0..100_000).chain([u64::MAX, 1 << 30]) {
            let end = end_of(bucket_of(nanos));
            assert!(bucket_of(nanos) == BUCKETS - 1 || (nanos <= end && end - nanos <= nanos / 8), "{nanos} {end}");
        }
        let mut site = CallSite::new(Timestamp::default());
        (1..=1000).for_each(|micros| site.add(Duration::from_micros(micros)));
        assert_eq!((site.count, site.max), (1000, Duration::from_millis(1)));
        assert_eq!(site.total, Duration::from_micros(500_500));
        let p99 = site.p99().as_micros();
        assert!((990..=1000).contains(&p99), "{p99}");
    }
}
