//! What the calls of all stores amount to, live ones and those that are gone.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use wasmscope_signal::{OffCpu, set_off_cpu};

use super::call_site::{CallSite, CallSites};
use super::open_call::{Began, LongCall};
use super::short_call::{CallingThread, ShortCall};
use super::stride::LONG_NANOS;
use super::{is_recording_waits, lock, recorded_time};
use crate::off_cpu::{since, sum};
use crate::suspension::{Suspension, WithoutStack};
use crate::{sys, ticks};

/// The calls of stores that are gone are kept in so many tables, before they are added to each other.
const MAX_DEPARTED: usize = 64;

static STORES: Mutex<Stores> = Mutex::new(Stores { live: Vec::new(), departed: Vec::new(), untold: None });

struct Stores {
    live: Vec<Weak<StoreCalls>>,
    departed: Vec<CallSites>,
    /// What stores that are gone leave of their time off the CPU.
    untold: Option<Untold>,
}

/// The calls of one store, as far as other threads look at them.
#[derive(Debug)]
pub(super) struct StoreCalls {
    store: u64,
    pub(super) suspension: Arc<Suspension>,
    pub(super) short: ShortCall,
    pub(super) inner: Mutex<Calls>,
}

/// What was counted since it was last taken, and the long calls that are open.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) sites: CallSites,
    pub(super) long: Vec<LongCall>,
    /// Who made the last call that has returned.
    pub(super) thread: Option<CallingThread>,
    /// Times whose stacks there was no room for.
    pub(super) untold: Untold,
}

/// Time off the CPU that is told without a stack.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Untold {
    /// Of tasks that have no stack while they wait.
    pub(crate) tasks: WithoutStack,
    /// Of calls whose record was lost because a ring was full.
    pub(crate) lost: WithoutStack,
}

impl Untold {
    fn merge(&mut self, other: &Untold) {
        self.tasks.merge(&other.tasks);
        self.lost.merge(&other.lost);
    }
}

/// What was taken from all stores.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) sites: Vec<CallSites>,
    /// Records of calls that have not returned: their times so far, without what was taken before.
    pub(crate) open: Vec<Vec<u64>>,
    pub(crate) untold: Untold,
}

impl StoreCalls {
    /// Makes the calls of a new store known.
    pub(super) fn new(store: u64, suspension: Arc<Suspension>) -> Arc<Self> {
        let (short, inner) = (ShortCall::default(), Mutex::default());
        let calls = Arc::new(Self { store, suspension, short, inner });
        let all = &mut *lock(&STORES);
        if all.live.len() == all.live.capacity() {
            all.live.retain(|store| store.strong_count() > 0);
        }
        all.live.push(Arc::downgrade(&calls));
        calls
    }

    /// Keeps what a store that goes away has counted.
    pub(super) fn depart(&self) {
        let Calls { sites, mut untold, .. } = std::mem::take(&mut *lock(&self.inner));
        untold.tasks = self.suspension.take();
        let all = &mut *lock(&STORES);
        all.untold.get_or_insert_default().merge(&untold);
        if all.departed.len() < MAX_DEPARTED {
            all.departed.extend((!sites.is_empty()).then_some(sites));
        } else if let Some(last) = all.departed.last_mut() {
            for (place, site) in sites {
                last.entry(place).or_insert_with(|| CallSite::new(site.since)).merge(&site);
            }
        }
    }

    /// Returns the call that the store is in, if it is one that is usually short and takes long this time.
    fn call_that_hangs(&self, calls: &Calls) -> Option<LongCall> {
        if !is_recording_waits() {
            return None;
        }
        let seen = self.short.seen(ticks::now_nanos().saturating_sub(LONG_NANOS))?;
        let thread = calls.thread.filter(|thread| thread.tag == seen.thread)?;
        if calls.long.iter().any(|long| long.exit_fp == seen.exit.exit_fp) {
            return None;
        }
        Some(LongCall {
            exit_fp: seen.exit.exit_fp,
            exit_pc: seen.exit.exit_pc,
            record: self.short.record(&seen, self.store)?,
            thread: thread.time,
            tid: thread.tid,
            began: Began::At(seen.began),
            suspended_before: seen.suspended_before,
            is_around_guest: false,
            taken: OffCpu::default(),
        })
    }

    /// Counts the calls that have not returned, with their times so far. Of calls within calls only the outermost is known,
    /// and those that are usually long.
    fn count_open(&self, calls: &mut Calls) {
        let now = ticks::now_nanos();
        let short = self.short.seen(now).map(|seen| (seen.exit, seen.began));
        let short = short.filter(|(exit, _)| calls.long.iter().all(|long| long.exit_fp != exit.exit_fp));
        let long = calls.long.iter().map(|long| (long.exit_pc, long.began_at()));
        for (exit_pc, began) in long.chain(short.map(|(exit, began)| (exit.exit_pc, began))) {
            let site = calls.sites.entry(exit_pc).or_insert_with(|| CallSite::new(sys::now()));
            site.add(Duration::from_nanos(recorded_time(began, now)));
        }
    }

    /// Takes what was counted, and what is open; at the end of a recording what is open counts, too.
    pub(super) fn take(&self, taken: &mut Taken, is_last: bool) {
        taken.untold.tasks.merge(&self.suspension.take());
        let calls = &mut *lock(&self.inner);
        if is_last {
            self.count_open(calls);
        }
        let calls_that_hang = self.call_that_hangs(calls);
        calls.long.extend(calls_that_hang);
        taken.sites.push(std::mem::take(&mut calls.sites));
        taken.untold.merge(&std::mem::take(&mut calls.untold));
        for call in &mut calls.long {
            let so_far = call.off_cpu_so_far(self.suspension.total());
            let new = since(so_far, call.taken);
            if new != OffCpu::default() {
                call.taken = sum(call.taken, new);
                let mut record = call.record.clone();
                set_off_cpu(&mut record, new);
                taken.open.push(record);
            }
        }
    }
}

/// Takes what was counted since it was last taken; the last time that a recording does, calls that are open count too.
pub(crate) fn take(is_last: bool) -> Taken {
    let all = &mut *lock(&STORES);
    let mut taken = Taken { sites: std::mem::take(&mut all.departed), ..Taken::default() };
    taken.untold.merge(&all.untold.take().unwrap_or_default());
    all.live.iter().filter_map(Weak::upgrade).for_each(|store| store.take(&mut taken, is_last));
    taken
}

/// Forgets what was counted, when a recording begins or ends.
pub(super) fn forget() {
    take(false);
    let all = &mut *lock(&STORES);
    for store in all.live.iter().filter_map(Weak::upgrade) {
        store.suspension.restart();
        lock(&store.inner).long.clear();
    }
}
