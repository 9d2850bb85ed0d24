//! The page: its markup, style and script around the data.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use base64::prelude::BASE64_STANDARD;
use base64::write::EncoderWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use wasmscope_model::{Event, Recording, sanitized};

use crate::content_policy::content_policy;
use crate::data::write_data;
use crate::{Comparison, SourceExcerpts};

const STYLE: &str = include_str!("../page/page.css");
const BODY: &str = include_str!("../page/body.html");
/// In one scope, so that nothing of the page can be reached from outside of it.
const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("../page/element.js"),
    include_str!("../page/format.js"),
    include_str!("../page/recording.js"),
    include_str!("../page/selection.js"),
    include_str!("../page/weights.js"),
    include_str!("../page/tree.js"),
    include_str!("../page/colour.js"),
    include_str!("../page/flame.js"),
    include_str!("../page/flame_input.js"),
    include_str!("../page/details.js"),
    include_str!("../page/timeline.js"),
    include_str!("../page/table.js"),
    include_str!("../page/function.js"),
    include_str!("../page/facts.js"),
    include_str!("../page/main.js"),
    "})();\n",
);

/// What a page shows.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// The event that is shown first.
    pub event: Event,
    /// What was recorded, such as the name of the guest.
    pub title: &'a str,
    /// What the reader should know of how it was made: labels and words.
    pub facts: Vec<(&'static str, String)>,
    /// The text of source lines.
    pub sources: Cow<'a, SourceExcerpts>,
    /// An earlier recording, with which it is compared.
    pub comparison: Option<Comparison<'a>>,
}

impl<'a> Page<'a> {
    /// Makes a page of a recording alone, which shows `event` first.
    pub fn new(recording: &'a Recording, event: Event, title: &'a str) -> Self {
        Self {
            recording,
            event,
            title,
            facts: Vec::new(),
            sources: Cow::Owned(SourceExcerpts::default()),
            comparison: None,
        }
    }
}

/// Writes a page.
///
/// Equal recordings give equal pages.
///
/// # Errors
///
/// When `out` fails.
pub fn write_page(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    let title = escaped(&sanitized(page.title));
    let policy = content_policy(SCRIPT, STYLE);
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title} · wasmscope</title>\n<style>{STYLE}</style>\n</head>\n{BODY}\n\
         <script type=\"application/octet-stream\" id=\"data\">"
    )?;
    let mut encoder = EncoderWriter::new(&mut *out, &BASE64_STANDARD);
    let mut gzip = GzEncoder::new(&mut encoder, Compression::default());
    write_data(page, BufWriter::with_capacity(1 << 16, &mut gzip))?;
    gzip.finish()?;
    encoder.finish()?;
    drop(encoder);
    write!(out, "</script>\n<script>{SCRIPT}</script>\n</html>\n")?;
    out.flush()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
