//! Telling the sampler when a thread enters and leaves a store's guest.
#![allow(unsafe_code, reason = "the hook vouches for the store's words")]

use std::sync::atomic::{AtomicU64, Ordering};

use wasmscope_profiler::{forget_store, guest_entered, guest_left};
use wasmtime::{CallHook, Store};

use super::store_context::StoreWords;

/// Makes every thread forget the store when the hook, and thereby the store, is dropped.
struct ForgetOnDrop(u64);

impl Drop for ForgetOnDrop {
    fn drop(&mut self) {
        forget_store(self.0);
    }
}

/// Puts the hook into a store. Host calls are left alone: the words tell where the guest left for the host.
pub(crate) fn attach<T: 'static>(store: &mut Store<T>, words: Option<StoreWords>) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let forget = ForgetOnDrop(id);
    // SAFETY: the words lie in the same heap allocation as the hook, which owns `forget`. The hook is dropped before
    // that allocation is freed, or earlier when it is replaced, and from then on nobody passes the words on.
    let context = words.map(|words| unsafe { words.to_context() });
    store.call_hook(move |_, hook| {
        let ForgetOnDrop(id) = &forget;
        match hook {
            CallHook::CallingWasm => guest_entered(context, *id),
            CallHook::ReturningFromWasm => guest_left(),
            CallHook::CallingHost | CallHook::ReturningFromHost => {}
        }
        Ok(())
    });
}
