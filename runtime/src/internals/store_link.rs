//! What the hook of a store and the polls of its futures know of each other.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmscope_model::SampleContext;
use wasmscope_profiler::{
    ParkedActivation, Polling, StoreContext, Suspension, forget_store, guest_entered, guest_left, poll_began,
    poll_ended,
};

/// Ties the polls of a store's futures to the store: as long as the store lives, and as long as no other thread runs it.
#[derive(Debug)]
pub(crate) struct StoreLink {
    id: u64,
    suspension: Arc<Suspension>,
    inner: Mutex<Inner>,
    /// The thread that polls, by its [`thread_tag`]; 0 when none does.
    polled_on: AtomicUsize,
    /// Guests that were entered outside of polls and have not returned.
    open: AtomicU32,
    /// The thread that entered the last of them, by its [`thread_tag`].
    entered_on: AtomicUsize,
    /// Whether guests that are open were entered or left on several threads.
    is_scattered: AtomicBool,
    /// Whether the guest has called the host only to see what a new epoch means.
    is_at_check: AtomicBool,
}

#[derive(Debug)]
struct Inner {
    /// `None` when the store is gone, and where its words could not be found.
    context: Option<StoreContext>,
    parked: Vec<ParkedActivation>,
}

/// A poll that is going on; it ends on drop, also when the future panics.
#[derive(Debug)]
pub(crate) struct StorePoll<'a> {
    link: &'a StoreLink,
    polling: Option<Polling>,
}

/// Returns a number that tells the calling thread from all others that run now.
fn thread_tag() -> usize {
    thread_local!(static TAG: u8 = const { 0 });
    // A thread that is ending is like no other, and like all that are.
    TAG.try_with(|tag| std::ptr::from_ref(tag).addr()).unwrap_or(1)
}

impl StoreLink {
    pub(crate) fn new(context: Option<StoreContext>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let inner = Mutex::new(Inner { context, parked: Vec::new() });
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            id,
            suspension: Arc::default(),
            inner,
            polled_on: AtomicUsize::new(0),
            open: AtomicU32::new(0),
            entered_on: AtomicUsize::new(0),
            is_scattered: AtomicBool::new(false),
            is_at_check: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Returns where the times between the polls are noted.
    pub(crate) fn suspension(&self) -> &Arc<Suspension> {
        &self.suspension
    }

    /// Notes that the call that the guest is in is a check of its own, for a new epoch.
    pub(crate) fn note_check(&self) {
        self.is_at_check.store(true, Ordering::Relaxed);
    }

    /// Tells whether the call that returns was such a check.
    pub(crate) fn was_check(&self) -> bool {
        self.is_at_check.load(Ordering::Relaxed) && self.is_at_check.swap(false, Ordering::Relaxed)
    }

    /// Notes that the calling thread polls a future of the store from now on.
    ///
    /// `None` when that is not to be believed: the store is gone, is polled already, or runs a guest somewhere else.
    pub(crate) fn begin_poll(&self, labels: Option<&SampleContext>) -> Option<StorePoll<'_>> {
        let mine = self.polled_on.compare_exchange(0, thread_tag(), Ordering::SeqCst, Ordering::SeqCst);
        mine.ok()?;
        let mut poll = StorePoll { link: self, polling: None };
        // Either this sees a guest that was entered elsewhere, or whoever enters it sees this poll.
        if self.open.load(Ordering::SeqCst) > 0 {
            return None;
        }
        {
            // Held until the words are passed on: the store cannot go away in between.
            let inner = self.lock();
            poll.polling = poll_began(inner.context?, self.id, labels, &inner.parked);
        }
        // Whoever entered a guest elsewhere meanwhile may have looked for our words before they were there.
        let is_alone = self.open.load(Ordering::SeqCst) == 0;
        (is_alone && poll.polling.is_some()).then_some(poll)
    }

    /// Notes that the calling thread enters a guest of the store.
    pub(crate) fn enter(&self, context: Option<StoreContext>) {
        let polled_on = self.polled_on.load(Ordering::Relaxed);
        if polled_on == 0 || polled_on != thread_tag() {
            let here = thread_tag();
            if self.open.fetch_add(1, Ordering::SeqCst) > 0 && self.entered_on.load(Ordering::Relaxed) != here {
                self.is_scattered.store(true, Ordering::Relaxed);
            }
            self.entered_on.store(here, Ordering::Relaxed);
            if self.polled_on.load(Ordering::SeqCst) != 0 {
                // Another thread polls some future under this store's name; it must read the words no more.
                forget_store(self.id);
            }
        }
        guest_entered(context, self.id);
    }

    /// Notes that the guest of the store that was entered last is left.
    pub(crate) fn leave(&self) {
        let polled_on = self.polled_on.load(Ordering::Relaxed);
        if polled_on == 0 || polled_on != thread_tag() {
            let fewer = |open: u32| open.checked_sub(1);
            // A guest that was entered in a poll and is left outside of one was not counted.
            let before = self.open.try_update(Ordering::SeqCst, Ordering::SeqCst, fewer);
            if self.entered_on.load(Ordering::Relaxed) != thread_tag() {
                self.is_scattered.store(true, Ordering::Relaxed);
            }
            if self.is_scattered.load(Ordering::Relaxed) {
                // An async guest whose polls nobody noted: threads that it has left may still hold its words, and its
                // stack goes away next.
                self.is_scattered.store(before.is_ok_and(|before| before > 1), Ordering::Relaxed);
                forget_store(self.id);
                return;
            }
        }
        guest_left(self.id);
    }

    /// Notes that the store is about to be dropped.
    pub(crate) fn store_is_gone(&self) {
        {
            let inner = &mut *self.lock();
            inner.context = None;
            inner.parked.clear();
        }
        if self.open.load(Ordering::SeqCst) > 0 || self.polled_on.load(Ordering::SeqCst) != 0 {
            forget_store(self.id);
        }
    }
}

impl Drop for StorePoll<'_> {
    fn drop(&mut self) {
        if let Some(polling) = self.polling.take() {
            let inner = &mut *self.link.lock();
            poll_ended(polling, &mut inner.parked);
            if inner.context.is_none() {
                inner.parked.clear();
            }
        }
        self.link.polled_on.store(0, Ordering::SeqCst);
    }
}
