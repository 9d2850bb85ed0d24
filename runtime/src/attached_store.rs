//! Stores whose guests are sampled while their futures are polled.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use wasmscope_model::SampleContext;
use wasmscope_profiler::NotingWaker;
use wasmtime::UpdateDeadline;

use crate::internals::StoreLink;

/// Names a store that was made known to the sampler. It does not keep the store alive.
#[derive(Clone, Debug)]
pub struct AttachedStore {
    link: Arc<StoreLink>,
}

impl AttachedStore {
    pub(crate) fn new(link: Arc<StoreLink>) -> Self {
        Self { link }
    }

    /// Returns the number that samples of this store carry.
    pub fn id(&self) -> u64 {
        self.link.id()
    }

    /// Takes a sample where a check of the guest found a new epoch, and lets the guest go on until the next.
    pub(crate) fn epoch_reached(&self) -> UpdateDeadline {
        self.link.note_check();
        wasmscope_profiler::epoch_reached();
        UpdateDeadline::Continue(1)
    }

    /// Wraps a future that drives guests of this store, such as one of `call_async` or `run_concurrent`, so that its guests
    /// are sampled with whole stacks on whatever thread they go on.
    ///
    /// # Accuracy
    ///
    /// A future that does not drive this store, or only from within another thread, does no harm: nothing of the store is
    /// looked at then.
    pub fn sampled<F: Future>(&self, future: F) -> Sampled<F> {
        self.labelled(Labels::None, future)
    }

    /// As [`AttachedStore::sampled`]; the samples taken during its polls say what they worked for. `labels.store` is not
    /// looked at.
    pub fn sampled_for<F: Future>(&self, labels: SampleContext, future: F) -> Sampled<F> {
        self.labelled(Labels::Fixed(labels), future)
    }

    /// As [`AttachedStore::sampled`], for a store that works for one request after another: each poll begins with the number
    /// of the request that stands here.
    #[cfg(feature = "cli")]
    pub(crate) fn sampled_for_requests<F: Future>(&self, current: Arc<AtomicU64>, future: F) -> Sampled<F> {
        self.labelled(Labels::Request(current), future)
    }

    fn labelled<F: Future>(&self, labels: Labels, future: F) -> Sampled<F> {
        Sampled { future: Some(future), link: self.link.clone(), labels, waker: self.waker() }
    }

    fn waker(&self) -> NotingWaker {
        NotingWaker::new(self.link.suspension().clone())
    }
}

/// What the samples of a poll say that they worked for.
#[derive(Debug)]
enum Labels {
    None,
    Fixed(SampleContext),
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only services have requests"))]
    Request(Arc<AtomicU64>),
}

impl Labels {
    fn now(&self) -> Option<SampleContext> {
        match self {
            Self::None => None,
            Self::Fixed(labels) => Some(*labels),
            Self::Request(current) => {
                Some(SampleContext { request: current.load(Ordering::Relaxed), ..SampleContext::default() })
            }
        }
    }
}

pin_project! {
    /// A future during whose polls the guests of a store are sampled; made by [`AttachedStore::sampled`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Sampled<F> {
        #[pin]
        future: Option<F>,
        link: Arc<StoreLink>,
        labels: Labels,
        waker: NotingWaker,
    }

    impl<F> PinnedDrop for Sampled<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.link.suspension().poll_began();
            // A guest that is suspended is woken once more, to unwind its stack.
            let _polling = this.link.begin_poll(this.labels.now().as_ref());
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for Sampled<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let suspension = this.link.suspension();
        suspension.poll_began();
        // Where it cannot begin, the guests run all the same.
        let polling = this.link.begin_poll(this.labels.now().as_ref());
        #[expect(clippy::expect_used, reason = "only the drop takes the future away")]
        let future = this.future.as_pin_mut().expect("the future is there until this is dropped");
        let result = match this.waker.of(context.waker()) {
            Some(waker) => future.poll(&mut Context::from_waker(waker)),
            None => future.poll(context),
        };
        drop(polling);
        if result.is_pending() {
            suspension.went_pending();
        }
        result
    }
}
