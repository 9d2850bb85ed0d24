//! The modules of a session: which are loaded, and what their bytes tell.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmscope_model::{ByteSize, CodeIdentity, LoadedModule, Module, NativeAddress};
use wasmscope_symbolizer::{DebugFiles, ModuleImage, SearchResult, Symbolizer};

/// Keeps the bytes of each module as long as samples may need them: while it is loaded, and then until the recording
/// in which it was unloaded has been symbolized.
#[derive(Debug, Default)]
pub(crate) struct LoadedModules {
    inner: Mutex<Inner>,
    /// Where debug information may lie that modules do not carry.
    debug_files: DebugFiles,
}

#[derive(Debug, Default)]
struct Inner {
    loaded: HashMap<NativeAddress, Arc<KeptCode>>,
    unloaded: HashMap<Vec<CodeIdentity>, Arc<KeptCode>>,
    recording: bool,
}

/// Machine code, and the modules that it was compiled from.
#[derive(Debug)]
pub(crate) struct KeptCode {
    machine_code: ByteSize,
    modules: Vec<KeptModule>,
}

/// A module with its bytes, if they are there.
#[derive(Debug)]
pub(crate) struct KeptModule {
    pub(crate) module: Module,
    pub(crate) image: Option<ModuleImage>,
    /// Names of functions by their index, where there are no bytes.
    pub(crate) names: Vec<(u32, String)>,
}

impl KeptCode {
    pub(crate) fn new(machine_code: ByteSize, modules: Vec<KeptModule>) -> Self {
        Self { machine_code, modules }
    }

    #[cfg(feature = "cli")]
    /// Finds the module whose code section covers an offset in the file.
    pub(crate) fn module_at(&self, file_offset: u64) -> Option<&KeptModule> {
        self.modules.iter().find(|kept| kept.image.as_ref().is_some_and(|image| image.has_code_at(file_offset)))
    }

    fn identities(&self) -> Vec<CodeIdentity> {
        self.modules.iter().map(|kept| kept.module.identity).collect()
    }

    fn add_to(&self, symbolizer: &mut Symbolizer) {
        for kept in &self.modules {
            match &kept.image {
                Some(image) => symbolizer.add_module(image.clone()),
                None => {
                    for (index, name) in &kept.names {
                        symbolizer.add_name(kept.module.identity, *index, name);
                    }
                }
            }
        }
    }
}

/// Unloaded modules kept for one recording; those of more are forgotten, and their frames stay without names.
const MAX_UNLOADED: usize = 1024;

impl LoadedModules {
    pub(crate) fn new(debug_files: DebugFiles) -> Self {
        Self { inner: Mutex::default(), debug_files }
    }

    /// Adds what lies elsewhere to a symbolizer, and returns what the user should know.
    pub(crate) fn add_debug_files(&self, symbolizer: &mut Symbolizer) -> Vec<String> {
        let SearchResult { found, mut problems } = match self.debug_files.is_empty() {
            true => SearchResult::default(),
            false => self.debug_files.search(&symbolizer.wanted()),
        };
        found.into_iter().for_each(|file| symbolizer.add_debug_file(file));
        problems.extend(symbolizer.add_source_maps(&self.debug_files));
        for problem in symbolizer.add_split_units(&self.debug_files) {
            // Both searches count the files of a folder.
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        let mut notes: Vec<_> = problems.iter().map(ToString::to_string).collect();
        if self.has_symbol_places() {
            let still = symbolizer.wanted();
            notes.extend(
                still
                    .iter()
                    .map(|wanted| format!("no debug file was found for {} (code {})", wanted.name, wanted.identity)),
            );
        }
        notes
    }

    /// Tells whether the user named places with debug files.
    pub(crate) fn has_symbol_places(&self) -> bool {
        self.debug_files.has_named_places()
    }

    /// Tells whether the source map that a module names is looked for.
    pub(crate) fn looks_for_source_map(&self, image: &ModuleImage) -> bool {
        self.debug_files.may_hold_source_map(image)
    }

    pub(crate) fn load(&self, start: NativeAddress, code: KeptCode) {
        self.lock().loaded.insert(start, Arc::new(code));
    }

    /// Notes that the code at `start` is gone.
    pub(crate) fn unload(&self, start: NativeAddress) {
        let inner = &mut *self.lock();
        let gone = inner.loaded.remove(&start);
        if let Some(gone) = gone.filter(|_| inner.recording && inner.unloaded.len() < MAX_UNLOADED) {
            inner.unloaded.insert(gone.identities(), gone);
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

    #[cfg(feature = "cli")]
    /// Finds what the code that begins at `start` was compiled from.
    pub(crate) fn at(&self, start: NativeAddress) -> Option<Arc<KeptCode>> {
        self.lock().loaded.get(&start).cloned()
    }

    /// Finds the bytes of a loaded module by its code.
    pub(crate) fn find(&self, identity: &CodeIdentity) -> Option<ModuleImage> {
        let inner = self.lock();
        let mut modules = inner.loaded.values().flat_map(|code| &code.modules);
        modules.find(|kept| kept.module.identity == *identity).and_then(|kept| kept.image.clone())
    }

    /// Lists what is loaded, by name. The modules of a component share its machine code.
    pub(crate) fn list(&self) -> Vec<LoadedModule> {
        let inner = self.lock();
        let loaded = inner.loaded.values().flat_map(|code| {
            let machine_code = code.machine_code;
            code.modules.iter().map(move |kept| LoadedModule { module: kept.module.clone(), machine_code })
        });
        let mut list: Vec<_> = loaded.collect();
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
        loaded.into_iter().chain(unloaded.into_values()).for_each(|code| code.add_to(&mut symbolizer));
        symbolizer
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here leaves the tables half changed, so a panic elsewhere does not spoil them.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
