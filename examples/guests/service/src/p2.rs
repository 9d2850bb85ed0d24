//! The service on WASI 0.2: a request is a call that blocks where it waits.

use crate::routes::{self, Answer, Reply};
use crate::upstream::Url;
use wasip2::cli::environment::get_environment;
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse, ResponseOutparam, Scheme,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::random::random::get_random_u64;

const MILLISECOND: u64 = 1_000_000;
/// What `blocking_write_and_flush` takes at most.
const WRITE_BYTES: usize = 4096;
const READ_BYTES: u64 = 64 * 1024;

struct Service;

wasip2::http::proxy::export!(Service);

impl wasip2::exports::http::incoming_handler::Guest for Service {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let method = match request.method() {
            Method::Get => routes::Method::Get,
            Method::Post => routes::Method::Post,
            _ => routes::Method::Other,
        };
        let target = request.path_with_query().unwrap_or_default();
        match routes::reply(&method, &target, get_random_u64) {
            Reply::Now(answer) => send(out, &answer),
            Reply::AfterWait(answer) => {
                slow_wait();
                send(out, &answer);
            }
            Reply::Upstream(query) => send(out, &upstream(&query)),
            Reply::Stream(chunks) => respond(out, 200, headers("text/plain"), |body| stream(body, chunks)),
            Reply::Echo => {
                let kind = request.headers().get("content-type").into_iter().next();
                let kind = kind.unwrap_or_else(|| b"application/octet-stream".to_vec());
                respond(out, 200, vec![("content-type".to_string(), kind)], |body| echo(&request, body));
            }
        }
    }
}

/// The slow part of `/bimodal/wait`.
#[inline(never)]
fn slow_wait() {
    sleep(20 * MILLISECOND);
}

fn sleep(nanos: u64) {
    subscribe_duration(nanos).block();
}

fn headers(content_type: &str) -> Vec<(String, Vec<u8>)> {
    vec![("content-type".to_string(), content_type.into())]
}

fn send(out: ResponseOutparam, answer: &Answer) {
    let mut headers = headers(answer.content_type);
    headers.push(("content-length".to_string(), answer.body.len().to_string().into()));
    headers.extend(answer.allow.map(|method| ("allow".to_string(), method.into())));
    respond(out, answer.status, headers, |body| write(body, &answer.body));
}

/// Sends the head of a response, then has `fill` write its body. A client that leaves meanwhile ends it.
fn respond(
    out: ResponseOutparam,
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    fill: impl FnOnce(&OutputStream) -> Result<(), StreamError>,
) {
    let response = OutgoingResponse::new(Fields::from_list(&headers).expect("headers that HTTP allows"));
    response.set_status_code(status).expect("a status that HTTP has");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    let filled = fill(&stream);
    drop(stream);
    if filled.is_ok() {
        // An error here says what an error of the stream does: there is nobody to send the rest to.
        let _ = OutgoingBody::finish(body, None);
    }
}

fn write(body: &OutputStream, bytes: &[u8]) -> Result<(), StreamError> {
    bytes.chunks(WRITE_BYTES).try_for_each(|part| body.blocking_write_and_flush(part))
}

fn stream(body: &OutputStream, chunks: u64) -> Result<(), StreamError> {
    for number in 0..chunks {
        if number > 0 {
            sleep(10 * MILLISECOND);
        }
        write(body, &routes::chunk(number))?;
    }
    Ok(())
}

fn echo(request: &IncomingRequest, outgoing: &OutputStream) -> Result<(), StreamError> {
    let body = request.consume().expect("the body is taken once");
    let incoming = body.stream().expect("the stream is taken once");
    each_part(&incoming, |part| write(outgoing, part))
}

fn each_part(stream: &InputStream, mut take: impl FnMut(&[u8]) -> Result<(), StreamError>) -> Result<(), StreamError> {
    loop {
        match stream.blocking_read(READ_BYTES) {
            Ok(part) => take(&part)?,
            Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn upstream(query: &str) -> Answer {
    fetch(query).unwrap_or_else(|why| Answer::text(502, &why))
}

/// Asks the upstream and waits for all of its answer.
fn fetch(query: &str) -> Result<Answer, String> {
    let url = Url::of_upstream(get_environment(), query)?;
    let refused = |()| format!("not a request: {}{}", url.authority, url.path_with_query);
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(if url.https { &Scheme::Https } else { &Scheme::Http })).map_err(refused)?;
    request.set_authority(Some(&url.authority)).map_err(refused)?;
    request.set_path_with_query(Some(&url.path_with_query)).map_err(refused)?;

    let failed = |code| format!("the upstream failed: {code:?}");
    let pending = outgoing_handler::handle(request, None).map_err(failed)?;
    pending.subscribe().block();
    let response = pending.get().and_then(Result::ok).ok_or("the upstream's answer is not there")?.map_err(failed)?;

    let mut answer = Answer { status: response.status(), ..Answer::text(200, "") };
    answer.body.clear();
    let body = response.consume().expect("the body is taken once");
    let stream = body.stream().expect("the stream is taken once");
    each_part(&stream, |part| {
        answer.body.extend_from_slice(part);
        Ok(())
    })
    .map_err(|error| format!("the upstream broke off: {error:?}"))?;
    Ok(answer)
}
