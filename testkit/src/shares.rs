//! How much of the samples a function has, read from each kind of output.

use std::collections::{BTreeMap, BTreeSet};

/// Samples by function: those in which it stands anywhere on the stack.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shares {
    total: u64,
    functions: BTreeMap<String, u64>,
}

/// The end by which folded stacks mark inlined frames.
const INLINED: &str = "_[i]";

impl Shares {
    /// Takes counts by function, of `total` samples.
    pub fn from_counts(total: u64, counts: impl IntoIterator<Item = (String, u64)>) -> Self {
        let mut functions = BTreeMap::new();
        for (function, count) in counts {
            *functions.entry(function).or_default() += count;
        }
        Self { total, functions }
    }

    /// Reads folded stacks: `outer;inner;innermost count` lines.
    pub fn from_folded(text: &str) -> Self {
        let mut shares = Self::default();
        for (stack, count) in text.lines().filter_map(|line| line.rsplit_once(' ')) {
            let count = count.parse().unwrap_or(0);
            let frames: BTreeSet<&str> = stack.split(';').map(|f| f.strip_suffix(INLINED).unwrap_or(f)).collect();
            shares.total += count;
            for frame in frames {
                *shares.functions.entry(frame.to_owned()).or_default() += count;
            }
        }
        shares
    }

    /// Reads the hover texts of a flame graph: `function`, perhaps its place, and `(12,345 samples, 70.00%)`.
    ///
    /// # Accuracy
    ///
    /// A recursive function counts once for each of its frames, so its share is too high.
    pub fn from_svg(text: &str) -> Self {
        let mut shares = Self::default();
        for title in text.split("<title>").skip(1).filter_map(|rest| rest.split("</title>").next()) {
            let Some((label, count)) = title.rsplit_once('(') else { continue };
            let Some((count, _)) = count.split_once(" samples") else { continue };
            let count = count.replace(',', "").parse().unwrap_or(0);
            let name = label.split(['\n', '\r']).next().unwrap_or_default();
            let name = name.split("  ").next().unwrap_or_default().trim();
            match name {
                "all" => shares.total = count,
                _ => *shares.functions.entry(name.to_owned()).or_default() += count,
            }
        }
        shares
    }

    /// Returns the number of all samples.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns the samples of a function.
    pub fn count(&self, function: &str) -> u64 {
        self.functions.get(function).copied().unwrap_or(0)
    }

    /// Returns which part of all samples a function has.
    pub fn of(&self, function: &str) -> f64 {
        if self.total == 0 { 0.0 } else { self.count(function) as f64 / self.total as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_stacks_count_a_recursive_function_once() {
        let shares = Shares::from_folded("main;fib;fib;fib 6\nmain;fib;mix_[i] 2\nmain 2\n");
        assert_eq!((shares.total(), shares.count("fib"), shares.count("mix"), shares.count("main")), (10, 8, 2, 10));
        assert!((shares.of("fib") - 0.8).abs() < 1e-12);
        assert!(shares.of("nothing").abs() < 1e-12);
    }

    #[test]
    fn flame_graphs_are_read_by_their_hover_texts() {
        let text = "<title>all (12,345 samples, 100%)</title><g><title>ten\nsplit.c:7 (1,000 samples, 8.10%)</title></g>\
            <title>ten (234 samples, 1.90%)</title><title>f(int) (1 samples, 0.01%)</title><title>Flame (Graph)</title>";
        let shares = Shares::from_svg(text);
        assert_eq!((shares.total(), shares.count("ten"), shares.count("f(int)")), (12_345, 1234, 1));
    }
}
