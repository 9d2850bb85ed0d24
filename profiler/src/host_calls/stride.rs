//! Measuring one of many short calls, and every long one.

/// Time of calls for each that is measured: reading a thread's CPU clock at both ends takes some 1.5 µs.
const NANOS_PER_MEASUREMENT: u64 = 60_000;
/// At least every so-manieth is measured, on average.
const MAX_STRIDE: u64 = 4096;
/// From this on a call is long: it is accounted for whether it was chosen or not, and stands for itself alone.
pub(crate) const LONG_NANOS: u64 = 100_000;

/// Chooses which calls of one place are measured.
///
/// # Accuracy
///
/// The choice does not look at the call, so sums over short calls, each weighted by the calls since the one chosen before,
/// are right on average. They never say that the calls waited longer than they took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stride {
    /// A running mean of how long the calls took.
    mean_nanos: u64,
    /// Calls until the next is chosen.
    left: u32,
    /// For how many calls the next chosen one will stand.
    gap: u32,
    random: u32,
    /// What short calls took, without what they were told to have waited.
    unclaimed_nanos: u64,
}

impl Stride {
    /// Tells whether the next call is chosen, and for how many it stands.
    pub(crate) fn next(&mut self) -> Option<u32> {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            return None;
        }
        let weight = self.gap.max(1);
        let mean = NANOS_PER_MEASUREMENT.div_ceil(self.mean_nanos.max(1)).min(MAX_STRIDE) as u32;
        // Of the first call nothing is known before it has returned.
        let mean = if self.random == 0 { 1 } else { mean };
        self.random = next_random(self.random);
        // From one to twice the mean, less one: no pattern in the guest's calls can march in step with it.
        self.gap = 1 + self.random % (2 * mean - 1);
        self.left = self.gap - 1;
        Some(weight)
    }

    /// Learns how long a call took.
    pub(crate) fn took(&mut self, nanos: u64) {
        if nanos < LONG_NANOS {
            self.unclaimed_nanos = self.unclaimed_nanos.saturating_add(nanos);
        }
        self.mean_nanos = match self.mean_nanos {
            0 => nanos.max(1),
            mean => (mean - mean / 8 + nanos / 8).max(1),
        };
    }

    /// Returns how much of a time that short calls are held to have waited can be, after what was claimed before.
    pub(crate) fn claim(&mut self, nanos: u64) -> u64 {
        let claimed = nanos.min(self.unclaimed_nanos);
        self.unclaimed_nanos -= claimed;
        claimed
    }

    /// Tells whether calls from here are known to be long, or not known at all.
    pub(crate) fn may_be_long(&self) -> bool {
        self.mean_nanos == 0 || self.mean_nanos >= LONG_NANOS
    }
}

/// Marsaglia's xorshift with shifts 13, 17 and 5; it never gives zero.
fn next_random(before: u32) -> u32 {
    let mut x = if before == 0 { 0x9e37_79b9 } else { before };
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_call_and_all_long_ones_are_chosen() {
        let mut stride = Stride::default();
        for _ in 0..100 {
            assert_eq!(stride.next(), Some(1));
            stride.took(LONG_NANOS);
        }
    }

    #[test]
    fn the_weights_of_short_calls_add_up_to_their_number_and_fall_on_every_phase() {
        let mut stride = Stride::default();
        let (calls, mut weights, mut by_phase) = (1_000_000u32, 0, [0u32; 4]);
        for call in 0..calls {
            if let Some(weight) = stride.next() {
                weights += weight;
                by_phase[call as usize % 4] += weight;
            }
            stride.took(600);
        }
        assert!(weights.abs_diff(calls) < 4 * MAX_STRIDE as u32, "{weights}");
        assert!(by_phase.iter().all(|weight| weight.abs_diff(calls / 4) < calls / 40), "{by_phase:?}");
    }

    #[test]
    fn short_calls_wait_no_longer_than_they_took_and_long_ones_stand_for_themselves() {
        let mut stride = Stride::default();
        (0..1000).for_each(|_| stride.took(200));
        stride.took(LONG_NANOS);
        assert_eq!([150_000, 90_000_000, 1].map(|nanos| stride.claim(nanos)), [150_000, 50_000, 0]);
    }
}
