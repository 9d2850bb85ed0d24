//! Connections and the requests on them.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::http::uri::{Authority, Parts, PathAndQuery, Scheme};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use wasmtime_wasi_http::handler::{Request, Response};

use super::event::ServiceEvent;
use super::job::{Failure, Job, Reply};
use super::service::Service;
use super::ticket::Ticket;
use super::worker::submit;

/// How long to wait before accepting again when the system has no sockets left.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);

/// Answers requests on `listener` until `stop` is ready, and then those that are in work, for as long as they may go on.
///
/// # Errors
///
/// When the listener fails otherwise than for one connection or for want of sockets.
pub async fn serve(service: Arc<Service>, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
    let (stopping, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(service.limits().connections));
    let mut connections = JoinSet::new();
    let accepting = async {
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return Ok(()) };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) if is_want_of_sockets(&error) => {
                    tokio::time::sleep(OUT_OF_SOCKETS).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let (service, stopped) = (service.clone(), stopped.clone());
            connections.spawn(async move {
                converse(service, stream, stopped).await;
                drop(place);
            });
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        failed = accepting => failed?,
        () = service.advance_epoch() => {}
        () = stop => {}
    }
    drop(listener);
    stopping.send_replace(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        () = drained => {}
        () = service.advance_epoch() => {}
        () = tokio::time::sleep(service.limits().drain) => {}
    }
    service.dispatcher().stop();
    Ok(())
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn is_want_of_sockets(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}

/// Answers the requests of one connection. What goes wrong with it is between its client and the system.
async fn converse(service: Arc<Service>, stream: TcpStream, mut stopped: watch::Receiver<bool>) {
    // Small responses are not to wait for an acknowledgement of the one before.
    drop(stream.set_nodelay(true));
    let head = service.limits().head;
    let answered = service_fn(|request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(answer(&service, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .serve_connection(TokioIo::new(stream), answered);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return drop(ended),
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    // The request in work is answered; the connection then ends.
    connection.as_mut().graceful_shutdown();
    drop(connection.await);
}

/// Answers a request, which is over when its response is sent.
async fn answer(service: &Arc<Service>, request: hyper::Request<Incoming>) -> Response {
    let routes = service.routes();
    let (method, path) = (request.method(), request.uri().path());
    let ticket = Ticket::begin(method, routes.of(method, path), routes.not_found(method));
    let response = response(service, request, &ticket).await;
    ticket.ends_with(response)
}

async fn response(service: &Arc<Service>, request: hyper::Request<Incoming>, ticket: &Ticket) -> Response {
    let name = || format!("{} {}", request.method(), request.uri().path());
    let deadline = service.timeout().map(|timeout| (Instant::now() + timeout, name()));
    let request = match for_guest(request) {
        Ok(request) => request,
        Err(status) => return plain(status),
    };
    let (reply, answer) = Reply::new();
    let label = ticket.label().clone();
    submit(service, Job { request, reply, label, deadline: deadline.as_ref().map(|(at, _)| *at) });
    let answered = match &deadline {
        None => answer.get().await,
        Some((at, _)) => tokio::time::timeout_at((*at).into(), answer.get()).await.unwrap_or(Err(Failure::TimedOut)),
    };
    answered.unwrap_or_else(|failure| {
        let response = plain(status_of(&failure));
        match failure {
            Failure::Guest(reason) => service.log().say(ServiceEvent::GuestError(reason)),
            Failure::TimedOut => {
                let request = deadline.map(|(_, request)| request).unwrap_or_default();
                service.log().say(ServiceEvent::TimedOut { request });
            }
            Failure::NoInstance(reason) => service.log().say(ServiceEvent::NoInstance(reason)),
            // Trapped guests have their reports.
            Failure::Trapped | Failure::Busy | Failure::Stopping => {}
        }
        response
    })
}

/// Makes a request what guests expect: the address in full, as the client meant it.
fn for_guest(request: hyper::Request<Incoming>) -> Result<Request, StatusCode> {
    let (mut parts, body) = request.into_parts();
    let mut uri = Parts::default();
    let host = || parts.headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    uri.authority = Some(parts.uri.authority().cloned().or_else(host).ok_or(StatusCode::BAD_REQUEST)?);
    uri.scheme = Some(Scheme::HTTP);
    uri.path_and_query = Some(parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
    parts.uri = Uri::from_parts(uri).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(Request::from_parts(parts, body.map_err(Into::into).boxed_unsync()))
}

fn status_of(failure: &Failure) -> StatusCode {
    match failure {
        Failure::Guest(_) | Failure::Trapped => StatusCode::INTERNAL_SERVER_ERROR,
        Failure::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        Failure::NoInstance(_) | Failure::Busy | Failure::Stopping => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A response that tells a client nothing of the inside.
fn plain(status: StatusCode) -> Response {
    let text = format!("{} {}\n", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
