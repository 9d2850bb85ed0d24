//! All guest code of the process: where it lies now, where it lay, and what it was compiled from.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;
use wasmscope_model::{ByteSize, CodeId, CodeMap, NativeAddress, Timestamp};
use wasmscope_signal as signal;

use crate::compiled_code::CompiledCode;
use crate::range_publisher::RangePublisher;
use crate::sys;

/// Unloaded code is kept this long for samples that are still on their way.
const KEEP_UNLOADED: Duration = Duration::from_secs(10);
/// How often what has been unloaded that long is looked for.
const FORGET_EVERY: Duration = Duration::from_secs(1);

/// Keeps the ranges that the signal handler tests addresses against, and the meaning of the code in them.
///
/// A range is published when its memory becomes executable and retired before that memory is reused; its description
/// comes when the module is complete, which is before any of its code can run.
#[derive(Debug, Default)]
pub struct CodeRegistry {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    map: CodeMap,
    live: FxHashMap<NativeAddress, (CodeId, u64)>,
    described: FxHashMap<CodeId, Arc<CompiledCode>>,
    next: u32,
    last_forgot: Timestamp,
}

impl Inner {
    fn forget_unloaded(&mut self, now: Timestamp) -> Vec<CodeId> {
        if now.since(self.last_forgot) < FORGET_EVERY {
            return Vec::new();
        }
        self.last_forgot = now;
        let keep = u64::try_from(KEEP_UNLOADED.as_nanos()).unwrap_or(u64::MAX);
        let limit = Timestamp::from_monotonic_nanos(now.monotonic_nanos().saturating_sub(keep));
        let dropped = self.map.forget_before(limit);
        for code in &dropped {
            self.described.remove(code);
        }
        dropped
    }
}

impl CodeRegistry {
    /// Makes an empty registry.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Notes that `size` bytes at `start` are executable guest code from now on.
    pub fn publish(&self, start: NativeAddress, size: ByteSize) {
        let inner = &mut *self.lock();
        let code = CodeId(inner.next);
        inner.next = inner.next.wrapping_add(1);
        let now = sys::now();
        inner.map.load(code, start, size, now);
        inner.live.insert(start, (code, size.get()));
        RangePublisher::global().add(signal_range(start, size.get()));
        // Without a sampler nobody else makes room. Its cache is bounded, and no later code gets these ids.
        inner.forget_unloaded(now);
    }

    /// Notes that the code at `start` is about to be unloaded. No thread may be running in it.
    pub fn retire(&self, start: NativeAddress) {
        let inner = &mut *self.lock();
        if let Some((_, size)) = inner.live.remove(&start) {
            RangePublisher::global().remove(signal_range(start, size));
            inner.map.retire(start, sys::now());
        }
    }

    /// Tells what the code published at `start` was compiled from. Returns whether code was published there.
    pub fn describe(&self, start: NativeAddress, code: Arc<CompiledCode>) -> bool {
        let inner = &mut *self.lock();
        let Some((id, _)) = inner.live.get(&start) else {
            return false;
        };
        inner.described.insert(*id, code);
        true
    }

    /// Returns what is loaded now: start, size and description.
    pub fn loaded(&self) -> Vec<(NativeAddress, ByteSize, Option<Arc<CompiledCode>>)> {
        let inner = self.lock();
        let mut loaded: Vec<_> = inner
            .live
            .iter()
            .map(|(start, (id, size))| (*start, ByteSize::new(*size), inner.described.get(id).cloned()))
            .collect();
        loaded.sort_by_key(|(start, ..)| *start);
        loaded
    }

    /// Holds the registry for a batch of look-ups.
    pub(crate) fn lookup(&self) -> Lookup<'_> {
        Lookup(self.lock())
    }

    /// Drops code that was unloaded long ago, at most once a second; returns what was dropped.
    pub(crate) fn forget_unloaded(&self, now: Timestamp) -> Vec<CodeId> {
        self.lock().forget_unloaded(now)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here leaves the tables half changed, so a panic elsewhere does not spoil them.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch of look-ups; code cannot be loaded or unloaded meanwhile.
pub(crate) struct Lookup<'a>(MutexGuard<'a, Inner>);

impl Lookup<'_> {
    /// Finds the code that lay at `address` at the time `at`: which it was, its description, and the offset in it.
    pub(crate) fn find(&self, address: NativeAddress, at: Timestamp) -> Option<(CodeId, Option<&CompiledCode>, u32)> {
        let range = self.0.map.find(address, at)?;
        let offset = u32::try_from(address.offset_from(range.start)?).ok()?;
        Some((range.code, self.0.described.get(&range.code).map(|code| &**code), offset))
    }
}

impl Drop for CodeRegistry {
    fn drop(&mut self) {
        for (start, (_, size)) in self.lock().live.drain() {
            RangePublisher::global().remove(signal_range(start, size));
        }
    }
}

fn signal_range(start: NativeAddress, size: u64) -> signal::CodeRange {
    let start = start.get() as usize;
    signal::CodeRange { start, end: start.saturating_add(size as usize) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AddressMap;

    #[test]
    fn code_that_was_unloaded_is_kept_for_late_samples_and_then_forgotten_without_a_sampler() {
        let registry = CodeRegistry::new();
        let start = NativeAddress::new(0x1000);
        let code = Arc::new(CompiledCode::new(Vec::new(), Vec::new(), AddressMap::default()));
        let alive = Arc::downgrade(&code);
        registry.publish(start, ByteSize::new(64));
        assert!(registry.describe(start, code));
        registry.retire(start);
        let after =
            |seconds: u64| Timestamp::from_monotonic_nanos(sys::now().monotonic_nanos() + seconds * 1_000_000_000);
        registry.forget_unloaded(after(5));
        assert!(alive.upgrade().is_some());
        registry.forget_unloaded(after(20));
        assert!(alive.upgrade().is_none());
    }
}
