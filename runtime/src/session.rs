//! An engine whose code the sampler knows.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use wasmscope_model::{EngineKind, LoadedModule};
use wasmscope_profiler::export::sanitized;
use wasmscope_profiler::{CodeRegistry, SamplerConfig};
use wasmscope_symbolizer::{DebugFiles, ModuleImage};
use wasmtime::component::Component;
use wasmtime::{CallHook, Config, Engine, Inlining, Module, Store, StoreContextMut, WasmBacktraceDetails};

use crate::compile_cache::open_user_cache;
use crate::compiled::CompiledGuest;
use crate::guest_notes::note_what_is_missing;
use crate::internals::{Probes, SampledCodeMemory, attach, calibrate};
use crate::loaded_modules::LoadedModules;
use crate::notes::Notes;
use crate::{AttachedStore, DescribedCode, Error, Guest, GuestKind, Recorder};

/// Frames of a trap's backtrace that wasmtime collects in hosts of their own, innermost first.
const BACKTRACE_FRAMES: NonZeroUsize = NonZeroUsize::new(256).expect("it is not zero");

/// Ties together an engine, the sampler's knowledge of its code, and the bytes that names and lines come from.
///
/// # Accuracy
///
/// Inlining of one guest function into another by the compiler is off, since such frames would be missing from stacks.
/// Everything else runs as wasmtime runs it by default; the source compiler's inlining is shown as inlined frames.
///
/// # Security
///
/// Machine code is writable or executable, never both. Nothing is opened, listened on or written by making a session;
/// [`SessionBuilder::user_cache`] is the exception, on request.
#[derive(Debug)]
pub struct ProfileSession {
    engine: Engine,
    shared: Arc<Shared>,
    /// Modules of our own engine where its code memory cannot be ours; see [`SampledCodeMemory::new`].
    explicit: Mutex<Vec<DescribedCode>>,
    /// Whether code is described, so that it can be sampled.
    sampling: bool,
}

/// What the parts of a session share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) registry: Arc<CodeRegistry>,
    pub(crate) modules: Arc<LoadedModules>,
    pub(crate) notes: Notes,
    probes: Probes,
    /// The engine, if its epochs make the samples rather than signals.
    pub(crate) by_epochs: Option<Engine>,
    /// Whether recordings are left without names and lines.
    pub(crate) keeps_raw: bool,
}

/// Makes a [`ProfileSession`].
#[derive(Debug)]
#[must_use]
pub struct SessionBuilder {
    config: Option<Config>,
    user_cache: bool,
    sampling: bool,
    sampled_by: EngineKind,
    debug_files: DebugFiles,
    keeps_raw: bool,
    /// Frames of a trap's backtrace while sampling.
    backtrace_frames: NonZeroUsize,
}

impl Default for SessionBuilder {
    fn default() -> Self {
        Self {
            config: None,
            user_cache: false,
            sampling: true,
            sampled_by: EngineKind::Signal,
            debug_files: DebugFiles::default(),
            keeps_raw: false,
            backtrace_frames: BACKTRACE_FRAMES,
        }
    }
}

impl SessionBuilder {
    /// Starts from this configuration rather than from wasmtime's default one.
    ///
    /// Code memory, address map, inlining and backtrace details are set over it. With
    /// `guest_debug` every store runs a copy of its own of the code, which shows as `[unknown code]`.
    pub fn config(mut self, config: Config) -> Self {
        self.config = Some(config);
        self
    }

    /// Keeps compiled code in the user's cache folder. A folder that cannot be used is noted in recordings.
    pub fn user_cache(mut self, enable: bool) -> Self {
        self.user_cache = enable;
        self
    }

    /// Leaves out everything that only sampling needs. [`ProfileSession::record`] then finds only `[unknown code]`.
    pub fn sampling(mut self, enable: bool) -> Self {
        self.sampling = enable;
        self
    }

    /// Chooses what takes the samples of this session; signals do otherwise.
    ///
    /// [`EngineKind::Epoch`] needs no signal and no timer of the kernel's. It compiles checks into guests, takes the epoch
    /// callback and deadline of every store that is attached, and advances the engine's epoch while it records.
    pub fn sampled_by(mut self, engine: EngineKind) -> Self {
        self.sampled_by = engine;
        self
    }

    /// Looks for debug information that modules do not carry in these places, when a recording is made.
    pub fn debug_files(mut self, files: DebugFiles) -> Self {
        self.debug_files = files;
        self
    }

    /// Leaves recordings without names and lines, which costs nothing here; `wasmscope report --symbols` looks them up
    /// elsewhere.
    pub fn keep_raw(mut self, raw: bool) -> Self {
        self.keeps_raw = raw;
        self
    }

    /// Collects so many frames of a trap's backtrace, innermost first.
    #[cfg(feature = "cli")]
    pub(crate) fn backtrace_frames(mut self, frames: NonZeroUsize) -> Self {
        self.backtrace_frames = frames;
        if let Some(config) = &mut self.config {
            config.wasm_backtrace_max_frames(Some(frames));
        }
        self
    }

