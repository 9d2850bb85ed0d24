//! A request from its acceptance until its response is sent.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::CONTENT_LENGTH;
use hyper::{Method, StatusCode};
use wasmscope_profiler::{EndedRequest, next_request, request_ended};
use wasmtime_wasi_http::handler::Response;
use wasmtime_wasi_http::{Error, WasiBody};

use super::in_work::RequestLabel;

/// A request whose response is not sent yet. When it is dropped, the request is over.
pub(super) struct Ticket {
    label: Arc<RequestLabel>,
    route: Arc<str>,
    /// The route if the guest does not know the path.
    not_found: Arc<str>,
    began: Instant,
    /// Whether the client wants no body.
    is_head: bool,
    status: Option<StatusCode>,
    is_sent: bool,
}

impl Ticket {
    pub(super) fn begin(method: &Method, route: Arc<str>, not_found: Arc<str>) -> Self {
        let is_head = *method == Method::HEAD;
        let label = Arc::new(RequestLabel { number: next_request(), is_over: AtomicBool::new(false) });
        Self { label, route, not_found, began: Instant::now(), is_head, status: None, is_sent: false }
    }

    pub(super) fn label(&self) -> &Arc<RequestLabel> {
        &self.label
    }

    /// Makes the request be over when this response is sent, or cannot be.
    pub(super) fn ends_with(mut self, response: Response) -> Response {
        self.status = Some(response.status());
        let without_body = self.is_head || matches!(response.status().as_u16(), 100..200 | 204 | 304);
        let length = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let left = if without_body { Some(0) } else { length };
        response.map(|body| Tracked::new(body, left, self).boxed_unsync())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.label.is_over.store(true, Ordering::Relaxed);
        let is_unknown = matches!(self.status, Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED));
        let class = self.status.filter(|_| self.is_sent).map_or(0, |status| status.as_u16() / 100);
        request_ended(EndedRequest {
            number: self.label.number,
            route: if is_unknown { self.not_found.clone() } else { self.route.clone() },
            status_class: u8::try_from(class).unwrap_or(0),
            latency: self.began.elapsed(),
        });
    }
}

/// A response's body, with the request that is over when it ends.
struct Tracked {
    body: WasiBody,
    /// Bytes that the client still expects, if the head of the response told them. Whoever sends them does not ask for more.
    left: Option<u64>,
    ticket: Option<Ticket>,
}

impl Tracked {
    fn new(body: WasiBody, left: Option<u64>, ticket: Ticket) -> Self {
        let mut tracked = Self { body, left, ticket: Some(ticket) };
        tracked.end_if_sent();
        tracked
    }

    fn end_if_sent(&mut self) {
        if self.left == Some(0) || self.body.is_end_stream() || self.body.size_hint().exact() == Some(0) {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some(mut ticket) = self.ticket.take() {
            ticket.is_sent = true;
        }
    }
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                let sent = frame.data_ref().map_or(0, |data| data.len() as u64);
                self.left = self.left.map(|left| left.saturating_sub(sent));
                self.end_if_sent();
            }
            None => self.end(),
            Some(Err(_)) => drop(self.ticket.take()),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
