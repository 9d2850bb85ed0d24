//! Waiting for what must come, without waiting for ever when it does not.

use std::time::{Duration, Instant};

/// Longer than anything that a test waits for takes, on a machine however busy.
const AT_MOST: Duration = Duration::from_secs(600);

/// Tries again until there is something, and returns it.
///
/// # Panics
///
/// After ten minutes, with `what` was waited for: a test that hangs says less than one that fails.
pub fn until_some<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(began.elapsed() < AT_MOST, "{what} did not come in {} seconds", AT_MOST.as_secs());
        std::thread::yield_now();
    }
}

/// As [`until_some`], until something holds.
///
/// # Panics
///
/// As [`until_some`].
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    until_some(what, || holds().then_some(()));
}
