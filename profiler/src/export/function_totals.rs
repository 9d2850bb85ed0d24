//! Self and total by function.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use wasmscope_model::{Event, FunctionId, LineOrigin, NameOrigin, Recording};

/// What one function accounts for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionTotal {
    /// The function.
    pub function: FunctionId,
    /// The weight of stacks in which it was the innermost frame.
    pub own: u64,
    /// The weight of stacks in which it was anywhere; each stack counts once, however deep the recursion.
    pub total: u64,
    /// The line of it that most samples were at, 1-based; 0 when unknown.
    pub hottest_line: u32,
    /// Whether that line is only approximate in most of those samples.
    pub approximate: bool,
    /// Where its name comes from, where that is known.
    pub name: Option<NameOrigin>,
}

/// Sums up self and total by function, largest self first: samples, or for time off the CPU microseconds. Inlinees count as functions.
pub fn function_totals(recording: &Recording, event: Event) -> Vec<FunctionTotal> {
    let mut totals: FxHashMap<FunctionId, Sums> = FxHashMap::default();
    let mut seen = FxHashSet::default();
    for row in recording.rows(event) {
        seen.clear();
        let mut innermost = true;
        for location in recording.stack(row.stack) {
            let approximate = location.origin.is_some_and(|origin| origin.line == LineOrigin::Approximate);
            for (depth, line) in location.lines.iter().enumerate() {
                let sums = totals.entry(line.function).or_default();
                if std::mem::take(&mut innermost) {
                    sums.own = sums.own.saturating_add(row.weight());
                }
                if seen.insert(line.function) {
                    sums.total = sums.total.saturating_add(row.weight());
                    let (at_line, rough) = sums.lines.entry(line.line).or_default();
                    *at_line = at_line.saturating_add(row.weight());
                    *rough = rough.saturating_add(if approximate { row.weight() } else { 0 });
                }
                if depth + 1 == location.lines.len() {
                    sums.name = sums.name.or(location.origin.map(|origin| origin.name));
                }
            }
        }
    }
    let mut totals: Vec<_> = totals.into_iter().map(|(function, sums)| sums.finish(function)).collect();
    totals.sort_by_key(|total| (std::cmp::Reverse((total.own, total.total)), total.function));
    totals
}

#[derive(Default)]
struct Sums {
    own: u64,
    total: u64,
    /// Samples by line, and how many of them are approximate.
    lines: BTreeMap<u32, (u64, u64)>,
    name: Option<NameOrigin>,
}

impl Sums {
    fn finish(self, function: FunctionId) -> FunctionTotal {
        let known = self.lines.iter().filter(|(line, _)| **line != 0);
        let hottest = known.max_by_key(|(line, (count, _))| (*count, std::cmp::Reverse(**line)));
        FunctionTotal {
            function,
            own: self.own,
            total: self.total,
            hottest_line: hottest.map_or(0, |(line, _)| *line),
            approximate: hottest.is_some_and(|(_, (count, rough))| *rough > count / 2),
            name: self.name,
        }
    }
}
