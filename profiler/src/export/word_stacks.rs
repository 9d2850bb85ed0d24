//! Stacks in words, each word held once: names of some languages are so long that the stacks of an hour, written out, would
//! not fit into memory.

use std::hash::RandomState;

use indexmap::IndexSet;
use rustc_hash::FxHashMap;
use wasmscope_model::{Event, FunctionId, Location, Recording};

/// The stacks of one event as sequences of words, sorted; those that read the same are added up.
pub(super) struct WordStacks {
    words: Vec<String>,
    /// Words from the outermost frame on, and the weight.
    stacks: Vec<(Box<[u32]>, u64)>,
}

impl WordStacks {
    /// Collects the stacks that have a weight. A frame's word is the name of its function and a suffix, and `without_frames`
    /// stands for a stack that has none.
    pub(super) fn new(
        recording: &Recording,
        event: Event,
        name: impl Fn(FunctionId) -> String,
        suffix: impl Fn(&Location, usize) -> &'static str,
        without_frames: &str,
    ) -> Self {
        // Hashed with a secret: names may be made to collide.
        let mut words: IndexSet<String, RandomState> = IndexSet::default();
        let mut known: FxHashMap<(FunctionId, &'static str), u32> = FxHashMap::default();
        let mut stacks: Vec<(Box<[u32]>, u64)> = Vec::new();
        let mut stack = Vec::new();
        for row in recording.rows(event).filter(|row| row.weight() > 0) {
            stack.clear();
            for location in recording.stack(row.stack).rev() {
                for (depth, line) in location.lines.iter().enumerate().rev() {
                    let suffix = suffix(location, depth);
                    let new = || index(words.insert_full(name(line.function) + suffix).0);
                    stack.push(*known.entry((line.function, suffix)).or_insert_with(new));
                }
            }
            if stack.is_empty() {
                stack.push(index(words.insert_full(without_frames.to_owned()).0));
            }
            stacks.push((stack.as_slice().into(), row.weight()));
        }
        let mut all = Self { words: words.into_iter().collect(), stacks };
        all.sort_words();
        all.join();
        all
    }

    /// Numbers the words in their order, as they stand before a semicolon.
    fn sort_words(&mut self) {
        let mut order: Vec<usize> = (0..self.words.len()).collect();
        let text = |place: &usize| self.words.get(*place).into_iter().flat_map(|word| word.bytes()).chain([b';']);
        order.sort_by(|one, other| text(one).cmp(text(other)));
        let mut ranks = vec![0; order.len()];
        let mut sorted = Vec::with_capacity(order.len());
        for (rank, place) in order.into_iter().enumerate() {
            if let (Some(slot), Some(word)) = (ranks.get_mut(place), self.words.get_mut(place)) {
                *slot = index(rank);
                sorted.push(std::mem::take(word));
            }
        }
        self.words = sorted;
        for word in self.stacks.iter_mut().flat_map(|(stack, _)| stack) {
            *word = ranks.get(*word as usize).copied().unwrap_or_default();
        }
    }

    fn join(&mut self) {
        self.stacks.sort_unstable();
        self.stacks.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                kept.1 = kept.1.saturating_add(later.1);
            }
            is_same
        });
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.stacks.len()
    }

    /// Turns each around.
    pub(super) fn reverse(&mut self) {
        self.stacks.iter_mut().for_each(|(stack, _)| stack.reverse());
        self.join();
    }

    /// Ends each stack before the first frame that weighs less than `least`, together with all that run alike to there. The
    /// outermost frame stays.
    pub(super) fn cut_light_frames(&mut self, least: u64) {
        let mut kept = vec![0; self.stacks.len()];
        // Ranges of stacks that are alike in so many outermost frames.
        let mut alike = vec![(0..self.stacks.len(), 0)];
        while let Some((range, depth)) = alike.pop() {
            let mut start = range.start;
            while let Some((first, _)) = self.stacks.get(start..range.end).and_then(<[_]>::first) {
                let frame = first.get(depth).copied();
                let rest = self.stacks.get(start..range.end).unwrap_or_default();
                let same = rest.iter().take_while(|(stack, _)| stack.get(depth).copied() == frame);
                let (count, weight) =
                    same.fold((0, 0u64), |(count, sum), (_, weight)| (count + 1, sum.saturating_add(*weight)));
                if frame.is_some() && weight >= least {
                    alike.push((start..start + count, depth + 1));
                } else if let Some(kept) = kept.get_mut(start..start + count) {
                    kept.fill(depth.max(1));
                }
                start += count;
            }
        }
        for ((stack, _), length) in self.stacks.iter_mut().zip(kept) {
            if let Some(outer) = stack.get(..length).filter(|outer| outer.len() < stack.len()) {
                *stack = outer.into();
            }
        }
        self.join();
    }

    /// How many bytes all stacks take, written out.
    pub(super) fn bytes(&self) -> u64 {
        let words = self.stacks.iter().flat_map(|(stack, _)| stack);
        words.map(|word| self.word(*word).len() as u64 + 1).sum()
    }

    /// Iterates over the stacks, words between semicolons, with their weights.
    pub(super) fn written_out(&self) -> impl Iterator<Item = (String, u64)> {
        self.stacks.iter().map(|(stack, weight)| {
            let words: Vec<_> = stack.iter().map(|word| self.word(*word)).collect();
            (words.join(";"), *weight)
        })
    }

    fn word(&self, index: u32) -> &str {
        self.words.get(index as usize).map_or("", String::as_str)
    }
}

/// A recording has fewer functions than this.
fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stacks(stacks: &[(&str, u64)]) -> WordStacks {
        let mut words: IndexSet<String, RandomState> = IndexSet::default();
        let mut numbers =
            |text: &str| text.split(';').map(|word| index(words.insert_full(word.to_owned()).0)).collect();
        let stacks = stacks.iter().map(|(text, weight)| (numbers(text), *weight)).collect();
        let mut all = WordStacks { words: words.into_iter().collect(), stacks };
        all.sort_words();
        all.join();
        all
    }

    fn lines(stacks: &WordStacks) -> Vec<String> {
        stacks.written_out().map(|(text, weight)| format!("{text} {weight}")).collect()
    }

    #[test]
    fn stacks_are_sorted_and_those_that_read_the_same_are_added_up() {
        let all = stacks(&[("b;a", 1), ("a b;x", 2), ("a;x", 4), ("b", 8), ("b;a", 16)]);
        assert_eq!(lines(&all), ["a b;x 2", "a;x 4", "b 8", "b;a 17"]);
        assert_eq!(all.bytes(), "a b;x;a;x;b;b;a;".len() as u64);
    }

    #[test]
    fn light_frames_are_cut_where_the_stacks_part() {
        let mut all = stacks(&[("a;b;c", 5), ("a;b;d", 4), ("a;e", 1), ("a;f;g", 20), ("h", 1)]);
        all.cut_light_frames(5);
        assert_eq!(lines(&all), ["a 1", "a;b 4", "a;b;c 5", "a;f;g 20", "h 1"]);
    }

    #[test]
    fn reversed_stacks_are_sorted_anew() {
        let mut all = stacks(&[("a;z", 1), ("b;y", 2)]);
        all.reverse();
        assert_eq!(lines(&all), ["y;b 2", "z;a 1"]);
    }
}
