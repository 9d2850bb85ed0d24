//! The race: the same work in several modes, side by side.

use std::time::Duration;

use crate::cpu_clock::Stopwatch;
use crate::statistics::{Estimate, mean, median, slope};

/// One way of doing the work. It measures with the stopwatch what counts, and leaves out what prepares it.
pub struct Mode<'a, E> {
    name: String,
    work: Work<'a, E>,
}

type Work<'a, E> = Box<dyn FnMut(&mut Stopwatch) -> Result<(), E> + 'a>;

impl<E> std::fmt::Debug for Mode<'_, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mode").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a, E> Mode<'a, E> {
    /// Makes a mode.
    pub fn new(name: impl Into<String>, work: impl FnMut(&mut Stopwatch) -> Result<(), E> + 'a) -> Self {
        Self { name: name.into(), work: Box::new(work) }
    }
}

/// The CPU times of a race: one of each mode in each round.
///
/// # Accuracy
///
/// Times are those of the thread that did the work, so waiting for a processor is not in them. What is in them on a
/// busy machine: caches that others have emptied, and on a virtual machine time that its host took. A mode is therefore
/// compared only with others of the same round, and several rounds tell how far rounds differ.
#[derive(Clone, PartialEq, Debug)]
pub struct RaceTimes {
    /// The names of the modes.
    pub modes: Vec<String>,
    /// The times, by round and then by mode.
    pub rounds: Vec<Vec<Duration>>,
}

/// Runs every mode in each of `rounds` rounds; each round begins with another mode, and every other one runs backwards.
///
/// A first round, which fills caches, is run and not kept. `progress` is told of each round that is done.
///
/// # Errors
///
/// The first error of a mode.
pub fn race<E>(modes: &mut [Mode<'_, E>], rounds: usize, mut progress: impl FnMut(usize)) -> Result<RaceTimes, E> {
    let count = modes.len();
    let mut times = RaceTimes { modes: modes.iter().map(|mode| mode.name.clone()).collect(), rounds: Vec::new() };
    for round in 0..=rounds {
        let mut of_round = vec![Duration::ZERO; count];
        for index in order(round, count) {
            let mut watch = Stopwatch::default();
            (modes[index].work)(&mut watch)?;
            of_round[index] = watch.measured();
        }
        if round > 0 {
            times.rounds.push(of_round);
        }
        progress(round);
    }
    Ok(times)
}

/// Returns in which order the modes run in a round.
fn order(round: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).map(|step| (step + round) % count.max(1)).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

impl RaceTimes {
    /// Returns the position of a mode.
    pub fn mode(&self, name: &str) -> Option<usize> {
        self.modes.iter().position(|mode| mode == name)
    }

    /// Returns, for each round, how much longer a mode took than `base`, as a part of the time of `base`.
    pub fn costs(&self, mode: usize, base: usize) -> Vec<f64> {
        let ratio = |round: &Vec<Duration>| Some(round.get(mode)?.as_secs_f64() / round.get(base)?.as_secs_f64() - 1.0);
        self.rounds.iter().filter_map(ratio).filter(|cost| cost.is_finite()).collect()
    }

    /// Returns the median over rounds of how much longer a mode took than `base`.
    pub fn cost(&self, mode: usize, base: usize) -> Option<Estimate> {
        median(&self.costs(mode, base))
    }

    /// Returns which part of a mode's CPU time each unit of rate takes: for rates in samples per second of CPU time, the
    /// seconds that one sample costs.
    ///
    /// # Accuracy
    ///
    /// A sampler that follows CPU time counts its own time too: where a sample costs c, it takes the part c·r of all CPU
    /// time at rate r, and the guest runs longer by c·r/(1 - c·r). The part is a straight line over the rate, the ratio is
    /// none, so the line is laid through the parts, in each round by least squares. The slopes of the rounds are averaged,
    /// with bounds by Student's t. The line need not pass through zero, so what a mode costs at any rate (another engine,
    /// another address of its code) and noise of `base` are not in the slope. High rates carry most of the weight.
    pub fn slope(&self, rates: &[(usize, f64)], base: usize) -> Option<Estimate> {
        let of_round = |round: &Vec<Duration>| {
            let base = round.get(base)?.as_secs_f64();
            let point = |(mode, rate): &(usize, f64)| Some((*rate, 1.0 - base / round.get(*mode)?.as_secs_f64()));
            slope(&rates.iter().map(point).collect::<Option<Vec<_>>>()?).filter(|slope| slope.is_finite())
        };
        mean(&self.rounds.iter().filter_map(of_round).collect::<Vec<_>>())
    }

    /// Writes the times in microseconds as comma-separated values: a line a round, a column a mode.
    pub fn to_csv(&self) -> String {
        let mut text = format!("round,{}\n", self.modes.join(","));
        for (number, round) in (1..).zip(&self.rounds) {
            let times: Vec<String> = round.iter().map(|time| time.as_micros().to_string()).collect();
            text.push_str(&format!("{number},{}\n", times.join(",")));
        }
        text
    }
}

#[cfg(test)]
mod tests;
