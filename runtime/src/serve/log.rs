//! What a service says of its guests' ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::{FrameInfo, Store};

use super::event::{Listener, ServiceEvent};
use crate::command::Host;
use crate::panic_message::panic_message;
use crate::session::{Shared, start_of};
use crate::{Guest, TrapReport};

/// Reports that may be in the making at once. Names and lines of a large guest take seconds.
const MAX_REPORTS: u64 = 2;

/// Tells of guests that ended otherwise than by a response.
pub(super) struct Log {
    listener: Listener,
    guest: Guest,
    shared: Arc<Shared>,
    /// Frames of a backtrace, at most.
    max_frames: usize,
    in_the_making: AtomicU64,
    left_out: AtomicU64,
}

impl Log {
    pub(super) fn new(listener: Listener, guest: Guest, shared: Arc<Shared>, max_frames: usize) -> Self {
        Self { listener, guest, shared, max_frames, in_the_making: AtomicU64::new(0), left_out: AtomicU64::new(0) }
    }

    pub(super) fn say(&self, event: ServiceEvent) {
        (self.listener)(event);
    }

    /// Makes the report of a guest that trapped, on a thread of its own, and lets its store go. More than a few at once are
    /// only counted.
    pub(super) fn guest_failed(self: &Arc<Self>, error: wasmtime::Error, store: Store<Host>) {
        let said = store.data().stderr.text();
        drop(store);
        if self.in_the_making.fetch_add(1, Ordering::AcqRel) >= MAX_REPORTS {
            self.in_the_making.fetch_sub(1, Ordering::AcqRel);
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let log = self.clone();
        tokio::task::spawn_blocking(move || {
            let report = log.report(&error, &said);
            log.in_the_making.fetch_sub(1, Ordering::AcqRel);
            log.say(ServiceEvent::Trapped(Box::new(report)));
            let left_out = log.left_out.swap(0, Ordering::Relaxed);
            if left_out > 0 {
                log.say(ServiceEvent::MoreTrapped(left_out));
            }
        });
    }

    fn report(&self, error: &wasmtime::Error, said: &str) -> TrapReport {
        let image_of = |frame: &FrameInfo, file_offset: Option<u64>| {
            let kept = self.shared.modules.at(start_of(frame.module()));
            let sampled = file_offset.and_then(|offset| kept.as_ref()?.module_at(offset)?.image.clone());
            // In a plain run nothing was kept, and the guest is read now.
            let read = || self.guest.modules().iter().find(|image| file_offset.is_some_and(|at| image.has_code_at(at)));
            sampled.or_else(|| read().cloned())
        };
        let add_debug_files = |symbolizer: &mut _| drop(self.shared.modules.add_debug_files(symbolizer));
        let mut report = TrapReport::new(error, self.max_frames, &image_of, add_debug_files);
        report.last_words = panic_message(said);
        report
    }
}