    /// Makes the session.
    ///
    /// # Errors
    ///
    /// When wasmtime does not take the configuration.
    pub fn build(self) -> Result<ProfileSession, Error> {
        let (registry, notes) = (CodeRegistry::new(), Notes::default());
        let modules = Arc::new(LoadedModules::new(self.debug_files));
        let mut config = self.config.unwrap_or_default();
        config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
        if self.sampling {
            config.generate_address_map(true);
            config.compiler_inlining(Inlining::No);
            config.wasm_backtrace_max_frames(Some(self.backtrace_frames));
            if self.sampled_by == EngineKind::Epoch {
                config.epoch_interruption(true);
            }
        }
        if self.sampling
            && let Some(memory) = SampledCodeMemory::new(registry.clone(), modules.clone())
        {
            config.with_custom_code_memory(Some(Arc::new(memory)));
        }
        if self.user_cache {
            match open_user_cache() {
                Ok(cache) => drop(config.cache(Some(cache))),
                Err(reason) => notes.add(format!("compiled code is not kept between runs: {reason}")),
            }
        }
        let engine = Engine::new(&config).map_err(|error| Error::engine(&error))?;
        let probes = Probes::default();
        if self.sampling
            && let Err(reason) = probes.of_engine(&engine)
        {
            notes.add(without_host_route(&reason));
        }
        let by_epochs = (self.sampling && self.sampled_by == EngineKind::Epoch).then(|| engine.clone());
        let shared = Arc::new(Shared { registry, modules, notes, probes, by_epochs, keeps_raw: self.keeps_raw });
        Ok(ProfileSession { engine, shared, explicit: Mutex::default(), sampling: self.sampling })
    }
}

impl ProfileSession {
    /// Starts making a session.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// Returns the engine. Modules compiled with it by other means than [`ProfileSession::load`] are sampled too, and
    /// show as `[unknown code]`.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Compiles a core module, or takes it from the cache, and describes it to the sampler.
    ///
    /// # Errors
    ///
    /// When the module is not valid, uses a feature that the engine has off, or is something else than a core module in
    /// WebAssembly.
    pub fn load(&self, guest: &Guest) -> Result<Module, Error> {
        if guest.kind() != GuestKind::Module {
            return Err(Error::wrong_kind(guest, "a core module"));
        }
        let module = Module::new(&self.engine, &**guest.bytes());
        let module = module.map_err(|error| Error::invalid(guest.path(), &format!("{error:#}")))?;
        self.keep_described(CompiledGuest::Module(module.clone()), guest);
        Ok(module)
    }

    /// Compiles a component, or takes it from the cache, and describes it to the sampler.
    ///
    /// # Errors
    ///
    /// As [`ProfileSession::load`].
    pub fn load_component(&self, guest: &Guest) -> Result<Component, Error> {
        if guest.kind() != GuestKind::Component {
            return Err(Error::wrong_kind(guest, "a component"));
        }
        let component = Component::new(&self.engine, &**guest.bytes());
        let component = component.map_err(|error| Error::invalid(guest.path(), &format!("{error:#}")))?;
        self.keep_described(CompiledGuest::Component(component.clone()), guest);
        Ok(component)
    }

    /// Describes code of this engine, and keeps it described where the code memory cannot.
    pub(crate) fn keep_described(&self, compiled: CompiledGuest, guest: &Guest) {
        if !self.sampling {
            return;
        }
        let published = self.describe(&compiled, guest);
        if !published && compiled.size().get() > 0 {
            let guard = DescribedCode::new(self.shared.clone(), published, compiled);
            self.explicit.lock().unwrap_or_else(PoisonError::into_inner).push(guard);
        }
    }

    /// Makes a module of another engine known to the sampler: the way in for services whose engine was made elsewhere.
    ///
    /// `guest` must hold the bytes that the module was compiled from. Attach the stores with
    /// [`ProfileSession::attach`].
    ///
    /// # Errors
    ///
    /// When the module was not compiled from these bytes, as far as that shows.
    pub fn describe_module(&self, module: &Module, guest: &Guest) -> Result<DescribedCode, Error> {
        self.describe_foreign(CompiledGuest::Module(module.clone()), guest)
    }

    /// As [`ProfileSession::describe_module`], for a component.
    ///
    /// # Errors
    ///
    /// As [`ProfileSession::describe_module`].
    pub fn describe_component(&self, component: &Component, guest: &Guest) -> Result<DescribedCode, Error> {
        self.describe_foreign(CompiledGuest::Component(component.clone()), guest)
    }

    fn describe_foreign(&self, compiled: CompiledGuest, guest: &Guest) -> Result<DescribedCode, Error> {
        check_same(&compiled, guest)?;
        let published = self.describe(&compiled, guest);
        Ok(DescribedCode::new(self.shared.clone(), published, compiled))
    }

