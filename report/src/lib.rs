//! One HTML page that shows a recording by itself: flame graph, functions, callers and callees, time, host calls.
//!
//! ```no_run
//! # fn recording() -> wasmscope_model::Recording { unimplemented!() }
//! use wasmscope_model::Event;
//! use wasmscope_report::{Page, write_page};
//!
//! let recording = recording();
//! let page = Page::new(&recording, Event::Cpu, "guest.wasm");
//! write_page(&page, &mut std::io::stdout())?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! 1. [`Page`] takes the recording, and what its reader is owed besides: facts, and the source text of its lines.
//! 2. `call_tree` joins stacks to a tree of frames, `data` writes it as columns of numbers.
//! 3. The columns go into the page as gzipped JSON, the text of `page/*.js` as its one script.
//!
//! # Security
//!
//! Names, paths and source text come from guests. They reach the page as data, never as markup: the script puts them on the
//! screen as text, the page's content policy allows only its own script and style, by hash, and nothing that it could
//! load or send. Characters that reorder text are replaced before.
//!
//! This is not for pages that are served: it has no server, and loads nothing after it was opened.

mod call_tree;
mod comparison;
mod content_policy;
mod data;
mod frames;
mod page;
mod sources;

pub use comparison::{ChangedFunction, Comparison, Significance};
pub use page::{Page, write_page};
pub use sources::{SourceExcerpts, SourceProblem};
