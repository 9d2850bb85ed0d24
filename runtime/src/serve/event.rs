//! What a service has to say while it runs.

use crate::TrapReport;

/// What a service has to say while it runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServiceEvent {
    /// A guest trapped, or ran out of its time while it computed. What it was doing is in the report, with names and lines.
    Trapped(Box<TrapReport>),
    /// Guests trapped faster than reports can be made; so many were left out since the last one.
    MoreTrapped(u64),
    /// A request took longer than it may while its guest waited for something.
    TimedOut {
        /// The method and path, without the query.
        request: String,
    },
    /// A guest answered a request with an error of its own.
    GuestError(String),
    /// No instance could be made for a request.
    NoInstance(String),
}

/// Who is told. Called from several threads, also from those that answer requests.
pub type Listener = Box<dyn Fn(ServiceEvent) + Send + Sync>;
