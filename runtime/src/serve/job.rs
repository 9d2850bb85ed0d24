//! A request on its way, and what comes of it.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use wasmtime_wasi_http::handler::{Request, Response};

use super::in_work::RequestLabel;

/// Why a request has no response of the guest's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// The guest said so itself.
    Guest(String),
    /// It trapped; what it was doing is in the log.
    Trapped,
    /// It took longer than it may.
    TimedOut,
    /// No instance could be made.
    NoInstance(String),
    /// Too many requests wait already.
    Busy,
    /// The service is being shut down.
    Stopping,
}

/// A request that waits for an instance or is in one.
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) reply: Reply,
    pub(super) label: Arc<RequestLabel>,
    /// When it has to be answered.
    pub(super) deadline: Option<Instant>,
}

/// Where a response goes. One that is dropped without says that the guest trapped.
pub(super) struct Reply(oneshot::Sender<Result<Response, Failure>>);

/// Where a response comes from.
pub(super) struct Answer(oneshot::Receiver<Result<Response, Failure>>);

impl Reply {
    pub(super) fn new() -> (Self, Answer) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), Answer(receiver))
    }

    /// Answers. A client that has gone away meanwhile is none of the guest's business.
    pub(super) fn respond(self, response: Response) {
        drop(self.0.send(Ok(response)));
    }

    pub(super) fn fail(self, failure: Failure) {
        drop(self.0.send(Err(failure)));
    }
}

impl Answer {
    pub(super) async fn get(self) -> Result<Response, Failure> {
        self.0.await.unwrap_or(Err(Failure::Trapped))
    }
}
