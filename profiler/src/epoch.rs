//! Samples by checks that are compiled into the guest, where signals cannot be used.
//!
//! A ticker advances the epoch of the guest's engine once a period of wall time. At its next function entry or loop head the
//! guest calls the host, which takes a sample for each period of CPU time that has passed.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Error;
use crate::threads::with_state;

/// Advances the epoch of the engines whose guests are sampled.
#[derive(Clone)]
pub struct AdvanceEpoch(Arc<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for AdvanceEpoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdvanceEpoch")
    }
}

impl AdvanceEpoch {
    /// Wraps a function that advances an epoch, such as `Engine::increment_epoch`.
    pub fn new(advance: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(advance))
    }
}

/// A thread that advances an epoch until it is dropped.
#[derive(Debug)]
pub(crate) struct EpochTicker {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl EpochTicker {
    pub(crate) fn start(period: Duration, advance: AdvanceEpoch) -> Result<Self, Error> {
        let stop = Arc::<(Mutex<bool>, Condvar)>::default();
        let of_thread = stop.clone();
        let tick = move || {
            let (stop, changed) = &*of_thread;
            let mut stopped = stop.lock().unwrap_or_else(PoisonError::into_inner);
            while !*stopped {
                // Woken or not: one epoch more does no harm.
                stopped = changed.wait_timeout(stopped, period).unwrap_or_else(PoisonError::into_inner).0;
                (advance.0)();
            }
        };
        let thread = std::thread::Builder::new().name("wasmscope-ticker".into()).spawn(tick);
        let thread = thread.map_err(|error| Error::Thread { reason: error.to_string() })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for EpochTicker {
    fn drop(&mut self) {
        let (stop, changed) = &*self.stop;
        *stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
        // It does nothing that could panic.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Notes that the guest of the calling thread found its epoch advanced. Call it from the store's epoch callback.
///
/// # Accuracy
///
/// The sample stands at the check that found it, for all CPU time of the thread in guests since the one before: time moves
/// to the callers of functions without loops, and time of host calls to the guest code that follows.
pub fn epoch_reached() {
    if let Some(period) = crate::threads::epoch_period() {
        with_state(|state| state.record_epoch(period));
    }
}
