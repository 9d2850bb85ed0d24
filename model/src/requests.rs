//! Requests of a service, by route, outcome and latency.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Recording;

/// What a recording knows of the requests that ended while it was made.
///
/// # Accuracy
///
/// Requests are not kept one by one: those of one route, outcome and [`LatencyBucket`] are a group.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Requests {
    /// Sorted by route, outcome and bucket.
    pub groups: Vec<RequestGroup>,
    /// What was sampled for the requests of each group, sorted by group and row. Not every sample is of a request.
    pub samples: Vec<RequestSample>,
}

/// Requests that were alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestGroup {
    /// The method and the template of the path, such as `GET /orders/{number}`.
    pub route: String,
    /// The class of the response's status, 1 to 5; 0 for a response that was not sent whole.
    pub status_class: u8,
    /// How long they took.
    pub bucket: LatencyBucket,
    /// How many there were.
    pub count: u64,
    /// How long they took together, in nanoseconds.
    pub latency_nanos: u64,
}

/// What was sampled for a group of requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestSample {
    /// The group: a position in [`Requests::groups`].
    pub group: u32,
    /// The stack and the event: a position in [`crate::Profile::samples`].
    pub row: u32,
    /// How many samples.
    pub count: u64,
    /// The same in nanoseconds.
    pub amount: u64,
}

/// A range of latencies: 32 to each doubling, so that a bucket is 3 % wide.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LatencyBucket(pub u16);

/// Buckets to each doubling, as a power of two.
const PRECISION_BITS: u32 = 5;

impl LatencyBucket {
    /// The bucket of a latency in nanoseconds.
    pub fn of_nanos(nanos: u64) -> Self {
        let exponent = nanos.checked_ilog2().unwrap_or(0);
        let Some(shift) = exponent.checked_sub(PRECISION_BITS) else {
            return Self(u16::try_from(nanos).unwrap_or(u16::MAX));
        };
        // The upper bits, of which the first is set, and above them how often they were halved.
        let index = (u64::from(shift) << PRECISION_BITS) + (nanos >> shift);
        Self(u16::try_from(index).unwrap_or(u16::MAX))
    }

    /// The shortest latency that falls into the bucket, in nanoseconds.
    pub fn least_nanos(self) -> u64 {
        let index = u64::from(self.0);
        match (index >> PRECISION_BITS).checked_sub(1) {
            None | Some(0) => index,
            Some(shift) => {
                ((index & 31) + 32).checked_shl(u32::try_from(shift).unwrap_or(u32::MAX)).unwrap_or(u64::MAX)
            }
        }
    }
}

/// A part of a route's requests, by latency.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum LatencyClass {
    /// The faster half: those up to the median.
    Median,
    /// Those that take at least as long as this share of the route's requests, such as 0.99.
    From(f64),
}

impl std::str::FromStr for LatencyClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = text.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok());
        match percent {
            Some(50.0) => Ok(Self::Median),
            Some(percent) if percent > 50.0 && percent < 100.0 => Ok(Self::From(percent / 100.0)),
            _ => Err("a class is p50 (the faster half) or from p51 to p99.99 (the slowest)".to_owned()),
        }
    }
}

/// How a route's requests went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteTotals {
    /// The route.
    pub route: String,
    /// Requests.
    pub count: u64,
    /// Those of them that the service failed: of status 5xx, or not sent whole.
    pub failed: u64,
    /// The mean latency.
    pub mean: Duration,
    /// The latencies that half, 90, 99 and all of 100 requests stayed below, each the beginning of its bucket.
    pub quantiles: [Duration; 4],
}

impl Requests {
    /// Adds the groups up by route, in the order of their names.
    pub fn routes(&self) -> Vec<RouteTotals> {
        let by_route = self.groups.iter().fold(BTreeMap::<&str, Vec<&RequestGroup>>::new(), |mut routes, group| {
            routes.entry(&group.route).or_default().push(group);
            routes
        });
        by_route.into_iter().map(|(route, groups)| totals(route, &groups)).collect()
    }

    /// Finds the groups of a route, or of all, and of a class of latency within each route.
    pub fn select(&self, route: Option<&str>, class: Option<LatencyClass>) -> Vec<u32> {
        let mut limits: BTreeMap<&str, (LatencyBucket, LatencyBucket)> = BTreeMap::new();
        let mut by_route: BTreeMap<&str, Vec<(LatencyBucket, u64)>> = BTreeMap::new();
        for group in self.groups.iter().filter(|group| route.is_none_or(|route| group.route == route)) {
            by_route.entry(&group.route).or_default().push((group.bucket, group.count));
        }
        for (route, mut buckets) in by_route {
            buckets.sort_unstable_by_key(|(bucket, _)| *bucket);
            limits.insert(route, limits_of(&buckets, class));
        }
        let is_selected = |group: &RequestGroup| {
            limits.get(&*group.route).is_some_and(|(from, to)| (*from..=*to).contains(&group.bucket))
        };
        (0..).zip(&self.groups).filter(|(_, group)| is_selected(group)).map(|(index, _)| index).collect()
    }

    /// How many requests these groups have.
    pub fn count(&self, groups: &[u32]) -> u64 {
        groups.iter().filter_map(|index| self.groups.get(*index as usize)).map(|group| group.count).sum()
    }
}

