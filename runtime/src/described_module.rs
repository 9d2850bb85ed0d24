//! Modules of an engine that was made elsewhere.

use std::sync::Arc;

use wasmscope_model::NativeAddress;

use crate::session::Shared;

/// Keeps a module known to the sampler, and keeps its code loaded, until dropped.
///
/// Made by [`crate::ProfileSession::describe_module`]. Describe each module once.
#[derive(Debug)]
pub struct DescribedModule {
    shared: Arc<Shared>,
    start: NativeAddress,
    /// Dropped after the range is retired, so that no sample can hit memory that is used again.
    module: wasmtime::Module,
}

impl DescribedModule {
    pub(crate) fn new(shared: Arc<Shared>, start: NativeAddress, module: wasmtime::Module) -> Self {
        Self { shared, start, module }
    }

    /// Returns the module.
    pub fn module(&self) -> &wasmtime::Module {
        &self.module
    }
}

impl Drop for DescribedModule {
    fn drop(&mut self) {
        self.shared.registry.retire(self.start);
        self.shared.modules.unload(self.start);
    }
}
