//! The one table of ranges that all handlers read.

use std::sync::{Mutex, OnceLock, PoisonError};

use wasmscope_signal::{CodeRange, CodeRanges, publish};

use crate::sys;
use crate::thread_states::ThreadStates;

/// Builds and publishes tables, and frees the old ones when no handler reads them any more.
///
/// There is one handler in a process, so there is one publisher; registries add to it and take away from it.
#[derive(Debug, Default)]
pub(crate) struct RangePublisher {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    ranges: Vec<CodeRange>,
    retired: Vec<sys::LeakedRanges>,
    current: Option<sys::LeakedRanges>,
}

impl RangePublisher {
    pub(crate) fn global() -> &'static RangePublisher {
        static GLOBAL: OnceLock<RangePublisher> = OnceLock::new();
        GLOBAL.get_or_init(RangePublisher::default)
    }

    pub(crate) fn add(&self, range: CodeRange) {
        self.change(|ranges| {
            let index = ranges.partition_point(|other| other.start < range.start);
            ranges.insert(index, range);
        });
    }

    pub(crate) fn remove(&self, range: CodeRange) {
        self.change(|ranges| {
            if let Some(index) = ranges.iter().position(|other| *other == range) {
                ranges.remove(index);
            }
        });
    }

    fn change(&self, edit: impl FnOnce(&mut Vec<CodeRange>)) {
        let inner = &mut *self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        edit(&mut inner.ranges);
        let table = sys::LeakedRanges::new(inner.ranges.clone());
        publish(table.get());
        inner.retired.extend(inner.current.replace(table));
        let states = ThreadStates::global();
        let in_use = |table: &'static CodeRanges<'static>| states.any(|state| state.reads_ranges(table));
        let (kept, free): (Vec<_>, Vec<_>) = inner.retired.drain(..).partition(|table| in_use(table.get()));
        inner.retired = kept;
        for table in free {
            sys::free_ranges(table);
        }
    }
}
