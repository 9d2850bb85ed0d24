//! What two recordings say of the same functions and stacks.

use std::collections::{HashMap, HashSet};
use std::hash::RandomState;

use indexmap::{IndexMap, IndexSet};
use wasmscope_model::{Event, Function, Recording, SampleRow};

/// What one recording says of a function or a stack.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Side {
    /// Nanoseconds, or bytes.
    pub(super) amount: f64,
    /// How many samples that is.
    pub(super) samples: f64,
}

impl Side {
    fn add(&mut self, other: Side) {
        self.amount += other.amount;
        self.samples += other.samples;
    }
}

/// What both say of one function.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct FunctionSides {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) own: [Side; 2],
    pub(super) total: [Side; 2],
}

/// What both say.
#[derive(Clone, Debug, Default)]
pub(super) struct Sides {
    pub(super) functions: Vec<FunctionSides>,
    /// Indices of functions, outermost first.
    pub(super) stacks: Vec<(Vec<u32>, [Side; 2])>,
    pub(super) all: [Side; 2],
    pub(super) counts_known: bool,
}

/// What makes functions of two recordings the same: the name; where one recording has several of a name, with the file, but
/// without its folder, which differs between machines.
type Key = (String, String);

/// Hashed with a secret: names come from modules and files that may be made to collide.
#[derive(Default)]
struct Gathered {
    keys: IndexSet<Key, RandomState>,
    /// Names that one recording has in several files.
    ambiguous: HashSet<String>,
    functions: Vec<FunctionSides>,
    stacks: IndexMap<Vec<u32>, [Side; 2], RandomState>,
    all: [Side; 2],
}

impl Sides {
    pub(super) fn of(before: &Recording, after: &Recording, event: Event) -> Self {
        let ambiguous = [before, after].into_iter().flat_map(ambiguous_names).collect();
        let mut gathered = Gathered { ambiguous, ..Gathered::default() };
        let mut counts_known = true;
        for (which, recording) in [before, after].into_iter().enumerate() {
            let sample = Sampling::of(recording, event);
            counts_known &= sample.is_known();
            gathered.add(which, recording, event, &sample);
        }
        let Gathered { functions, stacks, all, .. } = gathered;
        Self { functions, stacks: stacks.into_iter().collect(), all, counts_known }
    }
}

impl Gathered {
    fn add(&mut self, which: usize, recording: &Recording, event: Event, sampling: &Sampling) {
        let mut known: HashMap<u32, u32> = HashMap::new();
        let mut path = Vec::new();
        let mut seen = Vec::new();
        for row in recording.rows(event) {
            let side = sampling.side(row);
            path.clear();
            for location in recording.stack(row.stack) {
                for line in &location.lines {
                    let id = line.function.0;
                    let index = known.get(&id).copied();
                    path.push(index.unwrap_or_else(|| {
                        let index = self.function(recording.profile.functions.get(id as usize));
                        known.insert(id, index);
                        index
                    }));
                }
            }
            self.all[which].add(side);
            if let Some(innermost) = path.first().and_then(|index| self.functions.get_mut(*index as usize)) {
                innermost.own[which].add(side);
            }
            seen.clone_from(&path);
            seen.sort_unstable();
            seen.dedup();
            for index in &seen {
                if let Some(function) = self.functions.get_mut(*index as usize) {
                    function.total[which].add(side);
                }
            }
            path.reverse();
            match self.stacks.get_mut(&path) {
                Some(sides) => sides[which].add(side),
                None => {
                    let mut sides = [Side::default(); 2];
                    sides[which].add(side);
                    self.stacks.insert(path.clone(), sides);
                }
            }
        }
    }

    fn function(&mut self, function: Option<&Function>) -> u32 {
        let (name, file) = function.map_or(("", ""), |function| (&*function.name, &*function.file));
        let file = file_name(file);
        let told_apart = if self.ambiguous.contains(name) { file } else { "" };
        let key = (name.to_owned(), told_apart.to_owned());
        let (index, is_new) = self.keys.insert_full(key);
        if is_new {
            let (name, file) = (name.to_owned(), file.to_owned());
            self.functions.push(FunctionSides { name, file, own: Default::default(), total: Default::default() });
        }
        u32::try_from(index).unwrap_or(u32::MAX)
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Returns the names that functions of more than one file have.
fn ambiguous_names(recording: &Recording) -> Vec<String> {
    let mut files: HashMap<&str, &str> = HashMap::new();
    let mut ambiguous = Vec::new();
    for function in &recording.profile.functions {
        let file = file_name(&function.file);
        if *files.entry(&function.name).or_insert(file) != file {
            ambiguous.push(function.name.clone());
        }
    }
    ambiguous
}

/// How many samples a row stands for.
enum Sampling {
    /// As many as it counts.
    Counted,
    /// As many as its amount has periods: the file has no column of counts.
    Periods(u64),
    Unknown,
}

impl Sampling {
    fn of(recording: &Recording, event: Event) -> Self {
        // Files without a column of counts repeat the amount in its place.
        let repeated = recording.rows(event).all(|row| row.count == row.amount);
        match recording.profile.period_nanos {
            _ if !repeated => Sampling::Counted,
            0 | 1 => Sampling::Unknown,
            period => Sampling::Periods(period),
        }
    }

    fn is_known(&self) -> bool {
        !matches!(self, Sampling::Unknown)
    }

    fn side(&self, row: &SampleRow) -> Side {
        let amount = row.amount as f64;
        let samples = match self {
            Sampling::Counted => row.count as f64,
            Sampling::Periods(period) => amount / *period as f64,
            Sampling::Unknown => 0.0,
        };
        Side { amount, samples }
    }
}
