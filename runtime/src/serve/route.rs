//! What requests are called in recordings: the method, and the path without what differs from one to the next.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::Method;
use wasmscope_model::sanitized;

/// A segment longer than this tells nothing but itself.
const MAX_SEGMENT_CHARS: usize = 48;
/// Segments of a path that are kept.
const MAX_SEGMENTS: usize = 16;
/// What stands for routes that there was no room for.
const OTHERS: &str = "[other routes]";

/// A pattern of paths, such as `/orders/{id}` or `/static/{*file}`: a name in braces stands for one segment, with a star for all
/// that follow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteTemplate {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Segment {
    Exactly(String),
    Any,
    Rest,
}

impl FromStr for RouteTemplate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix('/').ok_or("a template begins with a slash")?;
        let segments: Vec<_> = path.split('/').map(segment).collect();
        if segments.iter().rev().skip(1).any(|segment| *segment == Segment::Rest) {
            return Err("what stands for all that follows comes last".to_owned());
        }
        Ok(Self { text: sanitized(text).into_owned(), segments })
    }
}

fn segment(text: &str) -> Segment {
    match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) if name.starts_with('*') => Segment::Rest,
        Some(_) => Segment::Any,
        None => Segment::Exactly(text.to_owned()),
    }
}

impl RouteTemplate {
    fn matches(&self, path: &str) -> bool {
        let mut parts = path.strip_prefix('/').unwrap_or(path).split('/');
        for segment in &self.segments {
            let Some(part) = parts.next() else { return false };
            match segment {
                Segment::Exactly(text) if text != part => return false,
                Segment::Any if part.is_empty() => return false,
                Segment::Exactly(_) | Segment::Any => {}
                Segment::Rest => return true,
            }
        }
        parts.next().is_none()
    }
}

/// The routes of a service. There are only so many: whoever asks for ten thousand paths gets one for all that are too many.
#[derive(Debug)]
pub(super) struct Routes {
    templates: Vec<RouteTemplate>,
    known: Mutex<HashMap<String, Arc<str>>>,
    max: usize,
    others: Arc<str>,
}

impl Routes {
    pub(super) fn new(templates: Vec<RouteTemplate>, max: usize) -> Self {
        Self { templates, known: Mutex::default(), max, others: OTHERS.into() }
    }

    /// Returns what requests of this method and path are called.
    pub(super) fn of(&self, method: &Method, path: &str) -> Arc<str> {
        let name = match self.templates.iter().find(|template| template.matches(path)) {
            Some(template) => format!("{} {}", method_name(method), template.text),
            None => format!("{} {}", method_name(method), folded(path)),
        };
        self.named(name)
    }

    /// Returns what they are called if the guest knows no such path.
    pub(super) fn not_found(&self, method: &Method) -> Arc<str> {
        self.named(format!("{} [not found]", method_name(method)))
    }

    fn named(&self, name: String) -> Arc<str> {
        let known = &mut *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = known.get(&name) {
            return route.clone();
        }
        if known.len() >= self.max {
            return self.others.clone();
        }
        let route: Arc<str> = name.as_str().into();
        known.insert(name, route.clone());
        route
    }
}

/// Methods that nobody knows are one.
fn method_name(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"];
    known.into_iter().find(|name| *name == method.as_str()).unwrap_or("OTHER")
}

/// Takes out of a path what tells one thing from another of its kind.
fn folded(path: &str) -> String {
    let mut text = String::new();
    for (number, segment) in path.strip_prefix('/').unwrap_or(path).split('/').enumerate() {
        text.push('/');
        if number >= MAX_SEGMENTS {
            text.push('…');
            break;
        }
        text.push_str(&folded_segment(segment));
    }
    text
}

fn folded_segment(segment: &str) -> String {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let is_hex = segment.bytes().all(|byte| byte.is_ascii_hexdigit());
    let capitals = segment.bytes().filter(u8::is_ascii_uppercase).count();
    // A word has few digits and capitals; what was drawn by lot has many of both, or one digit in ten at least.
    let is_drawn = segment.len() >= 16
        && digits > 0
        && (capitals * 3 >= segment.len() || (digits >= 3 && digits * 10 >= segment.len()));
    match segment {
        "" => String::new(),
        _ if digits == segment.len() => "{number}".to_owned(),
        _ if is_uuid(segment) => "{uuid}".to_owned(),
        _ if (is_hex && segment.len() >= 8 && digits > 0) || is_drawn => "{id}".to_owned(),
        _ if segment.chars().count() > MAX_SEGMENT_CHARS => "{long}".to_owned(),
        _ => sanitized(segment).into_owned(),
    }
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_one_request_to_the_next_is_folded() {
        for (path, template) in [
            ("/", "/"),
            ("/fast", "/fast"),
            ("/orders/12/items/7", "/orders/{number}/items/{number}"),
            ("/users/6f9619ff-8b86-d011-b42d-00cf4fc964ff", "/users/{uuid}"),
            ("/blobs/da39a3ee5e6b4b0d", "/blobs/{id}"),
            ("/t/eyJhbGciOiJIUzI1NiJ9", "/t/{id}"),
            ("/v2/deadbeef", "/v2/deadbeef"),
            ("/getUserByIdV2ForAdmins/x", "/getUserByIdV2ForAdmins/x"),
            ("/internationalization/settings", "/internationalization/settings"),
            ("/a%20b/", "/a%20b/"),
        ] {
            assert_eq!(folded(path), template, "{path}");
        }
        assert_eq!(folded(&format!("/{}", "x".repeat(49))), "/{long}");
        assert_eq!(folded(&"/a".repeat(40)).matches("/a").count(), MAX_SEGMENTS);
    }

    #[test]
    fn templates_come_first_and_methods_that_nobody_knows_are_one() {
        let templates = ["/o/{id}/x", "/static/{*file}"].map(|text| text.parse().unwrap());
        let routes = Routes::new(templates.to_vec(), 10);
        let of = |method: &str, path: &str| routes.of(&method.parse().unwrap(), path).to_string();
        assert_eq!(of("GET", "/o/any/x"), "GET /o/{id}/x");
        assert_eq!(of("GET", "/o/any"), "GET /o/any");
        assert_eq!(of("GET", "/static/a/b.js"), "GET /static/{*file}");
        assert_eq!(of("BREW", "/pot"), "OTHER /pot");
        assert_eq!(routes.not_found(&Method::GET).to_string(), "GET [not found]");
        for wrong in ["orders", "/a/{*b}/c"] {
            assert!(wrong.parse::<RouteTemplate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn there_are_only_so_many_routes() {
        let routes = Routes::new(Vec::new(), 3);
        let names: Vec<_> = ["/a", "/b", "/c", "/d", "/e", "/a"].map(|path| routes.of(&Method::GET, path)).to_vec();
        let names: Vec<_> = names.iter().map(|name| &**name).collect();
        assert_eq!(names, ["GET /a", "GET /b", "GET /c", OTHERS, OTHERS, "GET /a"]);
    }
}
