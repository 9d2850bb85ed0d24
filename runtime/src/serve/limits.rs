//! How much of the machine a service may take.

use std::time::Duration;

/// How much of the machine a service may take. Where a limit is left open it depends on the guest's version of `wasi:http`,
/// as `wasmtime serve` has it.
#[derive(Clone, Debug)]
pub struct ServeLimits {
    /// Instances at once; further requests wait.
    pub instances: usize,
    /// Requests that wait for an instance; further ones are refused with 503.
    pub waiting: usize,
    /// Requests that one instance answers before it is thrown away: 1 for 0.2 and 128 for 0.3.
    pub reuse: Option<usize>,
    /// Requests that one instance has in work at once: 1 for 0.2 and 16 for 0.3.
    pub concurrency: Option<usize>,
    /// How long an instance without work is kept.
    pub idle: Duration,
    /// Connections at once; further ones are accepted when others end.
    pub connections: usize,
    /// How long a client may take to send the head of a request.
    pub head: Duration,
    /// Routes told apart, besides those that templates name; all others are one.
    pub routes: usize,
    /// How long requests in work may go on when the service is told to end.
    pub drain: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            instances: 1000,
            waiting: 10_000,
            reuse: None,
            concurrency: None,
            idle: Duration::from_secs(1),
            connections: 10_000,
            head: Duration::from_secs(10),
            routes: 1000,
            drain: Duration::from_secs(10),
        }
    }
}

/// What one instance may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct InstanceLimits {
    pub(super) reuse: usize,
    pub(super) concurrency: usize,
    pub(super) idle: Duration,
}

impl ServeLimits {
    pub(super) fn of_instance(&self, is_p3: bool) -> InstanceLimits {
        InstanceLimits {
            reuse: self.reuse.unwrap_or(if is_p3 { 128 } else { 1 }).max(1),
            // A handler of 0.2 has the instance to itself.
            concurrency: if is_p3 { self.concurrency.unwrap_or(16).max(1) } else { 1 },
            idle: self.idle,
        }
    }
}
