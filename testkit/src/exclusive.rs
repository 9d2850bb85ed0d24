//! One sampler at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The right to sample in this process, as long as it lives.
#[derive(Debug)]
#[must_use]
pub struct Exclusive(#[expect(dead_code, reason = "it is held, not read")] MutexGuard<'static, ()>);

/// Waits until no other test of this process samples: there is one signal, so there is one sampler.
///
/// A test that failed while it had the right gives it up.
pub fn exclusive() -> Exclusive {
    static ONE: Mutex<()> = Mutex::new(());
    Exclusive(ONE.lock().unwrap_or_else(PoisonError::into_inner))
}
