//! Which request gets which reply.

use crate::work;
use serde::Serialize;

/// A request to `/bimodal/...` is slow when its number has this remainder by 100.
const SLOW_REMAINDER: u64 = 7;
const DEFAULT_CHUNKS: u64 = 10;
const MOST_CHUNKS: u64 = 100_000;

pub enum Method {
    Get,
    Post,
    Other,
}

/// What is left to do for a request once its CPU work is done.
pub enum Reply {
    Now(Answer),
    AfterWait(Answer),
    /// Ask the upstream, with this query.
    Upstream(String),
    /// This many chunks.
    Stream(u64),
    Echo,
}

pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    /// For status 405, the method that is allowed.
    pub allow: Option<&'static str>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(status: u16, text: &str) -> Answer {
        Answer { status, content_type: "text/plain", allow: None, body: format!("{text}\n").into_bytes() }
    }

    fn json(value: &impl Serialize) -> Answer {
        let mut body = serde_json::to_vec(value).expect("the answers serialize");
        body.push(b'\n');
        Answer { status: 200, content_type: "application/json", allow: None, body }
    }
}

/// Does the work of a request; `target` is its path and query, `random` gives the number of a request that has none.
pub fn reply(method: &Method, target: &str, random: fn() -> u64) -> Reply {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let allowed = match parts[..] {
        ["echo"] => "POST",
        ["fast" | "cpu" | "upstream" | "leak" | "trap" | "hang" | "stream"] | ["bimodal", "cpu" | "wait"] => "GET",
        ["orders", number] if is_number(number) => "GET",
        ["users", uuid] if is_uuid(uuid) => "GET",
        _ => return Reply::Now(Answer::text(404, "no such route")),
    };
    if !matches!((allowed, method), ("GET", Method::Get) | ("POST", Method::Post)) {
        return Reply::Now(Answer { allow: Some(allowed), ..Answer::text(405, "no such method here") });
    }
    let number = |name| number_of(query, name);
    match parts[..] {
        ["echo"] => Reply::Echo,
        ["upstream"] => Reply::Upstream(query.to_string()),
        ["stream"] => match number("chunks").map(|chunks| chunks.unwrap_or(DEFAULT_CHUNKS)) {
            Ok(chunks) if chunks <= MOST_CHUNKS => Reply::Stream(chunks),
            _ => Reply::Now(Answer::text(400, "chunks is a number up to 100000")),
        },
        ["bimodal", kind] => match number("n") {
            Ok(n) => bimodal(kind, n.unwrap_or_else(random)),
            Err(bad) => Reply::Now(bad),
        },
        ["cpu"] => Reply::Now(checksum("cpu", work::cpu())),
        ["leak"] => Reply::Now(leak()),
        ["trap"] => Reply::Now(checksum("trap", work::trap())),
        ["hang"] => work::hang(),
        [kind, id] => Reply::Now(record(kind, id)),
        _ => Reply::Now(record("fast", "0")),
    }
}

fn bimodal(kind: &str, n: u64) -> Reply {
    let slow = n % 100 == SLOW_REMAINDER;
    if kind == "cpu" {
        return Reply::Now(checksum(kind, if slow { work::slow_path(n) } else { work::fast_path(n) }));
    }
    let answer = checksum(kind, work::fast_path(n));
    if slow {
        Reply::AfterWait(answer)
    } else {
        Reply::Now(answer)
    }
}

#[derive(Serialize)]
struct Record<'a> {
    kind: &'a str,
    id: &'a str,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    sku: String,
    quantity: u32,
}

/// The small answer of `/fast`, `/orders/{number}` and `/users/{uuid}`.
fn record(kind: &str, id: &str) -> Answer {
    let items = (1..6).map(|line| Item { sku: format!("SKU-{:05}", line * 7919 % 50_000), quantity: line }).collect();
    Answer::json(&Record { kind, id, items })
}

#[derive(Serialize)]
struct Checksum<'a> {
    kind: &'a str,
    checksum: u64,
}

fn checksum(kind: &str, checksum: u64) -> Answer {
    Answer::json(&Checksum { kind, checksum })
}

#[derive(Serialize)]
struct Kept {
    kept_bytes: usize,
}

fn leak() -> Answer {
    Answer::json(&Kept { kept_bytes: work::leak() })
}

/// The parameter of this name, or the answer that it is no number.
fn number_of(query: &str, name: &str) -> Result<Option<u64>, Answer> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let number = value.map(str::parse).transpose();
    number.map_err(|_| Answer::text(400, &format!("{name} is not a number")))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A part of a streamed body: 1 KiB, one line.
pub fn chunk(number: u64) -> Vec<u8> {
    format!("{:.<1023}\n", format!("chunk {number} ")).into_bytes()
}
