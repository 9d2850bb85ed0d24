//! A store whose guest is sampled.

use std::ops::{Deref, DerefMut};

use wasmscope_profiler::{StoreContext, forget_store, guest_entered, guest_left};
use wasmtime::{CallHook, Store};

/// A store that tells the sampler when its guest is entered and left, and that is forgotten before it goes.
///
/// It stands for the [`Store`] inside: pass `&mut *watched` wherever a store is asked for.
#[derive(Debug)]
pub struct WatchedStore<T: 'static> {
    store: Store<T>,
    number: u64,
}

impl<T> WatchedStore<T> {
    pub(crate) fn new(mut store: Store<T>, context: Option<StoreContext>, number: u64) -> Self {
        store.call_hook(move |_, hook| {
            match hook {
                CallHook::CallingWasm => guest_entered(context, number),
                CallHook::ReturningFromWasm => guest_left(),
                CallHook::CallingHost | CallHook::ReturningFromHost => {}
            }
            Ok(())
        });
        Self { store, number }
    }

    /// Returns the number by which samples name this store.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl<T> Deref for WatchedStore<T> {
    type Target = Store<T>;

    fn deref(&self) -> &Store<T> {
        &self.store
    }
}

impl<T> DerefMut for WatchedStore<T> {
    fn deref_mut(&mut self) -> &mut Store<T> {
        &mut self.store
    }
}

impl<T> Drop for WatchedStore<T> {
    fn drop(&mut self) {
        // A panic that unwound past the guest left an activation behind, which points into this store.
        forget_store(self.number);
    }
}
