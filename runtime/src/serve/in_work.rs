//! Which request a guest works for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use wasmscope_model::SampleContext;
use wasmscope_profiler::set_labels;
use wasmtime::component::GuestTaskId;
use wasmtime::{CallHook, StoreContextMut};

use crate::command::Host;

/// A request as samples know it.
#[derive(Debug)]
pub(crate) struct RequestLabel {
    pub(crate) number: u64,
    /// Whether its response was sent, or cannot be.
    pub(crate) is_over: AtomicBool,
}

/// The requests that the guest of a store works for.
#[derive(Debug, Default)]
pub(crate) struct InWork {
    tasks: Vec<(GuestTaskId, Arc<RequestLabel>)>,
    /// The number of the request that the guest works for at the moment; 0 when that is not known.
    current: Arc<AtomicU64>,
}

impl InWork {
    /// Notes that a task works for a request from now on, also after its response until that is sent.
    pub(crate) fn begin(&mut self, task: GuestTaskId, request: Arc<RequestLabel>) {
        self.tasks.retain(|(_, request)| !request.is_over.load(Ordering::Relaxed));
        self.tasks.push((task, request));
    }

    /// Where the number of the request stands that the guest works for.
    pub(crate) fn current(&self) -> Arc<AtomicU64> {
        self.current.clone()
    }

    fn of_task(&self, task: Option<GuestTaskId>) -> u64 {
        self.tasks.iter().find(|(known, _)| Some(*known) == task).map_or(0, |(_, request)| request.number)
    }
}

/// Labels samples by the request that the guest works for. To be called by the store's hook: tasks of an instance take turns
/// only where the guest is entered, or goes on after a call to the host.
pub(crate) fn label_request(mut store: StoreContextMut<'_, Host>, moment: CallHook) -> wasmtime::Result<()> {
    if !matches!(moment, CallHook::CallingWasm | CallHook::ReturningFromHost) {
        return Ok(());
    }
    let number = match &store.data().in_work.tasks[..] {
        [] => 0,
        [(_, request)] => request.number,
        _ => {
            // The oldest task is the one that the request began.
            let task = store.async_call_stack()?.last();
            store.data().in_work.of_task(task)
        }
    };
    if store.data().in_work.current.swap(number, Ordering::Relaxed) != number {
        set_labels(&SampleContext { request: number, ..SampleContext::default() });
    }
    Ok(())
}
