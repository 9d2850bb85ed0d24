//! Averages and how surely they are known.

use std::fmt;

/// A value with the bounds between which it lies with 95 % confidence.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

impl Estimate {
    /// Returns the estimate of `factor` times the value.
    pub fn scaled(self, factor: f64) -> Self {
        let (a, b) = (self.low * factor, self.high * factor);
        Self { value: self.value * factor, low: a.min(b), high: a.max(b) }
    }
}

impl fmt::Display for Estimate {
    /// Writes the value with its bounds, with as many decimals as the formatter asks for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(3);
        write!(f, "{:.decimals$} ({:.decimals$} to {:.decimals$})", self.value, self.low, self.high)
    }
}

/// Returns the mean of independent measurements, with bounds by Student's t; `None` for fewer than two.
///
/// # Accuracy
///
/// The bounds hold for measurements that spread like a normal distribution. Outliers upwards, as a busy machine makes
/// them, widen the bounds and raise the mean: the estimate errs on the side of the higher cost.
pub fn mean(values: &[f64]) -> Option<Estimate> {
    let count = values.len();
    if count < 2 {
        return None;
    }
    let value = values.iter().sum::<f64>() / count as f64;
    let squares: f64 = values.iter().map(|x| (x - value).powi(2)).sum();
    let error = (squares / (count - 1) as f64 / count as f64).sqrt();
    let reach = student_t_975(count - 1) * error;
    Some(Estimate { value, low: value - reach, high: value + reach })
}

/// Returns the median of measurements, with bounds that hold for any distribution; `None` for fewer than six.
///
/// # Accuracy
///
/// The bounds are two of the measurements themselves, chosen by the binomial distribution of how many lie below the
/// true median; they cover it with at least 95 %.
pub fn median(values: &[f64]) -> Option<Estimate> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len();
    // The largest rank from either end such that the tail beyond it has less than 2.5 %.
    let (mut rank, mut term, mut below) = (0, 0.5_f64.powi(i32::try_from(count).ok()?), 0.0);
    while below + term <= 0.025 {
        below += term;
        term *= (count - rank) as f64 / (rank + 1) as f64;
        rank += 1;
    }
    let first = rank.checked_sub(1)?;
    let value = f64::midpoint(*sorted.get((count - 1) / 2)?, *sorted.get(count / 2)?);
    Some(Estimate { value, low: *sorted.get(first)?, high: *sorted.get(count - 1 - first)? })
}

/// Returns the slope of the straight line that fits points best, by least squares; `None` without two different `x`.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let together: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (spread > 0.0).then(|| together / spread)
}

/// Returns what 97.5 % of Student's t distribution lie below.
fn student_t_975(degrees_of_freedom: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];
    match degrees_of_freedom.checked_sub(1) {
        None => f64::INFINITY,
        Some(index) => TABLE.get(index).copied().unwrap_or(if degrees_of_freedom < 60 { 2.042 } else { 2.0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_known_numbers_has_the_bounds_of_the_textbook() {
        // Mean 5, standard deviation 2, so the standard error of five values is 0.894427 and t is 2.776.
        let estimate = mean(&[3.0, 3.0, 5.0, 7.0, 7.0]).unwrap();
        assert!((estimate.value - 5.0).abs() < 1e-12);
        assert!((estimate.high - (5.0 + 2.776 * 0.894_427)).abs() < 1e-5);
        assert!((estimate.low + estimate.high - 10.0).abs() < 1e-12);
        assert_eq!(mean(&[1.0]), None);
    }

    #[test]
    fn the_median_ignores_an_outlier_and_takes_its_bounds_from_the_measurements() {
        let mut values: Vec<f64> = (1..=15).map(f64::from).collect();
        values[14] = 1000.0;
        // Of fifteen values, the fourth and the twelfth bound the median (tail 1.8 %).
        assert_eq!(median(&values), Some(Estimate { value: 8.0, low: 4.0, high: 12.0 }));
        assert_eq!(median(&[1.0, 2.0, 3.0]), None);
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn points_on_a_line_give_its_slope_and_noise_is_averaged() {
        let line: Vec<_> = [0.0, 99.0, 997.0, 9973.0].map(|x| (x, 1.0 + 25e-6 * x)).into();
        assert!((slope(&line).unwrap() - 25e-6).abs() < 1e-15);
        assert_eq!(slope(&[(0.0, 0.0), (0.0, 1.0), (2.0, 2.0), (2.0, 3.0)]), Some(1.0));
        assert_eq!(slope(&[(1.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(slope(&[]), None);
    }

    #[test]
    fn scaling_keeps_bounds_in_order() {
        let estimate = Estimate { value: 2.0, low: 1.0, high: 4.0 };
        assert_eq!(estimate.scaled(-1.0), Estimate { value: -2.0, low: -4.0, high: -1.0 });
        assert_eq!(format!("{estimate:.1}"), "2.0 (1.0 to 4.0)");
    }
}
