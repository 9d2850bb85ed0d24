//! What the exporters write, and what readers make of it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]

mod files;
mod firefox_by_crate;
mod footer;
mod golden;
mod handmade;
mod hostile_names;
mod html;
mod round_trip;
mod schema_document;
mod timelines;
mod totals_agree;
mod viewer_totals;
mod viewers;