    /// Describes code; tells whether the code memory had published it.
    fn describe(&self, compiled: &CompiledGuest, guest: &Guest) -> bool {
        let (start, size) = (compiled.start(), compiled.size());
        let (code, kept) = compiled.describe(guest);
        let code = Arc::new(code);
        self.shared.modules.load(start, kept);
        let published = self.shared.registry.describe(start, code.clone());
        if !published && size.get() > 0 {
            self.shared.registry.publish(start, size);
            self.shared.registry.describe(start, code);
        }
        note_what_is_missing(&self.shared, guest);
        published
    }

    /// Makes a store whose guests are sampled.
    ///
    /// For async calls see [`ProfileSession::attach`].
    pub fn new_store<T: 'static>(&self, data: T) -> Store<T> {
        let mut store = Store::new(&self.engine, data);
        self.attach(&mut store);
        store
    }

    /// Makes the guests of a store sampled. It takes the store's call hook, and puts one tiny instance into the store; a
    /// host with a call hook of its own uses [`ProfileSession::attach_with_hook`].
    ///
    /// A guest that runs to its end on the thread that called it needs no more. An async one may be suspended and go on
    /// on another thread: poll its futures inside [`AttachedStore::sampled`], or the stacks of resumed guests end in
    /// `[outer part unknown]`.
    pub fn attach<T: 'static>(&self, store: &mut Store<T>) -> AttachedStore {
        self.attach_with_hook(store, |_, _| Ok(()))
    }

    /// As [`ProfileSession::attach`], and calls the host's own hook at each of its moments, as
    /// [`Store::call_hook`] would.
    pub fn attach_with_hook<T: 'static>(
        &self,
        store: &mut Store<T>,
        hook: impl FnMut(StoreContextMut<'_, T>, CallHook) -> wasmtime::Result<()> + Send + Sync + 'static,
    ) -> AttachedStore {
        let words = self.shared.probes.words_of(store);
        if let Err(reason) = &words {
            self.shared.notes.add(without_host_route(reason));
        }
        let attached = AttachedStore::new(attach(store, words.ok(), hook));
        if self.shared.by_epochs.is_some() {
            let of_callback = attached.clone();
            store.set_epoch_deadline(1);
            store.epoch_deadline_callback(move |_| Ok(of_callback.epoch_reached()));
        }
        attached
    }

    /// Attaches a store if this session samples.
    #[cfg(feature = "cli")]
    pub(crate) fn attach_if_sampling<T: 'static>(&self, store: &mut Store<T>) -> Option<AttachedStore> {
        self.sampling.then(|| self.attach(store))
    }

    /// As [`ProfileSession::attach_if_sampling`], with a hook.
    #[cfg(feature = "cli")]
    pub(crate) fn attach_with_hook_if_sampling<T: 'static>(
        &self,
        store: &mut Store<T>,
        hook: impl FnMut(StoreContextMut<'_, T>, CallHook) -> wasmtime::Result<()> + Send + Sync + 'static,
    ) -> Option<AttachedStore> {
        self.sampling.then(|| self.attach_with_hook(store, hook))
    }

    /// Starts sampling every thread of this process that runs a guest in a store that a session has made or attached.
    ///
    /// Guests of other sessions are sampled too; this one does not know their code, and shows it as `[unknown code]`.
    ///
    /// # Errors
    ///
    /// When SIGPROF is taken, when another sampler of this process runs, and when no timer works here.
    pub fn record(&self, config: SamplerConfig) -> Result<Recorder, Error> {
        calibrate(self.engine());
        Recorder::start(self.shared.clone(), config)
    }

    /// Lists the modules that are loaded.
    pub fn modules(&self) -> Vec<LoadedModule> {
        self.shared.modules.list()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

/// Compares what compiled code tells of itself with the bytes that are said to be its source.
fn check_same(compiled: &CompiledGuest, guest: &Guest) -> Result<(), Error> {
    let given: usize = guest.modules().iter().map(ModuleImage::defined_functions).sum();
    let is_component = matches!(compiled, CompiledGuest::Component(_));
    let count = compiled.function_count();
    // wasmtime adds functions of its own that join the modules of a component.
    let same_count = if is_component { count >= given } else { count == given };
    if guest.is_component() == is_component && (same_count || guest.is_precompiled()) {
        return Ok(());
    }
    let reason = match guest.is_component() == is_component {
        true => format!("it has {count} functions, and the bytes have {given}"),
        false => "one is a component, and the other a core module".to_owned(),
    };
    Err(Error::Mismatch { guest: sanitized(guest.path()).into_owned(), reason })
}

fn without_host_route(reason: &str) -> String {
    format!("time in host calls has no guest stack: {reason}")
}

/// Returns where a module's machine code begins.
#[cfg(feature = "cli")]
pub(crate) fn start_of(module: &Module) -> wasmscope_model::NativeAddress {
    CompiledGuest::Module(module.clone()).start()
}
