//! The service on WASI 0.3: a request is a task, and while it waits others run in the same instance.

use crate::routes::{self, Answer, Reply};
use crate::upstream::Url;
use wasip3::cli::environment::get_environment;
use wasip3::clocks::monotonic_clock::wait_for;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use wasip3::random::random::get_random_u64;
use wasip3::wit_bindgen::{StreamReader, StreamResult, StreamWriter};
use wasip3::{spawn_local, wit_future, wit_stream};

const MILLISECOND: u64 = 1_000_000;
const READ_BYTES: usize = 64 * 1024;

struct Service;

wasip3::http::service::export!(Service);

impl wasip3::exports::http::handler::Guest for Service {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let method = match request.get_method() {
            Method::Get => routes::Method::Get,
            Method::Post => routes::Method::Post,
            _ => routes::Method::Other,
        };
        let target = request.get_path_with_query().unwrap_or_default();
        Ok(match routes::reply(&method, &target, get_random_u64) {
            Reply::Now(answer) => send(answer),
            Reply::AfterWait(answer) => {
                slow_wait().await;
                send(answer)
            }
            Reply::Upstream(query) => send(upstream(&query).await),
            Reply::Stream(chunks) => {
                let (response, body) = respond(200, headers("text/plain"));
                spawn_local(stream(body, chunks));
                response
            }
            Reply::Echo => {
                let kind = request.get_headers().get("content-type").into_iter().next();
                let kind = kind.unwrap_or_else(|| b"application/octet-stream".to_vec());
                let (response, body) = respond(200, vec![("content-type".to_string(), kind)]);
                spawn_local(echo(request, body));
                response
            }
        })
    }
}

/// The slow part of `/bimodal/wait`.
#[inline(never)]
async fn slow_wait() {
    wait_for(20 * MILLISECOND).await;
}

fn headers(content_type: &str) -> Vec<(String, Vec<u8>)> {
    vec![("content-type".to_string(), content_type.into())]
}

fn send(answer: Answer) -> Response {
    let mut headers = headers(answer.content_type);
    headers.push(("content-length".to_string(), answer.body.len().to_string().into()));
    headers.extend(answer.allow.map(|method| ("allow".to_string(), method.into())));
    let (response, mut body) = respond(answer.status, headers);
    spawn_local(async move {
        body.write_all(answer.body).await;
    });
    response
}

/// The head of a response, and where a task writes its body. A client that leaves meanwhile ends that task.
fn respond(status: u16, headers: Vec<(String, Vec<u8>)>) -> (Response, StreamWriter<u8>) {
    let (body, contents) = wit_stream::new();
    // Dropped, it says that no trailers follow.
    let (_, trailers) = wit_future::new(|| Ok(None));
    let headers = Fields::from_list(&headers).expect("headers that HTTP allows");
    let (response, _) = Response::new(headers, Some(contents), trailers);
    response.set_status_code(status).expect("a status that HTTP has");
    (response, body)
}

async fn stream(mut body: StreamWriter<u8>, chunks: u64) {
    for number in 0..chunks {
        if number > 0 {
            wait_for(10 * MILLISECOND).await;
        }
        if !body.write_all(routes::chunk(number)).await.is_empty() {
            return;
        }
    }
}

async fn echo(request: Request, mut outgoing: StreamWriter<u8>) {
    let (_, result) = wit_future::new(|| Ok(()));
    let (mut incoming, _trailers) = Request::consume_body(request, result);
    while let Some(part) = next_part(&mut incoming).await {
        if !outgoing.write_all(part).await.is_empty() {
            return;
        }
    }
}

async fn next_part(stream: &mut StreamReader<u8>) -> Option<Vec<u8>> {
    let (result, part) = stream.read(Vec::with_capacity(READ_BYTES)).await;
    matches!(result, StreamResult::Complete(_)).then_some(part)
}

async fn upstream(query: &str) -> Answer {
    fetch(query).await.unwrap_or_else(|why| Answer::text(502, &why))
}

/// Asks the upstream and waits for all of its answer.
async fn fetch(query: &str) -> Result<Answer, String> {
    let url = Url::of_upstream(get_environment(), query)?;
    let refused = |()| format!("not a request: {}{}", url.authority, url.path_with_query);
    let (_, no_trailers) = wit_future::new(|| Ok(None));
    let (request, _) = Request::new(Fields::new(), None, no_trailers, None);
    request.set_scheme(Some(if url.https { &Scheme::Https } else { &Scheme::Http })).map_err(refused)?;
    request.set_authority(Some(&url.authority)).map_err(refused)?;
    request.set_path_with_query(Some(&url.path_with_query)).map_err(refused)?;

    let response = client::send(request).await.map_err(|code| format!("the upstream failed: {code:?}"))?;
    let mut answer = Answer { status: response.get_status_code(), ..Answer::text(200, "") };
    answer.body.clear();
    let (_, result) = wit_future::new(|| Ok(()));
    let (mut stream, trailers) = Response::consume_body(response, result);
    while let Some(part) = next_part(&mut stream).await {
        answer.body.extend(part);
    }
    trailers.await.map_err(|code| format!("the upstream broke off: {code:?}"))?;
    Ok(answer)
}
