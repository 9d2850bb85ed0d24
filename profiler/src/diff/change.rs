//! A difference, and whether chance alone may have made it.

use wasmscope_model::Event;

use super::scale::Pace;
use super::sides::Side;

/// What something takes before and after.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Change {
    /// Nanoseconds (or bytes) before, at the pace of the second recording.
    pub before: f64,
    /// The same, after.
    pub after: f64,
    /// Samples before.
    pub samples_before: f64,
    /// Samples after.
    pub samples_after: f64,
    /// Whether it changed.
    pub verdict: Verdict,
}

/// Whether something changed.
///
/// # Accuracy
///
/// Samples are taken for random, so what they count varies by the square root of it; times of waiting, by more. Besides, no
/// program runs at the same speed twice: half a hundredth of what a function takes is allowed for that in each recording.
/// What is left counts as a change if chance would show such a difference in one of a thousand comparisons, of all functions
/// together. Samples of an even timer vary less than random ones: the judgement errs to the side of noise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It takes more.
    More,
    /// It takes less.
    Less,
    /// Chance may have made the difference.
    Noise,
}

impl Change {
    /// Returns how much more it takes, nanoseconds or bytes; negative for less.
    pub fn difference(&self) -> f64 {
        self.after - self.before
    }

    /// Returns how much more it takes as a share of what it took; `None` when it took nothing.
    pub fn growth(&self) -> Option<f64> {
        (self.before > 0.0).then(|| self.difference() / self.before)
    }
}

/// How often a comparison may take chance for a change.
const FALSE_ALARMS: f64 = 1e-3;
/// How much of what a function takes differs between two runs of the same program on the same machine, as a standard
/// deviation.
const RUN_TO_RUN: f64 = 0.005;

/// Judges differences.
pub(super) struct Judge {
    factor: f64,
    /// Variance that all differences share.
    shared: f64,
    /// Variance of one sample's amount, relative to its square: 0 for samples of one size.
    of_size: f64,
    /// How many samples of the second recording one of the first is worth.
    exposure: f64,
    critical: f64,
    counts_known: bool,
}

impl Judge {
    pub(super) fn new(pace: &Pace, all: [Side; 2], event: Event, tests: usize, counts_known: bool) -> Self {
        let [before, after] = all;
        let size = |side: Side| if side.samples > 0.0 { side.amount / side.samples } else { 0.0 };
        let exposure = pace.factor * size(before) / size(after);
        Self {
            factor: pace.factor,
            shared: pace.variance + 2.0 * RUN_TO_RUN * RUN_TO_RUN,
            // Times of waiting are about as widely spread as their mean is large.
            of_size: if event == Event::Cpu { 0.0 } else { 1.0 },
            exposure: if exposure.is_finite() && exposure > 0.0 { exposure } else { 1.0 },
            critical: two_sided_quantile(FALSE_ALARMS / tests.max(1) as f64),
            counts_known,
        }
    }

    /// Compares two sides; one that is not to be judged is noise.
    pub(super) fn change(&self, [before, after]: [Side; 2], is_judged: bool) -> Change {
        let scaled = before.amount * self.factor;
        let deviations = self.deviations(scaled, before.samples, after);
        let is_change = is_judged && self.counts_known && deviations.abs() > self.critical;
        let verdict = match deviations > 0.0 {
            _ if !is_change => Verdict::Noise,
            true => Verdict::More,
            false => Verdict::Less,
        };
        Change {
            before: scaled,
            after: after.amount,
            samples_before: before.samples,
            samples_after: after.samples,
            verdict,
        }
    }

    /// Returns how many standard deviations lie between what was expected and what was seen. Square roots of counts vary
    /// alike, whether counts are small or large: Anscombe, "The transformation of Poisson, binomial and negative-binomial
    /// data", 1948.
    fn deviations(&self, expected: f64, samples_before: f64, after: Side) -> f64 {
        const SMALL: f64 = 3.0 / 8.0;
        let samples = samples_before * self.exposure + after.samples;
        let size = (expected + after.amount) / samples;
        if samples <= 0.0 || size <= 0.0 {
            return 0.0;
        }
        let (expected, seen) = (expected / size, after.amount / size);
        let difference = 2.0 * ((seen + SMALL).sqrt() - (expected + SMALL * self.exposure).sqrt());
        let variance = (1.0 + self.exposure) * (1.0 + self.of_size) + expected.max(seen) * self.shared;
        difference / variance.sqrt()
    }
}

/// Returns how many standard deviations a normal value stays within but for the probability given, by bisection of the
/// usual upper bound of its tail, which errs to the safe side.
fn two_sided_quantile(probability: f64) -> f64 {
    let tail = |z: f64| (-z * z / 2.0).exp() * (2.0 / std::f64::consts::PI).sqrt() / z.max(f64::MIN_POSITIVE);
    let (mut low, mut high) = (0.5, 40.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if tail(middle) > probability { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::Scale;

    #[test]
    fn the_bound_is_close_to_the_normal_distribution_from_above() {
        // Of 1e-3, 1e-5 and 1e-7 the quantiles are 3.2905, 4.4172 and 5.3267.
        for (probability, exact) in [(1e-3, 3.2905), (1e-5, 4.4172), (1e-7, 5.3267)] {
            let bound = two_sided_quantile(probability);
            assert!((exact..exact + 0.03).contains(&bound), "{bound} {exact}");
        }
    }

    #[test]
    fn small_numbers_are_noise_where_large_ones_are_a_change() {
        let side = |samples: f64| Side { amount: samples * 1e6, samples };
        let pace = Pace { scale: Scale::Absolute, factor: 1.0, variance: 0.0 };
        let judge = Judge::new(&pace, [side(1e5), side(1e5)], Event::Cpu, 100, true);
        assert_eq!(judge.change([side(50.0), side(75.0)], true).verdict, Verdict::Noise);
        assert_eq!(judge.change([side(50.0), side(200.0)], true).verdict, Verdict::More);
        assert_eq!(judge.change([side(20_000.0), side(15_000.0)], true).verdict, Verdict::Less);
        assert_eq!(judge.change([side(0.0), side(100.0)], true).verdict, Verdict::More);
        assert_eq!(judge.change([side(0.0), side(0.0)], true).verdict, Verdict::Noise);
        assert_eq!(judge.change([side(0.0), side(100.0)], false).verdict, Verdict::Noise);
    }
}
