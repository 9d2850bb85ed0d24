//! Code of an engine that was made elsewhere.

use std::sync::Arc;

use wasmscope_model::NativeAddress;

use crate::compiled::CompiledGuest;
use crate::session::Shared;

/// Keeps a module or component known to the sampler, and keeps its code loaded, until dropped.
///
/// Made by [`crate::ProfileSession::describe_module`] and [`crate::ProfileSession::describe_component`]. Of several for
/// one module, the first decides how long it is known; one of the session's own engine is known as long as it is loaded.
#[must_use]
pub struct DescribedCode {
    shared: Arc<Shared>,
    start: NativeAddress,
    /// Whether the engine publishes and retires the code by itself, as the session's own does.
    of_own_engine: bool,
    /// Dropped after the range is retired, so that no sample can hit memory that is used again.
    _guest: CompiledGuest,
}

impl std::fmt::Debug for DescribedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DescribedCode").field("start", &self.start).finish_non_exhaustive()
    }
}

impl DescribedCode {
    pub(crate) fn new(shared: Arc<Shared>, of_own_engine: bool, guest: CompiledGuest) -> Self {
        Self { shared, start: guest.start(), of_own_engine, _guest: guest }
    }
}

impl Drop for DescribedCode {
    fn drop(&mut self) {
        if !self.of_own_engine {
            self.shared.registry.retire(self.start);
            self.shared.modules.unload(self.start);
        }
    }
}
