//! Which samples belong to which requests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;
use wasmscope_model::{Event, LatencyBucket, StackId};

/// Requests that ended and were not looked at yet, at most: a drain that stands still must not take all memory.
const MAX_ENDED: usize = 1 << 20;
/// Stacks kept by request and group, at most; 32 bytes each. Further ones are counted as folded.
const MAX_ENTRIES: usize = 1 << 20;
/// Entries of one request after which those of the same stack are joined.
const JOIN_AT: usize = 4096;

/// A request that is over.
#[derive(Clone, Debug)]
pub struct EndedRequest {
    /// Its number, see [`next_request`].
    pub number: u64,
    /// The method and the template of the path. The caller sees to it that there are not many different ones.
    pub route: Arc<str>,
    /// The class of the response's status, 1 to 5; 0 when it was not sent whole.
    pub status_class: u8,
    /// From when it was accepted until its response was sent.
    pub latency: Duration,
}

static NEXT: AtomicU64 = AtomicU64::new(1);
static IS_RECORDING: AtomicBool = AtomicBool::new(false);
static ENDED: Mutex<Vec<EndedRequest>> = Mutex::new(Vec::new());

/// Returns the number for a request that begins, for [`wasmscope_model::SampleContext::request`]. Never 0.
pub fn next_request() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Says that a request is over. Its samples are those that were taken before this.
pub fn request_ended(request: EndedRequest) {
    if !IS_RECORDING.load(Ordering::Relaxed) {
        return;
    }
    let mut ended = ENDED.lock().unwrap_or_else(PoisonError::into_inner);
    if ended.len() < MAX_ENDED {
        ended.push(request);
    }
}

/// Starts or ends the noting of requests.
pub(crate) fn set_recording(recording: bool) {
    IS_RECORDING.store(recording, Ordering::Relaxed);
    ENDED.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// Takes the requests that are over.
pub(crate) fn take_ended() -> Vec<EndedRequest> {
    std::mem::take(&mut *ENDED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What tells groups apart.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct GroupKey {
    pub(crate) route: Arc<str>,
    pub(crate) status_class: u8,
    pub(crate) bucket: LatencyBucket,
}

/// Requests that were alike, and what was sampled for them.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) count: u64,
    pub(crate) latency_nanos: u64,
    pub(crate) samples: FxHashMap<(StackId, Event), (u64, u64)>,
}

/// What was sampled for one stack: how many samples, and for time off the CPU nanoseconds.
type Entry = ((StackId, Event), (u64, u64));

/// Collects samples by request until it ends, then by group.
#[derive(Debug, Default)]
pub(crate) struct RequestSamples {
    live: FxHashMap<u64, Vec<Entry>>,
    pub(crate) groups: BTreeMap<GroupKey, Group>,
    entries: usize,
    /// Samples of CPU time that stand in the profile, and not with their request.
    pub(crate) folded: u64,
}

impl RequestSamples {
    /// Adds samples of a request that is in work.
    pub(crate) fn add(&mut self, request: u64, stack: StackId, event: Event, count: u64, nanos: u64) {
        let key = (stack, event);
        let live = self.live.entry(request).or_default();
        if let Some((_, sums)) = live.last_mut().filter(|(last, _)| *last == key) {
            *sums = (sums.0.saturating_add(count), sums.1.saturating_add(nanos));
            return;
        }
        if self.entries >= MAX_ENTRIES {
            self.folded += if event == Event::Cpu { count } else { 0 };
            return;
        }
        live.push((key, (count, nanos)));
        self.entries += 1;
        if live.len().is_multiple_of(JOIN_AT) {
            let before = live.len();
            join(live);
            self.entries -= before - live.len();
        }
    }

    /// Gives what was sampled for a request to its group.
    pub(crate) fn end(&mut self, request: EndedRequest) {
        let nanos = u64::try_from(request.latency.as_nanos()).unwrap_or(u64::MAX);
        let bucket = LatencyBucket::of_nanos(nanos);
        let key = GroupKey { route: request.route, status_class: request.status_class, bucket };
        let group = self.groups.entry(key).or_default();
        group.count += 1;
        group.latency_nanos = group.latency_nanos.saturating_add(nanos);
        for (key, (count, nanos)) in self.live.remove(&request.number).unwrap_or_default() {
            let known = group.samples.len();
            let sums = group.samples.entry(key).or_default();
            *sums = (sums.0.saturating_add(count), sums.1.saturating_add(nanos));
            // One entry becomes another, or joins one that is there.
            self.entries -= usize::from(group.samples.len() == known);
        }
    }
}

fn join(entries: &mut Vec<Entry>) {
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries.dedup_by(|later, kept| {
        let is_same = later.0 == kept.0;
        if is_same {
            kept.1 = (kept.1.0.saturating_add(later.1.0), kept.1.1.saturating_add(later.1.1));
        }
        is_same
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(number: u64, millis: u64) -> EndedRequest {
        EndedRequest { number, route: "GET /".into(), status_class: 2, latency: Duration::from_millis(millis) }
    }

    #[test]
    fn samples_go_to_the_group_of_their_request_when_it_ends() {
        let mut samples = RequestSamples::default();
        for (request, stack, count) in [(1, 7, 2), (2, 7, 3), (1, 8, 1), (1, 7, 4)] {
            samples.add(request, StackId(stack), Event::Cpu, count, 0);
        }
        samples.add(2, StackId(9), Event::Wait, 1, 500);
        samples.end(ended(1, 1));
        samples.end(ended(2, 100));
        samples.end(ended(3, 1));
        let groups: Vec<_> = samples.groups.values().collect();
        let sums = |group: &Group, stack, event| group.samples.get(&(StackId(stack), event)).copied();
        assert_eq!((groups.len(), groups[0].count, groups[1].count), (2, 2, 1));
        assert_eq!(sums(groups[0], 7, Event::Cpu), Some((6, 0)));
        assert_eq!((sums(groups[0], 8, Event::Cpu), sums(groups[1], 7, Event::Cpu)), (Some((1, 0)), Some((3, 0))));
        assert_eq!(sums(groups[1], 9, Event::Wait), Some((1, 500)));
        assert_eq!(samples.entries, 4);
    }

    #[test]
    fn a_long_request_takes_an_entry_a_stack() {
        let mut samples = RequestSamples::default();
        for number in 0..100_000u32 {
            samples.add(1, StackId(number % 10), Event::Cpu, 1, 0);
        }
        assert!(samples.entries < 2 * JOIN_AT, "{}", samples.entries);
        samples.end(ended(1, 1));
        assert_eq!(samples.entries, 10);
        let counts: Vec<u64> =
            samples.groups.values().flat_map(|group| group.samples.values().map(|it| it.0)).collect();
        assert_eq!(counts, [10_000; 10]);
    }
}
