//! Pages for browsers: see the crate `wasmscope_report`.

use std::borrow::Cow;
use std::io::Write;

use wasmscope_model::{Event, Recording};
use wasmscope_report::{Page, SourceExcerpts, write_page};

use super::ExportError;
use super::facts::facts;

/// Writes a page with everything that was recorded, which shows `event` first, and the text of source lines that is given.
///
/// # Errors
///
/// [`ExportError::Io`] when `out` fails. A recording without samples makes a page that says so.
pub fn write_html(
    recording: &Recording,
    event: Event,
    title: &str,
    sources: &SourceExcerpts,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let page = Page { facts: facts(recording), sources: Cow::Borrowed(sources), ..Page::new(recording, event, title) };
    Ok(write_page(&page, out)?)
}
