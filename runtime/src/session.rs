//! An engine whose code the sampler knows.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use wasmscope_model::{ByteSize, LoadedModule, NativeAddress};
use wasmscope_profiler::export::sanitized;
use wasmscope_profiler::{CodeRegistry, SamplerConfig};
use wasmtime::{Config, Engine, Inlining, Module, Store, WasmBacktraceDetails};

use crate::compile_cache::open_user_cache;
use crate::compiled::compiled_code;
use crate::internals::{Probes, SampledCodeMemory, attach};
use crate::loaded_modules::LoadedModules;
use crate::notes::Notes;
use crate::{DescribedModule, Error, Guest, Recorder};

/// Frames of a trap's backtrace that wasmtime collects, innermost first.
pub(crate) const MAX_BACKTRACE_FRAMES: NonZeroUsize = NonZeroUsize::new(256).expect("it is not zero");

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
    explicit: Mutex<Vec<DescribedModule>>,
}

/// What the parts of a session share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) registry: Arc<CodeRegistry>,
    pub(crate) modules: Arc<LoadedModules>,
    pub(crate) notes: Notes,
    probes: Probes,
}

/// Makes a [`ProfileSession`].
#[derive(Debug, Default)]
#[must_use]
pub struct SessionBuilder {
    config: Option<Config>,
    user_cache: bool,
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

    /// Makes the session.
    ///
    /// # Errors
    ///
    /// When wasmtime does not take the configuration.
    pub fn build(self) -> Result<ProfileSession, Error> {
        let (registry, modules, notes) = (CodeRegistry::new(), Arc::<LoadedModules>::default(), Notes::default());
        let mut config = self.config.unwrap_or_default();
        config.generate_address_map(true);
        config.compiler_inlining(Inlining::No);
        config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
        config.wasm_backtrace_max_frames(Some(MAX_BACKTRACE_FRAMES));
        if let Some(memory) = SampledCodeMemory::new(registry.clone(), modules.clone()) {
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
        if let Err(reason) = probes.of_engine(&engine) {
            notes.add(without_host_route(&reason));
        }
        let shared = Arc::new(Shared { registry, modules, notes, probes });
        Ok(ProfileSession { engine, shared, explicit: Mutex::default() })
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

    /// Compiles a guest, or takes it from the cache, and describes it to the sampler.
    ///
    /// # Errors
    ///
    /// When the module is not valid, or uses a feature that wasmtime has off by default.
    pub fn load(&self, guest: &Guest) -> Result<Module, Error> {
        let module = Module::new(&self.engine, &**guest.image().bytes())
            .map_err(|error| Error::invalid(guest.path(), &format!("{error:#}")))?;
        let (start, published) = self.describe(&module, guest);
        if !published && !module.text().is_empty() {
            let guard = DescribedModule::new(self.shared.clone(), start, published, module.clone());
            self.explicit.lock().unwrap_or_else(PoisonError::into_inner).push(guard);
        }
        Ok(module)
    }

    /// Makes a module of another engine known to the sampler: the way in for services whose engine was made elsewhere.
    ///
    /// `guest` must hold the bytes that the module was compiled from. Attach the stores with
    /// [`ProfileSession::attach`].
    ///
    /// # Errors
    ///
    /// When the module was not compiled from these bytes, as far as that shows.
    pub fn describe_module(&self, module: &Module, guest: &Guest) -> Result<DescribedModule, Error> {
        check_same(module, guest)?;
        let (start, published) = self.describe(module, guest);
        Ok(DescribedModule::new(self.shared.clone(), start, published, module.clone()))
    }

    /// Describes a module; tells where its code begins and whether the code memory had published it.
    fn describe(&self, module: &Module, guest: &Guest) -> (NativeAddress, bool) {
        let text = module.text();
        let (start, size) = (start_of(module), ByteSize::new(text.len() as u64));
        let described = guest.image().to_model_module(guest.name());
        let code = Arc::new(compiled_code(module, described.clone()));
        self.shared.modules.load(start, size, described, guest.image().clone());
        let published = self.shared.registry.describe(start, code.clone());
        if !published && !text.is_empty() {
            self.shared.registry.publish(start, size);
            self.shared.registry.describe(start, code);
        }
        self.note_what_is_missing(guest);
        (start, published)
    }

    fn note_what_is_missing(&self, guest: &Guest) {
        let (image, name) = (guest.image(), sanitized(guest.name()));
        if !image.has_dwarf() {
            let instead = if image.source_map().is_some() { " (its source map is not read)" } else { "" };
            let names = if image.has_names() { "" } else { " and no function names" };
            self.shared.notes.add(format!(
                "{name} has no debug information{names}, so there are no source lines{instead}; build it with -g"
            ));
        }
        if image.producers().iter().any(|producer| producer.contains("Go cmd/compile")) {
            self.shared.notes.add(format!(
                "{name} was compiled by Go: goroutines that do not run keep their stacks in linear memory, so a stack \
                 shows the one that runs, up to Go's scheduler"
            ));
        }
    }

    /// Makes a store whose guests are sampled.
    pub fn new_store<T: 'static>(&self, data: T) -> Store<T> {
        let mut store = Store::new(&self.engine, data);
        self.attach(&mut store);
        store
    }

    /// Makes the guests of a store sampled. It takes the store's call hook, and puts one tiny instance into the store.
    ///
    /// It is for stores whose guests run to their end on the thread that called them. An async call that is suspended and
    /// goes on on another thread would be sampled with an unknown outer part.
    pub fn attach<T: 'static>(&self, store: &mut Store<T>) {
        let words = self.shared.probes.words_of(store);
        if let Err(reason) = &words {
            self.shared.notes.add(without_host_route(reason));
        }
        attach(store, words.ok());
    }

    /// Starts sampling every thread of this process that runs a guest in a store that a session has made or attached.
    ///
    /// Guests of other sessions are sampled too; this one does not know their code, and shows it as `[unknown code]`.
    ///
    /// # Errors
    ///
    /// When SIGPROF is taken, when another sampler of this process runs, and when no timer works here.
    pub fn record(&self, config: SamplerConfig) -> Result<Recorder, Error> {
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

/// Compares what a compiled module tells of itself with the bytes that are said to be its source.
fn check_same(module: &Module, guest: &Guest) -> Result<(), Error> {
    let (compiled, given) = (module.functions().len(), guest.image().defined_functions());
    if compiled == given {
        return Ok(());
    }
    let reason = format!("it has {compiled} functions, and the bytes have {given}");
    Err(Error::Mismatch { guest: sanitized(guest.path()).into_owned(), reason })
}

fn without_host_route(reason: &str) -> String {
    format!("time in host calls has no guest stack: {reason}")
}

/// Returns where a module's machine code begins.
pub(crate) fn start_of(module: &Module) -> NativeAddress {
    NativeAddress::new(module.text().as_ptr().addr() as u64)
}
