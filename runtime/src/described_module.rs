//! Modules of an engine that was made elsewhere.

use std::sync::Arc;

use wasmscope_model::NativeAddress;

use crate::session::Shared;

/// Keeps a module known to the sampler, and keeps its code loaded, until dropped.
///
/// Made by [`crate::ProfileSession::describe_module`]. Of several for one module, the first decides how long it is known;
/// a module of the session's own engine is known as long as it is loaded.
#[derive(Debug)]
pub struct DescribedModule {
    shared: Arc<Shared>,
    start: NativeAddress,
    /// Whether the engine publishes and retires the code by itself, as the session's own does.
    of_own_engine: bool,
    /// Dropped after the range is retired, so that no sample can hit memory that is used again.
    module: wasmtime::Module,
}

impl DescribedModule {
    pub(crate) fn new(
        shared: Arc<Shared>,
        start: NativeAddress,
        of_own_engine: bool,
        module: wasmtime::Module,
    ) -> Self {
        Self { shared, start, of_own_engine, module }
    }

    /// Returns the module.
    pub fn module(&self) -> &wasmtime::Module {
        &self.module
    }
}

impl Drop for DescribedModule {
    fn drop(&mut self) {
        if !self.of_own_engine {
            self.shared.registry.retire(self.start);
            self.shared.modules.unload(self.start);
        }
    }
}
