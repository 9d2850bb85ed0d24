//! The threads that run guests, and their timers.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use wasmscope_model::{SampleContext, ThreadNumber};
use wasmscope_signal::{
    BegunPoll, ParkedActivation, StoreContext, ThreadState, register_current_thread, unregister_current_thread,
};

use crate::guest_time::GuestTime;
use crate::host_calls::is_recording_waits;
use crate::session::Session;
use crate::sys::{self, Tid};
use crate::thread_states::{PooledState, ThreadStates, wait_until_unread};
use crate::timeline::ThreadName;
use crate::totals::Armed;

/// How long a thread's name may be; the rest is cut off.
const MAX_NAME_CHARS: usize = 64;

/// One thread that has entered a guest.
#[derive(Debug)]
pub(crate) struct SampledThread {
    pub(crate) number: ThreadNumber,
    pub(crate) tid: Tid,
    name: Arc<str>,
    pub(crate) pooled: PooledState,
    pub(crate) armed: Option<Armed>,
    /// Whether the present session has armed it at some time, so that its ring may hold samples.
    pub(crate) has_recorded: bool,
}

impl SampledThread {
    /// Returns what people know the thread by.
    pub(crate) fn name(&self) -> ThreadName {
        (self.name.clone(), u32::try_from(self.tid).unwrap_or(0))
    }
}

/// All threads that run guests, and the session that samples them, if one does.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    pub(crate) live: Vec<SampledThread>,
    pub(crate) session: Option<Arc<Session>>,
    next: u32,
}

impl Threads {
    pub(crate) fn lock() -> MutexGuard<'static, Threads> {
        static GLOBAL: OnceLock<Mutex<Threads>> = OnceLock::new();
        GLOBAL.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session: threads that enter a guest from now on are its.
    pub(crate) fn begin(&mut self, session: Arc<Session>) {
        self.session = Some(session);
        SESSIONS.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes in the calling thread; `None` when it cannot be sampled.
    fn join(&mut self) -> Option<Membership> {
        let pooled = ThreadStates::global().acquire();
        let registered = pooled.filter(|pooled| register_current_thread(pooled.state).is_ok());
        let Some(pooled) = registered else {
            pooled.into_iter().for_each(|pooled| ThreadStates::global().release(pooled));
            if let Some(session) = &self.session {
                session.count_thread_not_sampled();
            }
            return None;
        };
        pooled.state.set_stack(sys::current_stack());
        // The state may have served another thread, with other labels.
        pooled.state.set_labels([0; 5]);
        let number = ThreadNumber(self.next);
        self.next = self.next.wrapping_add(1);
        let name =
            std::thread::current().name().unwrap_or_default().chars().take(MAX_NAME_CHARS).collect::<String>().into();
        let tid = sys::current_tid();
        let mut thread = SampledThread { number, tid, name, pooled, armed: None, has_recorded: false };
        if let Some(session) = &self.session {
            session.arm(&mut thread);
        }
        self.live.push(thread);
        Some(Membership { number, pooled })
    }

    /// Lets the calling thread go; what it has recorded stays with the session.
    fn leave(&mut self, number: ThreadNumber) {
        let Some(index) = self.live.iter().position(|thread| thread.number == number) else {
            return;
        };
        let mut thread = self.live.swap_remove(index);
        // First its timer, then its entry: a signal in between would find no state.
        if let Some(session) = &self.session {
            session.disarm_departing(&mut thread);
        }
        unregister_current_thread();
        match &self.session {
            Some(session) => session.take_over(thread),
            None => ThreadStates::global().release(thread.pooled),
        }
    }
}

/// The calling thread's place among the sampled threads; it is given up when the thread ends.
#[derive(Debug)]
struct Membership {
    number: ThreadNumber,
    pooled: PooledState,
}

impl Drop for Membership {
    fn drop(&mut self) {
        // A thread that ends has left every guest.
        self.pooled.state.activations.leave_all();
        Threads::lock().leave(self.number);
    }
}

/// The period of samples by epochs in nanoseconds; 0 while there are none.
static EPOCH_PERIOD: AtomicU64 = AtomicU64::new(0);

pub(crate) fn set_epoch_period(nanos: u64) {
    EPOCH_PERIOD.store(nanos, Ordering::Relaxed);
}

/// Returns the period of samples by epochs in nanoseconds, while a session makes them.
pub(crate) fn epoch_period() -> Option<u64> {
    Some(EPOCH_PERIOD.load(Ordering::Relaxed)).filter(|period| *period > 0)
}

/// Counts the sessions that began; a thread that was refused is asked again when it has changed.
static SESSIONS: AtomicU64 = AtomicU64::new(0);

/// What the calling thread knows of itself.
#[derive(Debug)]
enum Standing {
    /// It has not entered a guest.
    Outside,
    /// It was refused when this many sessions had begun.
    Refused(u64),
    Sampled(Membership),
}

impl Standing {
    /// Takes the calling thread in, if it is not and if it was not refused in this session already.
    fn joined(&mut self) -> Option<&Membership> {
        let sessions = SESSIONS.load(Ordering::Relaxed);
        let ask = match self {
            Standing::Outside => true,
            Standing::Refused(at) => *at != sessions,
            Standing::Sampled(_) => false,
        };
        if ask {
            *self = Threads::lock().join().map_or(Standing::Refused(sessions), Standing::Sampled);
        }
        self.membership()
    }

