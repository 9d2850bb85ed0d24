//! Components that answer HTTP requests, run as `wasmtime serve` runs them.
//!
//! A request goes to the `dispatcher`, which gives it to an instance; a `worker` drives the instance, and a `call` is
//! one request in it. wasmtime's own `ProxyHandler`, whose behaviour this follows, starts tasks where no label can be put
//! around them.

mod call;
mod dispatcher;
mod event;
mod in_work;
mod job;
mod limits;
mod listener;
mod log;
mod route;
mod running;
mod service;
mod ticket;
mod worker;

pub use event::{Listener, ServiceEvent};
pub(crate) use in_work::InWork;
pub use limits::ServeLimits;
pub use listener::serve;
pub use route::RouteTemplate;
pub use running::RunningService;
pub use service::Service;
