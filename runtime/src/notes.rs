//! What the reader of a recording should know about how it came to be.

use std::sync::{Mutex, PoisonError};

/// Remarks that go into every recording of a session; each is kept once.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<Vec<String>>);

/// More remarks than this are not kept; a service may load any number of modules.
const MAX_NOTES: usize = 50;

impl Notes {
    pub(crate) fn add(&self, note: impl Into<String>) {
        let notes = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let note = note.into();
        if notes.len() < MAX_NOTES && !notes.contains(&note) {
            notes.push(note);
        }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