    fn membership(&self) -> Option<&Membership> {
        match self {
            Standing::Sampled(membership) => Some(membership),
            Standing::Outside | Standing::Refused(_) => None,
        }
    }
}

thread_local! {
    static STANDING: RefCell<Standing> = const { RefCell::new(Standing::Outside) };
}

/// Notes that the calling thread is about to enter the guest of a store. Call it from `CallHook::CallingWasm`.
///
/// The thread is taken in on its first call, and sampled while a sampler runs. Without a [`StoreContext`] host calls
/// show as `[host]` with an unknown outer part.
///
/// # Accuracy
///
/// A thread that ends while its thread-local variables are already gone is not taken in again.
pub fn guest_entered(context: Option<StoreContext>, store: u64) {
    // A thread that is ending has no thread-locals any more, and is not sampled.
    let _ = STANDING.try_with(|standing| {
        let Ok(mut standing) = standing.try_borrow_mut() else {
            return;
        };
        if let Some(Membership { pooled, .. }) = standing.joined() {
            enter_from_host(pooled);
            pooled.state.activations.enter(context, store);
        }
    });
}

/// Notes that the guest of a store that was entered last has returned or trapped. Call it from
/// `CallHook::ReturningFromWasm`.
pub fn guest_left(store: u64) {
    with_member(|Membership { pooled, .. }| {
        pooled.state.activations.leave(store);
        left_for_host(pooled);
    });
}

/// Begins to count a thread's time in guests, if it is in none yet.
fn enter_from_host(pooled: &PooledState) {
    if pooled.state.activations.depth() > 0 {
        return;
    }
    if is_recording_waits() {
        pooled.guest_time.enter();
    }
    if let Some(period) = epoch_period() {
        pooled.state.enter_by_epochs(period);
    }
}

/// Ends what [`enter_from_host`] began, if the thread is in no guest any more.
fn left_for_host(pooled: &PooledState) {
    if pooled.state.activations.depth() > 0 {
        return;
    }
    if is_recording_waits() {
        pooled.guest_time.leave();
    }
    if epoch_period().is_some() {
        pooled.state.leave_by_epochs();
    }
}

/// A poll that [`poll_began`] noted.
#[derive(Debug)]
#[must_use]
pub struct Polling {
    begun: BegunPoll,
    labels_before: Option<[u64; 5]>,
}

/// Notes that the calling thread is about to poll a future that drives guests of a store, which may be suspended and go
/// on on another thread. Pass the result to [`poll_ended`] on this thread.
///
/// The samples of the poll carry `labels`, if there are any. `parked` is what the poll before has left.
pub fn poll_began(
    context: StoreContext,
    store: u64,
    labels: Option<&SampleContext>,
    parked: &[ParkedActivation],
) -> Option<Polling> {
    // A thread that is ending has no thread-locals any more, and is not sampled.
    let standing = STANDING.try_with(|standing| {
        let mut standing = standing.try_borrow_mut().ok()?;
        let pooled = standing.joined()?.pooled;
        enter_from_host(&pooled);
        let state = pooled.state;
        let labels_before = labels.map(|labels| {
            let before = state.labels_now();
            state.set_labels(label_words(labels));
            before
        });
        Some(Polling { begun: state.activations.begin_poll(context, store, parked), labels_before })
    });
    standing.ok().flatten()
}

/// Notes that a poll is over, and puts the activations that are suspended now into `parked`.
pub fn poll_ended(polling: Polling, parked: &mut Vec<ParkedActivation>) {
    parked.clear();
    with_member(|member| {
        let state = member.pooled.state;
        state.activations.end_poll(polling.begun, |activation| parked.push(activation));
        if let Some(labels) = polling.labels_before {
            state.set_labels(labels);
        }
        left_for_host(&member.pooled);
    });
}

/// The words of a record that say what a thread is working for.
fn label_words(labels: &SampleContext) -> [u64; 5] {
    let SampleContext { request, trace_id, span_id, guest_task, store: _ } = *labels;
    [request, (trace_id >> 64) as u64, trace_id as u64, span_id, guest_task]
}

/// Says what the calling thread is working for: its samples carry these words until they are set again. The store is
/// known from the guest that is entered, and not taken from here.
///
/// # Accuracy
///
/// A sample that is taken while this call is at work may carry some words of before and some of after.
pub fn set_labels(labels: &SampleContext) {
    // A thread that is ending has no thread-locals any more, and is not sampled.
    let _ = STANDING.try_with(|standing| {
        if let Some(member) = standing.try_borrow_mut().ok().as_deref_mut().and_then(Standing::joined) {
            member.pooled.state.set_labels(label_words(labels));
        }
    });
}

/// Removes what a store left behind, on every thread. Call it before the store is dropped, if a guest of it was entered
/// more often than left.
///
/// A guest that returned or trapped leaves nothing; a panic that unwound past a guest does.
pub fn forget_store(store: u64) {
    // States are never freed, so the lock need not be held while waiting for a handler.
    let states: Vec<_> = Threads::lock().live.iter().map(|thread| thread.pooled.state).collect();
    for state in states {
        if state.activations.forget_store(store) {
            wait_until_unread(state);
        }
    }
}

/// Returns the calling thread's time in guests, if the thread is sampled.
pub(crate) fn current_guest_time() -> Option<&'static GuestTime> {
    let mut time = None;
    with_member(|member| time = Some(member.pooled.guest_time));
    time
}

/// Does something with the calling thread's state, if the thread is sampled.
pub(crate) fn with_state(act: impl FnOnce(&ThreadState)) {
    with_member(|member| act(member.pooled.state));
}

fn with_member(act: impl FnOnce(&Membership)) {
    // As above: a thread that is ending has nothing to note.
    let _ = STANDING.try_with(|standing| {
        if let Some(member) = standing.try_borrow().ok().as_deref().and_then(Standing::membership) {
            act(member);
        }
    });
}
