//! Telling the sampler when a thread enters and leaves a store's guest.
#![allow(unsafe_code, reason = "the hook vouches for the store's words")]

use std::sync::atomic::{AtomicU64, Ordering};

use wasmscope_profiler::{forget_store, guest_entered, guest_left};
use wasmtime::{CallHook, Store};

use super::store_context::StoreWords;

/// The entries of a store that are open; makes every thread forget the store when the hook, and thereby the store, is
/// dropped while some are, because a panic unwound past them. Otherwise nothing points into the store any more.
struct OpenEntries {
    store: u64,
    count: u32,
}

impl Drop for OpenEntries {
    fn drop(&mut self) {
        if self.count > 0 {
            forget_store(self.store);
        }
    }
}

/// Puts the hook into a store. Host calls are left alone: the words tell where the guest left for the host.
pub(crate) fn attach<T: 'static>(store: &mut Store<T>, words: Option<StoreWords>) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut open = OpenEntries { store: id, count: 0 };
    // SAFETY: the words lie in the same heap allocation as the hook, which owns `open`. The hook is dropped before that
    // allocation is freed, or earlier when it is replaced, and from then on nobody passes the words on. An entry that
    // was left is read no more by the thread that made it.
    let context = words.map(|words| unsafe { words.to_context() });
    store.call_hook(move |_, hook| {
        match hook {
            CallHook::CallingWasm => {
                open.count = open.count.saturating_add(1);
                guest_entered(context, open.store);
            }
            CallHook::ReturningFromWasm => {
                open.count = open.count.saturating_sub(1);
                guest_left();
            }
            CallHook::CallingHost | CallHook::ReturningFromHost => {}
        }
        Ok(())
    });
}
