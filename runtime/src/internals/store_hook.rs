//! Telling the sampler when a thread enters and leaves a store's guest.
#![allow(unsafe_code, reason = "the hook vouches for the store's words")]

use std::sync::{Arc, Once};

use wasmscope_profiler::{Calibration, HostCallClock};
use wasmtime::{CallHook, Engine, Func, Store, StoreContextMut};

use super::store_context::StoreWords;
use super::store_link::StoreLink;

/// Lives in the store's hook: it is dropped just before the store, or earlier when the hook is replaced.
struct Hooked(Arc<StoreLink>);

impl Drop for Hooked {
    fn drop(&mut self) {
        self.0.store_is_gone();
    }
}

/// Puts the hook into a store, and `then` behind it.
pub(crate) fn attach<T: 'static>(
    store: &mut Store<T>,
    words: Option<StoreWords>,
    mut then: impl FnMut(StoreContextMut<'_, T>, CallHook) -> wasmtime::Result<()> + Send + Sync + 'static,
) -> Arc<StoreLink> {
    // SAFETY: the words lie in the same heap allocation as the hook, which owns `hooked`. The hook is dropped before that
    // allocation is freed, or earlier when it is replaced, and from then on nobody passes the words on. An entry that was
    // left is read no more by the thread that made it. The link keeps the promise about polls.
    let context = words.map(|words| unsafe { words.to_context() });
    let link = Arc::new(StoreLink::new(context));
    let hooked = Hooked(link.clone());
    let mut clock = HostCallClock::new(link.id(), link.suspension().clone());
    store.call_hook(move |store, hook| {
        let link = &*hooked.0;
        match hook {
            CallHook::CallingWasm => {
                if let Some(context) = context.filter(|_| HostCallClock::is_counting()) {
                    clock.entering(context.read());
                }
                link.enter(context);
                // wasmtime does not enter the guest when the hook fails, and calls no hook for leaving it.
                then(store, hook).inspect_err(|_| link.leave())
            }
            CallHook::ReturningFromWasm => {
                link.leave();
                if let Some(context) = context.filter(|_| HostCallClock::is_counting()) {
                    clock.leaving(context.read());
                }
                then(store, hook)
            }
            CallHook::CallingHost => {
                if let Some(context) = context.filter(|_| HostCallClock::is_counting()) {
                    clock.calling(context.read());
                }
                then(store, hook)
            }
            CallHook::ReturningFromHost => {
                if let Some(context) = context.filter(|_| HostCallClock::is_counting()) {
                    let exit = context.read();
                    if link.was_check() { clock.dismiss(exit) } else { clock.returning(exit) }
                }
                then(store, hook)
            }
        }
    });
    link
}

/// Finds out, once in a process, how long a host call takes that does nothing, so that it can be left out of others.
pub(crate) fn calibrate(engine: &Engine) {
    const CALLS: usize = 1000;
    static CALIBRATED: Once = Once::new();
    CALIBRATED.call_once(|| {
        let mut store = Store::new(engine, ());
        let mut calibration = Calibration::new();
        store.call_hook(move |_, hook| {
            match hook {
                CallHook::CallingHost => calibration.calling(),
                CallHook::ReturningFromHost => calibration.returning(),
                CallHook::CallingWasm | CallHook::ReturningFromWasm => {}
            }
            Ok(())
        });
        let nothing = Func::wrap(&mut store, || {});
        if let Ok(nothing) = nothing.typed::<(), ()>(&store) {
            // An engine that does not let hosts call so leaves the clock as it is.
            let _ = (0..CALLS).try_for_each(|_| nothing.call(&mut store, ()));
        }
    });
}
