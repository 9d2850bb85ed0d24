//! An answer that admits what it lacks.

/// A value together with what could not be had, and why.
///
/// A partial answer is not an error: three of four stacks are worth having, as long as nobody takes them for four.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer<T> {
    /// What was found.
    pub value: T,
    /// What is missing from it; empty when the answer is whole.
    pub missing: Vec<Missing>,
}

/// One thing that an answer lacks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Missing {
    /// What is missing, such as `host frames`.
    pub what: String,
    /// Why, in words a user can act on.
    pub why: String,
}

impl<T> Answer<T> {
    /// Wraps a value that lacks nothing.
    pub fn whole(value: T) -> Self {
        Self { value, missing: Vec::new() }
    }

    /// Adds a note of something that this answer lacks.
    pub fn without(mut self, what: impl Into<String>, why: impl Into<String>) -> Self {
        self.missing.push(Missing { what: what.into(), why: why.into() });
        self
    }
}
