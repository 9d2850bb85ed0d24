//! A guest that is compiled and linked, on its way to its end.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wasmtime::{FrameInfo, Module, Store, Trap};
use wasmtime_wasi::I32Exit;

use super::core_module::Entry;
use super::host::Host;
use super::linking::GuestLinker;
use super::{component, core_dump, core_module};
use crate::compiled::CompiledGuest;
use crate::panic_message::panic_message;
use crate::session::{Shared, start_of};
use crate::{AttachedStore, Guest, GuestEnd, GuestRun, TrapReport};

/// A guest that is compiled and linked, and whose run cannot fail any more but by its own doing.
pub struct ReadyGuest {
    pub(super) run: GuestRun,
    pub(super) guest: Guest,
    pub(super) compiled: CompiledGuest,
    /// Modules that are instantiated first: the name under which they are imported, and their file.
    pub(super) preloaded: Vec<(String, Module, Guest)>,
    pub(super) store: Store<Host>,
    pub(super) linker: GuestLinker,
    pub(super) entry: Option<Entry>,
    pub(super) attached: Option<AttachedStore>,
    pub(super) shared: Arc<Shared>,
}

impl std::fmt::Debug for ReadyGuest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadyGuest").field("guest", &self.guest.name()).finish_non_exhaustive()
    }
}

impl ReadyGuest {
    /// Tells whether the function takes arguments from the command line, which wasmtime calls experimental.
    pub fn takes_arguments(&self) -> bool {
        self.entry.as_ref().is_some_and(|entry| !entry.args.is_empty())
    }

    /// Runs the guest to its end, on this thread and, where it waits, on a few others.
    ///
    /// # Errors
    ///
    /// When the system gives no threads.
    pub fn run(self) -> std::io::Result<GuestEnd> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().enable_io().build()?;
        let end = runtime.block_on(self.run_async());
        // A thread that still reads standard input would not let go.
        runtime.shutdown_background();
        Ok(end)
    }

    /// Runs the guest to its end, within a runtime of tokio's.
    pub async fn run_async(mut self) -> GuestEnd {
        let limit = self.run.wasmtime.wasm.timeout;
        if let Some(limit) = limit {
            self.interrupt_after(limit);
        }
        let attached = self.attached.clone();
        let called = Box::pin(self.call());
        let result = match attached {
            Some(attached) => within(limit, attached.sampled(called)).await,
            None => within(limit, called).await,
        };
        match result {
            Ok(values) => GuestEnd::Returned(values),
            Err(error) => self.end_by(error),
        }
    }

    /// Makes the guest trap after a time, where it passes a loop or a function's beginning.
    fn interrupt_after(&mut self, limit: Duration) {
        self.store.set_epoch_deadline(1);
        let engine = self.store.engine().clone();
        let timed_out = Arc::new(AtomicBool::new(false));
        if self.shared.by_epochs.is_some()
            && let Some(attached) = self.attached.clone()
        {
            let timed_out = timed_out.clone();
            self.store.epoch_deadline_callback(move |_| match timed_out.load(Ordering::Relaxed) {
                true => Err(Trap::Interrupt.into()),
                false => Ok(attached.epoch_reached()),
            });
        }
        // A guest that ends earlier leaves it sleeping, until the process ends.
        std::thread::spawn(move || {
            std::thread::sleep(limit);
            timed_out.store(true, Ordering::Relaxed);
            engine.increment_epoch();
        });
    }

    async fn call(&mut self) -> wasmtime::Result<Vec<String>> {
        match (&self.compiled, &mut self.linker) {
            (CompiledGuest::Module(module), GuestLinker::Module(linker)) => {
                let options = &self.run.wasmtime;
                core_module::call(&mut self.store, linker, module, &self.preloaded, self.entry.as_ref(), options).await
            }
            (CompiledGuest::Component(component), GuestLinker::Component(linker)) => {
                component::call(&mut self.store, linker, component, &self.run).await
            }
            _ => Err(wasmtime::format_err!("the guest and its host functions are of different kinds")),
        }
    }

    fn end_by(mut self, error: wasmtime::Error) -> GuestEnd {
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return GuestEnd::Exited(exit.0);
        }
        let image_of = |frame: &FrameInfo, file_offset: Option<u64>| {
            let kept = self.shared.modules.at(start_of(frame.module()));
            let sampled = file_offset.and_then(|offset| kept.as_ref()?.module_at(offset)?.image.clone());
            // In a plain run nothing was kept, and the guest is read now.
            sampled.or_else(|| {
                let of_guest = self.compiled.start() == start_of(frame.module());
                let other = self.preloaded.iter().find(|(_, module, _)| start_of(module) == start_of(frame.module()));
                let guest = if of_guest { &self.guest } else { &other?.2 };
                guest.modules().iter().find(|image| file_offset.is_some_and(|at| image.has_code_at(at))).cloned()
            })
        };
        // What is wrong with debug files was told before the guest ran.
        let add_debug_files = |symbolizer: &mut _| drop(self.shared.modules.add_debug_files(symbolizer));
        let mut report = TrapReport::new(&error, self.run.backtrace_frames(), &image_of, add_debug_files);
        report.is_text = self.guest.is_text();
        report.last_words = panic_message(&self.store.data().stderr.text());
        if !error.is::<Trap>() {
            return GuestEnd::Failed(report);
        }
        if let Some(path) = &self.run.wasmtime.debug.coredump {
            report.message += &core_dump::write(&mut self.store, &error, self.guest.path(), path);
        }
        GuestEnd::Trapped(report)
    }
}

/// Gives a run as much time as it may have.
async fn within<T>(limit: Option<Duration>, run: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    let Some(limit) = limit else {
        return run.await;
    };
    tokio::time::timeout(limit, run)
        .await
        .unwrap_or_else(|_| Err(wasmtime::Error::from(Trap::Interrupt).context(format!("timed out after {limit:?}"))))
}