/// Returns the first and the last bucket of a class; `buckets` are sorted, each with its requests.
fn limits_of(buckets: &[(LatencyBucket, u64)], class: Option<LatencyClass>) -> (LatencyBucket, LatencyBucket) {
    let all = (LatencyBucket(0), LatencyBucket(u16::MAX));
    let total: u64 = buckets.iter().map(|(_, count)| count).sum();
    match class {
        None => all,
        Some(LatencyClass::Median) => (all.0, reached(buckets.iter(), total as f64 * 0.5).unwrap_or(all.1)),
        Some(LatencyClass::From(share)) => {
            (reached(buckets.iter().rev(), total as f64 * (1.0 - share)).unwrap_or(all.0), all.1)
        }
    }
}

/// Returns the bucket with which so many requests have come together.
fn reached<'b>(buckets: impl Iterator<Item = &'b (LatencyBucket, u64)>, wanted: f64) -> Option<LatencyBucket> {
    let mut seen = 0;
    // A hundredth of a hundred requests is one, whatever the rounding of the shares.
    let wanted = (wanted - 1e-6).max(0.0);
    let mut buckets = buckets.skip_while(|(_, count)| {
        seen += count;
        (seen as f64) < wanted
    });
    buckets.next().map(|(bucket, _)| *bucket)
}

fn totals(route: &str, groups: &[&RequestGroup]) -> RouteTotals {
    let count: u64 = groups.iter().map(|group| group.count).sum();
    let nanos: u64 = groups.iter().fold(0, |sum, group| sum.saturating_add(group.latency_nanos));
    let has_failed = |group: &&&RequestGroup| matches!(group.status_class, 0 | 5);
    let mut buckets: Vec<_> = groups.iter().map(|group| (group.bucket, group.count)).collect();
    buckets.sort_unstable_by_key(|(bucket, _)| *bucket);
    let quantile = |share: f64| {
        let bucket = reached(buckets.iter(), count as f64 * share).unwrap_or_default();
        Duration::from_nanos(bucket.least_nanos())
    };
    RouteTotals {
        route: route.to_owned(),
        count,
        failed: groups.iter().filter(has_failed).map(|group| group.count).sum(),
        mean: Duration::from_nanos(nanos.checked_div(count).unwrap_or(0)),
        quantiles: [0.5, 0.9, 0.99, 1.0].map(quantile),
    }
}

impl Recording {
    /// Returns a recording of what was sampled for these groups of requests alone. When it was, and what hosts were called
    /// in all, is not known of a part.
    pub fn of_requests(&self, requests: &Requests, groups: &[u32]) -> Self {
        let mut rows: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for sample in requests.samples.iter().filter(|sample| groups.binary_search(&sample.group).is_ok()) {
            let sums = rows.entry(sample.row).or_default();
            *sums = (sums.0.saturating_add(sample.count), sums.1.saturating_add(sample.amount));
        }
        let row = |(index, (count, amount)): (u32, (u64, u64))| {
            let row = self.profile.samples.get(index as usize)?;
            Some(crate::SampleRow { count, amount, ..*row })
        };
        let mut part = self.clone();
        part.profile.samples = rows.into_iter().filter_map(row).collect();
        (part.timeline, part.requests) = (None, None);
        part.host_calls.clear();
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(route: &str, nanos: u64, count: u64) -> RequestGroup {
        let bucket = LatencyBucket::of_nanos(nanos);
        RequestGroup { route: route.to_owned(), status_class: 2, bucket, count, latency_nanos: nanos * count }
    }

    #[test]
    fn buckets_are_in_order_and_three_percent_wide() {
        let mut before = LatencyBucket(0);
        for nanos in
            (0..200u64).chain((8..63).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + (1 << (bit - 2))]))
        {
            let bucket = LatencyBucket::of_nanos(nanos);
            assert!(bucket >= before, "{nanos}");
            before = bucket;
            let least = bucket.least_nanos();
            assert!(least <= nanos && (nanos - least) as f64 <= nanos as f64 / 32.0, "{nanos}: {least}");
            assert_eq!(LatencyBucket::of_nanos(least), bucket, "{nanos}");
        }
        assert_eq!(LatencyBucket::of_nanos(u64::MAX).least_nanos(), 63 << 58);
    }

    #[test]
    fn the_slowest_hundredth_and_the_faster_half_are_found_within_each_route() {
        let groups = vec![group("a", 1000, 600), group("a", 2000, 390), group("a", 90_000, 10), group("b", 50, 7)];
        let requests = Requests { groups, samples: Vec::new() };
        let select = |route, class: &str| requests.select(route, Some(class.parse().unwrap()));
        assert_eq!(select(Some("a"), "p99"), [2]);
        assert_eq!(select(Some("a"), "p95"), [1, 2]);
        assert_eq!(select(Some("a"), "p50"), [0]);
        assert_eq!(select(None, "p99"), [2, 3]);
        assert_eq!(requests.select(None, None), [0, 1, 2, 3]);
        assert_eq!(requests.count(&[1, 2]), 400);
        for wrong in ["p0", "p100", "99", "p", "p49", "pNaN"] {
            assert!(wrong.parse::<LatencyClass>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn routes_have_their_counts_and_quantiles() {
        let mut groups = vec![group("a", 64, 98), group("a", 6400, 2), group("b", 32, 1)];
        groups[1].status_class = 5;
        let routes = Requests { groups, samples: Vec::new() }.routes();
        let [a, b] = &routes[..] else { panic!("{routes:?}") };
        assert_eq!((a.count, a.failed, a.mean.as_nanos()), (100, 2, (64 * 98 + 6400 * 2) / 100));
        assert_eq!(a.quantiles.map(|it| it.as_nanos()), [64, 64, 6400, 6400].map(|it: u128| it));
        assert_eq!((&*b.route, b.quantiles[3].as_nanos()), ("b", 32));
    }
}
