//! What the calls of all stores amount to, live ones and those that are gone.

use std::sync::{Arc, Mutex, Weak};

use wasmscope_signal::{OffCpu, set_off_cpu};

use super::call_site::{CallSite, CallSites};
use super::lock;
use super::open_call::LongCall;
use crate::off_cpu::{since, sum};
use crate::suspension::{Suspension, WithoutStack};

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
    pub(super) suspension: Arc<Suspension>,
    pub(super) inner: Mutex<Calls>,
}

/// What was counted since it was last taken, and the long calls that are open.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) sites: CallSites,
    pub(super) long: Vec<LongCall>,
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
    pub(super) fn new(suspension: Arc<Suspension>) -> Arc<Self> {
        let calls = Arc::new(Self { suspension, inner: Mutex::default() });
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

    fn take(&self, taken: &mut Taken) {
        taken.untold.tasks.merge(&self.suspension.take());
        let calls = &mut *lock(&self.inner);
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

/// Takes what was counted since it was last taken.
pub(crate) fn take() -> Taken {
    let all = &mut *lock(&STORES);
    let mut taken = Taken { sites: std::mem::take(&mut all.departed), ..Taken::default() };
    taken.untold.merge(&all.untold.take().unwrap_or_default());
    all.live.iter().filter_map(Weak::upgrade).for_each(|store| store.take(&mut taken));
    taken
}

/// Forgets what was counted, when a recording begins or ends.
pub(super) fn forget() {
    take();
    let all = &mut *lock(&STORES);
    for store in all.live.iter().filter_map(Weak::upgrade) {
        store.suspension.restart();
        lock(&store.inner).long.clear();
    }
}
