//! Counting and timing the calls of guests to the host, by the place of the call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use wasmscope_model::Timestamp;
use wasmscope_signal::ExitPoint;

use crate::sys;

/// Calls that may be open in one store; a panic that unwinds past one leaves it open.
const MAX_OPEN: usize = 1024;
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

    fn add(&mut self, took: Duration) {
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

static COUNTING: AtomicBool = AtomicBool::new(false);
static SITES: Mutex<AllSites> = Mutex::new(AllSites { live: Vec::new(), departed: Vec::new() });

/// The calls of stores that are gone are kept in so many tables, before they are added to each other.
const MAX_DEPARTED: usize = 64;

struct AllSites {
    live: Vec<Weak<Mutex<CallSites>>>,
    departed: Vec<CallSites>,
}

/// Counts and times the host calls of one store, while something is recorded.
#[derive(Debug)]
pub struct HostCallClock {
    /// The exit frame pointer of each open call, which no other open call shares, and when it began.
    open: Vec<(usize, Instant)>,
    sites: Arc<Mutex<CallSites>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for HostCallClock {
    fn default() -> Self {
        let sites = Arc::<Mutex<CallSites>>::default();
        let all = &mut *lock(&SITES);
        if all.live.len() == all.live.capacity() {
            all.live.retain(|sites| sites.strong_count() > 0);
        }
        all.live.push(Arc::downgrade(&sites));
        Self { open: Vec::new(), sites }
    }
}

impl HostCallClock {
    /// Tells whether calls are counted now.
    pub fn is_counting() -> bool {
        COUNTING.load(Ordering::Relaxed)
    }

    /// Notes that the guest has left for the host at `exit`.
    pub fn calling(&mut self, exit: ExitPoint) {
        if self.open.len() < MAX_OPEN {
            self.open.push((exit.exit_fp, Instant::now()));
        }
    }

    /// Notes that the call that left at `exit` returns.
    pub fn returning(&mut self, exit: ExitPoint) {
        let Some(index) = self.open.iter().rposition(|(exit_fp, _)| *exit_fp == exit.exit_fp) else {
            return;
        };
        let (_, began) = self.open.swap_remove(index);
        let took = began.elapsed();
        lock(&self.sites).entry(exit.exit_pc).or_insert_with(|| CallSite::new(sys::now())).add(took);
    }
}

impl Drop for HostCallClock {
    fn drop(&mut self) {
        let sites = std::mem::take(&mut *lock(&self.sites));
        if sites.is_empty() {
            return;
        }
        let departed = &mut lock(&SITES).departed;
        if departed.len() < MAX_DEPARTED {
            departed.push(sites);
        } else if let Some(last) = departed.last_mut() {
            for (place, site) in sites {
                last.entry(place).or_insert_with(|| CallSite::new(site.since)).merge(&site);
            }
        }
    }
}

/// Begins or ends counting; what was counted before is forgotten.
pub(crate) fn set_counting(counting: bool) {
    take_sites();
    COUNTING.store(counting, Ordering::Relaxed);
}

/// Takes what was counted since it was last taken.
pub(crate) fn take_sites() -> Vec<CallSites> {
    let all = &mut *lock(&SITES);
    let mut taken = std::mem::take(&mut all.departed);
    let live = all.live.iter().filter_map(Weak::upgrade);
    taken.extend(live.map(|sites| std::mem::take(&mut *lock(&sites))));
    taken
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

    #[test]
    fn calls_that_overlap_are_told_apart_by_where_they_left() {
        let mut clock = HostCallClock::default();
        let exit = |exit_fp, exit_pc| ExitPoint { exit_fp, exit_pc, entry_fp: 0 };
        clock.calling(exit(100, 7));
        clock.calling(exit(200, 8));
        clock.returning(exit(100, 7));
        clock.returning(exit(100, 7));
        clock.returning(exit(200, 8));
        let sites = lock(&clock.sites).clone();
        assert_eq!((sites.len(), sites[&7].count, sites[&8].count), (2, 1, 1));
    }
}
