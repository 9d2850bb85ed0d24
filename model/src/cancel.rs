//! A flag that ends a blocking call early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells a blocking call to come back with what it has.
///
/// Clones share the flag. Once cancelled it stays so.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Makes a token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every holder of this token to come back.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Tells whether someone asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
