//! How two recordings are brought to one pace.

use super::sides::Side;

/// How two recordings are brought to one pace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scale {
    /// By the functions that did not change: the first recording is scaled so that the typical function takes the same in
    /// both. Another machine, load or duration then makes no difference, and one slow function does not make all others
    /// look fast. What cannot be seen is a change of everything alike.
    #[default]
    Typical,
    /// By their totals: shares of the whole are compared.
    Share,
    /// Not at all: times are compared as they are.
    Absolute,
}

/// The pace at which two recordings are compared.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pace {
    /// How it was found.
    pub scale: Scale,
    /// What amounts of the first recording are multiplied by.
    pub factor: f64,
    /// The variance of its logarithm, by chance.
    pub(super) variance: f64,
}

/// Functions with fewer samples than this, in both recordings together, say nothing about the pace.
const LEAST_SAMPLES: f64 = 20.0;
/// No function has more say than this share of all samples has.
const MOST_SAY: f64 = 0.05;
/// With fewer functions than this nothing is typical.
const LEAST_FUNCTIONS: usize = 3;

impl Pace {
    /// Says how the first recording was brought to the pace of the second.
    pub(super) fn in_words(&self) -> String {
        let Self { factor, .. } = self;
        match self.scale {
            Scale::Typical => format!("before is scaled by {factor:.3}, the pace of the typical function"),
            Scale::Share => format!("before is scaled by {factor:.3} to the same total"),
            Scale::Absolute => "times as they are".to_owned(),
        }
    }
}

impl Scale {
    pub(super) fn pace(self, own: &[[Side; 2]], all: [Side; 2]) -> Pace {
        let [before, after] = all;
        let by_share = if before.amount > 0.0 && after.amount > 0.0 { after.amount / before.amount } else { 1.0 };
        match self {
            Scale::Absolute => Pace { scale: self, factor: 1.0, variance: 0.0 },
            Scale::Share => Pace { scale: self, factor: by_share, variance: 0.0 },
            Scale::Typical => {
                typical(own, all).unwrap_or(Pace { scale: Scale::Share, factor: by_share, variance: 0.0 })
            }
        }
    }
}

/// Finds the weighted median of how much functions grew. Of two that would do, the smaller: what grew more is then called
/// slower, not everything else faster.
fn typical(own: &[[Side; 2]], all: [Side; 2]) -> Option<Pace> {
    let most = MOST_SAY * (all[0].samples + all[1].samples);
    let grown = own.iter().filter(|[before, after]| before.amount > 0.0 && after.amount > 0.0);
    let with_say = grown.filter(|[before, after]| before.samples + after.samples >= LEAST_SAMPLES);
    let mut growth: Vec<(f64, f64)> = with_say
        .map(|[before, after]| (after.amount / before.amount, (before.samples + after.samples).min(most)))
        .collect();
    if growth.len() < LEAST_FUNCTIONS {
        return None;
    }
    growth.sort_by(|one, other| one.0.total_cmp(&other.0));
    let all_say: f64 = growth.iter().map(|(_, say)| say).sum();
    let mut so_far = 0.0;
    let median = growth.iter().find(|(_, say)| {
        so_far += say;
        so_far * 2.0 >= all_say
    });
    // A median of normal values varies by pi / 2 of what their mean does; half of the samples are of each recording.
    let variance = std::f64::consts::FRAC_PI_2 * 4.0 / all_say;
    median.map(|(factor, _)| Pace { scale: Scale::Typical, factor: *factor, variance })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(samples: f64) -> Side {
        Side { amount: samples * 1e6, samples }
    }

    #[test]
    fn the_typical_function_sets_the_pace_whatever_one_of_them_does() {
        let own: Vec<_> = [(100.0, 110.0), (300.0, 330.0), (500.0, 1000.0), (200.0, 220.0), (3.0, 90.0)]
            .map(|(before, after)| [side(before), side(after)])
            .into();
        let all = [side(1103.0), side(1750.0)];
        let pace = Scale::Typical.pace(&own, all);
        assert_eq!((pace.scale, (pace.factor * 1000.0).round()), (Scale::Typical, 1100.0));
        assert_eq!(Scale::Absolute.pace(&own, all).factor, 1.0);
        let few = Scale::Typical.pace(&own[..2], all);
        assert_eq!((few.scale, few.factor), (Scale::Share, 1750.0 / 1103.0));
        assert_eq!(Scale::Share.pace(&own, [side(0.0), side(5.0)]).factor, 1.0);
    }
}
