//! An earlier recording, with which a page compares its own.

use wasmscope_model::Recording;

/// An earlier recording, with which a page compares its own.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// The earlier recording.
    pub before: &'a Recording,
    /// What its amounts are multiplied with, to be at the pace of the later one.
    pub factor: f64,
    /// How that was found, in words.
    pub pace: String,
    /// What is known of functions; those that are not listed may differ by chance.
    pub functions: Vec<ChangedFunction>,
}

/// Whether a function changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangedFunction {
    /// Its name.
    pub name: String,
    /// Its file, with or without folder; empty when unknown.
    pub file: String,
    /// Whether the time changed in which it is the innermost frame.
    pub own: Significance,
    /// Whether the time changed in which it is any frame.
    pub total: Significance,
}

/// Whether a difference is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Significance {
    /// More than chance would give.
    Changed,
    /// Chance may have made it.
    Noise,
}
