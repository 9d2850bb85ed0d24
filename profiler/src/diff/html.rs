//! A comparison as a page for browsers.

use std::io::Write;

use wasmscope_model::Recording;
use wasmscope_report::{ChangedFunction, Page, Significance, write_page};

use super::{Change, Comparison, Verdict};
use crate::export::ExportError;

/// Writes a page that shows `after`, coloured by what `comparison` says of the functions since `before`.
///
/// # Errors
///
/// [`ExportError::Io`] when `out` fails.
pub fn write_diff_html(
    comparison: &Comparison,
    before: &Recording,
    after: &Recording,
    title: &str,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let functions = comparison.functions.iter().map(|function| ChangedFunction {
        name: function.name.clone(),
        file: function.file.clone(),
        own: significance(&function.own),
        total: significance(&function.total),
    });
    let compared = wasmscope_report::Comparison {
        before,
        factor: comparison.pace.factor,
        pace: comparison.pace.in_words(),
        functions: functions.collect(),
    };
    let page = Page { comparison: Some(compared), ..Page::new(after, comparison.event, title) };
    Ok(write_page(&page, out)?)
}

fn significance(change: &Change) -> Significance {
    match change.verdict {
        Verdict::More | Verdict::Less => Significance::Changed,
        Verdict::Noise => Significance::Noise,
    }
}
