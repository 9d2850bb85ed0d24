//! The modules of a session: which are loaded, and what their bytes tell.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmscope_model::{ByteSize, CodeIdentity, LoadedModule, Module, NativeAddress};
use wasmscope_symbolizer::{ModuleImage, Symbolizer};

/// Keeps the bytes of each module as long as samples may need them: while it is loaded, and then until the recording
/// in which it was unloaded has been symbolized.
#[derive(Debug, Default)]
pub(crate) struct LoadedModules {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    loaded: HashMap<NativeAddress, Arc<KeptModule>>,
    unloaded: HashMap<CodeIdentity, Arc<KeptModule>>,
    recording: bool,
}

/// A module with its bytes.
#[derive(Debug)]
pub(crate) struct KeptModule {
    pub(crate) module: Module,
    pub(crate) image: ModuleImage,
    machine_code: ByteSize,
}

/// Unloaded modules kept for one recording; those of more are forgotten, and their frames stay without names.
const MAX_UNLOADED: usize = 1024;

impl LoadedModules {
    pub(crate) fn load(&self, start: NativeAddress, machine_code: ByteSize, module: Module, image: ModuleImage) {
        self.lock().loaded.insert(start, Arc::new(KeptModule { module, image, machine_code }));
    }

    /// Notes that the code at `start` is gone.
    pub(crate) fn unload(&self, start: NativeAddress) {
        let inner = &mut *self.lock();
        let gone = inner.loaded.remove(&start);
        if let Some(gone) = gone.filter(|_| inner.recording && inner.unloaded.len() < MAX_UNLOADED) {
            inner.unloaded.insert(gone.module.identity, gone);
        }
    }

    /// Keeps modules that are unloaded from now on, or stops doing so.
    pub(crate) fn set_recording(&self, recording: bool) {
        let inner = &mut *self.lock();
        inner.recording = recording;
        if !recording {
            inner.unloaded.clear();
        }
    }

    /// Finds the module whose code begins at `start`.
    pub(crate) fn at(&self, start: NativeAddress) -> Option<Arc<KeptModule>> {
        self.lock().loaded.get(&start).cloned()
    }

    /// Finds a loaded module by its code.
    pub(crate) fn find(&self, identity: &CodeIdentity) -> Option<Arc<KeptModule>> {
        self.lock().loaded.values().find(|kept| kept.module.identity == *identity).cloned()
    }

    /// Lists what is loaded, by name.
    pub(crate) fn list(&self) -> Vec<LoadedModule> {
        let inner = self.lock();
        let loaded = inner.loaded.values();
        let mut list: Vec<_> =
            loaded.map(|kept| LoadedModule { module: kept.module.clone(), machine_code: kept.machine_code }).collect();
        list.sort_by(|a, b| (&a.module.name, a.module.identity).cmp(&(&b.module.name, b.module.identity)));
        list
    }

    /// Makes a symbolizer that knows every module samples may refer to, and lets go of those that are unloaded.
    pub(crate) fn symbolizer_after_cut(&self) -> Symbolizer {
        let (loaded, unloaded) = {
            let inner = &mut *self.lock();
            (inner.loaded.values().cloned().collect::<Vec<_>>(), std::mem::take(&mut inner.unloaded))
        };
        let mut symbolizer = Symbolizer::new();
        for kept in loaded.into_iter().chain(unloaded.into_values()) {
            symbolizer.add_module(kept.image.clone());
        }
        symbolizer
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here leaves the tables half changed, so a panic elsewhere does not spoil them.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
