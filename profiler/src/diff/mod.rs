//! Two recordings side by side: what takes longer, what takes less, and what is only noise.
//!
//! 1. Functions and stacks of both are brought together by name ([`Comparison::of`]).
//! 2. The first recording is brought to the pace of the second ([`Scale`]), since neither the machine nor the load is
//!    ever the same twice.
//! 3. Each difference is judged against what chance alone would give ([`Verdict`]).
//!
//! Not for: snapshots of memory, or classes of requests within one recording.

mod change;
mod html;
mod scale;
mod sides;
mod svg;
mod table;

use std::sync::Arc;

use wasmscope_model::{Event, Recording};

use self::change::Judge;
use self::sides::{Side, Sides};

pub use change::{Change, Verdict};
pub use html::write_diff_html;
pub use scale::{Pace, Scale};
pub use svg::write_diff_svg;
pub use table::{DiffLayout, write_diff_table};

/// What a function must have taken of its recording, before or after, to be judged at all.
const LEAST_SHARE: f64 = 0.005;

/// Two recordings, compared for one event.
///
/// # Accuracy
///
/// Functions are the same when their names are, or name and file where a recording has several of a name; a function that was renamed vanishes under one name and is new under
/// another. See [`Scale`] for what the comparison cannot see, and [`Verdict`] for how chance is told from change.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What is compared.
    pub event: Event,
    /// How the first recording was brought to the pace of the second.
    pub pace: Pace,
    /// Everything together, at that pace.
    pub all: Change,
    /// Functions, the largest difference of self time first; what chance may have done comes last.
    pub functions: Vec<FunctionChange>,
    /// Stacks, likewise.
    pub stacks: Vec<StackChange>,
    /// Whether the files tell how many samples their numbers stand for; without that nothing can be told from chance.
    pub counts_known: bool,
}

/// How much a function takes, before and after.
#[derive(Clone, PartialEq, Debug)]
pub struct FunctionChange {
    /// Its name.
    pub name: String,
    /// Its file, without folder; empty when unknown.
    pub file: String,
    /// Where it is the innermost frame.
    pub own: Change,
    /// Where it is any frame.
    pub total: Change,
}

/// How much a stack takes, before and after.
#[derive(Clone, PartialEq, Debug)]
pub struct StackChange {
    /// Names of functions, outermost first.
    pub frames: Vec<Arc<str>>,
    /// What it takes.
    pub change: Change,
}

impl Comparison {
    /// Compares what `after` shows of an event with what `before` shows.
    pub fn of(before: &Recording, after: &Recording, event: Event, scale: Scale) -> Self {
        let sides = Sides::of(before, after, event);
        let own: Vec<_> = sides.functions.iter().map(|function| function.own).collect();
        let pace = scale.pace(&own, sides.all);
        let least = |side: Side, all: Side| side.amount >= all.amount * LEAST_SHARE && side.amount > 0.0;
        let is_judged = |pair: &[Side; 2]| pair.iter().zip(sides.all).any(|(side, all)| least(*side, all));
        let judged = sides.functions.iter().flat_map(|function| [function.own, function.total]);
        let stacks = sides.stacks.iter().map(|(_, pair)| *pair);
        let judge = |tests: usize| Judge::new(&pace, sides.all, event, tests, sides.counts_known);
        let of_functions = judge(judged.filter(is_judged).count());
        let of_stacks = judge(stacks.filter(is_judged).count());
        let function = |function: &sides::FunctionSides| FunctionChange {
            name: function.name.clone(),
            file: function.file.clone(),
            own: of_functions.change(function.own, is_judged(&function.own)),
            total: of_functions.change(function.total, is_judged(&function.total)),
        };
        let mut functions: Vec<_> = sides.functions.iter().map(function).collect();
        let rank =
            |change: &Change| (change.verdict == Verdict::Noise, std::cmp::Reverse(ordered(change.difference())));
        functions.sort_by_cached_key(|f| (rank(&f.own), rank(&f.total), f.name.clone()));
        let names: Vec<Arc<str>> = sides.functions.iter().map(|function| function.name.as_str().into()).collect();
        let stack = |(frames, pair): &(Vec<u32>, [Side; 2])| StackChange {
            frames: frames.iter().filter_map(|index| names.get(*index as usize).cloned()).collect(),
            change: of_stacks.change(*pair, is_judged(pair)),
        };
        let mut stacks: Vec<_> = sides.stacks.iter().map(stack).collect();
        stacks.sort_by_cached_key(|stack| rank(&stack.change));
        let all = judge(1).change(sides.all, true);
        Self { event, pace, all, functions, stacks, counts_known: sides.counts_known }
    }

    /// Returns the functions that take more than before by more than `threshold` (0.05 for 5 %) of what they took, and not
    /// by chance. A function that is new is measured by what everything took.
    ///
    /// With [`Scale::Absolute`] everything together is among them, under no name.
    pub fn regressions(&self, threshold: f64) -> Vec<Regression<'_>> {
        let whole = matches!(self.pace.scale, Scale::Absolute).then_some(("", "everything", &self.all));
        let functions = self.functions.iter();
        let of_functions = functions.flat_map(|f| [(&*f.name, "self", &f.own), (&*f.name, "total", &f.total)]);
        let all = whole.into_iter().chain(of_functions).filter_map(|(name, what, change)| {
            let growth = change.growth().unwrap_or(change.difference() / self.all.before.max(f64::MIN_POSITIVE));
            (change.verdict == Verdict::More && growth > threshold).then_some(Regression { name, what, growth })
        });
        all.collect()
    }
}

/// A function that takes more than it may.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Regression<'a> {
    /// Its name.
    pub name: &'a str,
    /// Which of its times: `self` or `total`; `everything` for the whole.
    pub what: &'static str,
    /// By how much of what it took; of what everything took, if it is new.
    pub growth: f64,
}

/// Orders by absolute size, in whole nanoseconds.
fn ordered(difference: f64) -> u64 {
    difference.abs() as u64
}
