//! What lies between the two readings of the clock when a host call does nothing.

use crate::ticks;

/// Times host calls that do nothing, so that what they usually take can be left out of others.
#[derive(Debug)]
pub struct Calibration {
    began: u64,
    took: Vec<u64>,
}

impl Calibration {
    /// Begins.
    #[expect(clippy::new_without_default, reason = "it changes what the process measures")]
    pub fn new() -> Self {
        ticks::choose_clock();
        Self { began: 0, took: Vec::new() }
    }

    /// Notes that a call begins. Do it last in the hook.
    pub fn calling(&mut self) {
        self.began = ticks::now_nanos();
    }

    /// Notes that the call returns. Do it first in the hook.
    pub fn returning(&mut self) {
        self.took.push(ticks::now_nanos().saturating_sub(self.began));
    }
}

impl Drop for Calibration {
    fn drop(&mut self) {
        self.took.sort_unstable();
        if let Some(usual) = self.took.get(self.took.len() / 2) {
            ticks::leave_out(*usual);
        }
    }
}
