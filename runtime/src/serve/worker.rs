//! An instance at work: from its first request to its end.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::future::poll_fn;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::Notify;
use wasmtime::AsContextMut;
use wasmtime::component::Accessor;
use wasmtime_wasi_http::handler::Proxy;

use super::call::Call;
use super::dispatcher::{Seat, Submitted};
use super::job::{Failure, Job};
use super::limits::InstanceLimits;
use super::service::{Instance, Service};
use crate::command::Host;

/// Gives a request to an instance, a new one if it has to be.
pub(super) fn submit(service: &Arc<Service>, job: Job) {
    if let Submitted::NeedsInstance(needs) = service.dispatcher().submit(job) {
        let (seat, job) = *needs;
        start(service, seat, job);
    }
}

fn start(service: &Arc<Service>, seat: Seat, first: Job) {
    let service = service.clone();
    tokio::spawn(async move {
        let needs = work(&service, seat, first).await;
        for (seat, job) in needs {
            start(&service, seat, job);
        }
    });
}

/// Makes an instance, and lets it answer requests until it is used up, idle for long, or has trapped. Returns what new
/// instances have to be made for.
async fn work(service: &Arc<Service>, mut seat: Seat, first: Job) -> Vec<(Seat, Job)> {
    let instance = match service.instantiate(first.deadline).await {
        Ok(instance) => instance,
        Err(reason) => {
            first.reply.fail(Failure::NoInstance(reason));
            return seat.leave();
        }
    };
    let Instance { mut store, proxy, attached } = instance;
    let limits = service.instance_limits();
    let rest = Rest::default();
    let current = store.data().in_work.current();
    let result = {
        let driven = store.run_concurrent(async |accessor| {
            Drive { accessor, proxy: &proxy, limits, rest: &rest, service, is_late: AtomicBool::new(false) }
                .run(&mut seat, first)
                .await
        });
        let driven = Resting { future: pin!(driven), rest: &rest };
        match attached {
            Some(attached) => attached.sampled_for_requests(current, driven).await,
            None => driven.await,
        }
    };
    // The seat is given back first: the next request must not wait for the report.
    let needs = seat.leave();
    if let Err(error) = result.and_then(|driven| driven) {
        service.log().guest_failed(error, store);
    }
    needs
}

/// Tells when a store's tasks all wait for something outside. Only then more requests are taken: one that needs the processor
/// would hold up all others of its instance.
#[derive(Default)]
struct Rest {
    is_seen: AtomicBool,
    seen: Notify,
}

impl Rest {
    fn work_began(&self) {
        self.is_seen.store(false, Ordering::Relaxed);
    }

    async fn wait(&self) {
        while !self.is_seen.load(Ordering::Relaxed) {
            self.seen.notified().await;
        }
    }
}

/// Polls a store's event loop, and tells it when it had nothing left to do.
struct Resting<'r, F> {
    future: Pin<&'r mut F>,
    rest: &'r Rest,
}

impl<F: Future> Future for Resting<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let result = self.future.as_mut().poll(context);
        if result.is_pending() && !self.rest.is_seen.swap(true, Ordering::Relaxed) {
            self.rest.seen.notify_one();
            return self.future.as_mut().poll(context);
        }
        result
    }
}

/// The requests of one instance.
struct Drive<'d> {
    accessor: &'d Accessor<Host>,
    proxy: &'d Proxy,
    limits: InstanceLimits,
    rest: &'d Rest,
    service: &'d Service,
    /// Whether some request was not answered in its time.
    is_late: AtomicBool,
}

impl Drive<'_> {
    /// Ends well when the instance is used up, or idle for as long as it may.
    async fn run(&self, seat: &mut Seat, first: Job) -> wasmtime::Result<()> {
        let mut running = FuturesUnordered::new();
        let mut next = Some(first);
        let mut served = 0;
        let mut offered = false;
        loop {
            if let Some(job) = next.take() {
                self.rest.work_began();
                served += 1;
                offered = false;
                running.push(self.answer(job));
            }
            let has_room = !self.is_late.load(Ordering::Relaxed)
                && served < self.limits.reuse
                && running.len() < self.limits.concurrency;
            if !has_room && !offered && running.is_empty() {
                break;
            }
            if has_room && !offered && (running.is_empty() || self.rest.is_seen.load(Ordering::Relaxed)) {
                next = seat.offer();
                offered = next.is_none();
                if next.is_some() {
                    continue;
                }
            }
            tokio::select! {
                biased;
                Some(ended) = running.next(), if !running.is_empty() => ended?,
                Some(job) = seat.next(), if offered => next = Some(job),
                () = self.rest.wait(), if has_room && !offered => {}
                () = tokio::time::sleep(self.limits.idle), if running.is_empty() => break,
            }
        }
        // What the guest streams, or does after its response, is still to be done, in the time that a request has.
        let rest = poll_fn(|context| self.accessor.poll_no_interesting_tasks(context));
        match self.service.timeout() {
            _ if self.is_late.load(Ordering::Relaxed) => {}
            None => rest.await,
            Some(limit) => drop(tokio::time::timeout(limit, rest).await),
        }
        Ok(())
    }

    /// Answers one request. One that takes too long is left alone: its client has been told, and the instance takes no more.
    async fn answer(&self, job: Job) -> wasmtime::Result<()> {
        let Job { request, reply, label, deadline } = job;
        let call = self.accessor.with(|mut store| -> wasmtime::Result<Call> {
            store.data_mut().deadlines.extend(deadline);
            let call = Call::start(store.as_context_mut(), self.proxy, request, reply)?;
            store.data_mut().in_work.begin(call.task(), label);
            Ok(call)
        })?;
        let finished = call.finish(self.accessor, self.proxy);
        let Some(deadline) = deadline else {
            return finished.await;
        };
        let result = tokio::time::timeout_at(deadline.into(), finished).await;
        self.accessor.with(|mut store| {
            let deadlines = &mut store.data_mut().deadlines;
            if let Some(index) = deadlines.iter().position(|known| *known == deadline) {
                deadlines.swap_remove(index);
            }
        });
        result.unwrap_or_else(|_| {
            self.is_late.store(true, Ordering::Relaxed);
            Ok(())
        })
    }
}
