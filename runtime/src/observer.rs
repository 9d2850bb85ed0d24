//! What ties engines, stores, the sampler and the symbolizer together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmscope_model::{ByteSize, CodeIdentity, LoadedModule, NativeAddress, Recording};
use wasmscope_profiler::{CodeRegistry, RawRecording, RunningSampler, Sampler, SamplerConfig};
use wasmscope_symbolizer::{ModuleImage, Symbolizer};
use wasmtime::{Config, Engine, Module, Store};

use crate::compiled::{compiled_code, text_of};
use crate::error::reason_of;
use crate::internals::{ReportingCodeMemory, anchor_module, host_route_failure, store_context};
use crate::{Error, WatchedStore};

/// Knows the guest code of a process, and samples the threads that run it.
#[derive(Debug)]
pub struct Observer {
    registry: Arc<CodeRegistry>,
    images: Mutex<Vec<ModuleImage>>,
    /// The anchor module of each engine whose stores are watched.
    anchors: Mutex<Vec<(Engine, Module)>>,
    next_store: AtomicU64,
}

/// A module registered by hand; dropping it ends the registration. Drop it before the module.
#[derive(Debug)]
#[must_use = "the registration ends when this is dropped"]
pub struct Registration {
    registry: Arc<CodeRegistry>,
    start: NativeAddress,
    // Keeps the code in place for as long as it is registered.
    _module: Module,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.retire(self.start);
    }
}

impl Observer {
    /// Makes an observer that knows no code.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            registry: CodeRegistry::new(),
            images: Mutex::default(),
            anchors: Mutex::default(),
            next_store: AtomicU64::new(1),
        })
    }

    /// Makes the engine report where its machine code lies.
    ///
    /// It takes the place of any other custom code memory of the configuration.
    pub fn configure(&self, config: &mut Config) {
        let code_memory = ReportingCodeMemory::new(self.registry.clone());
        config.with_custom_code_memory(Some(Arc::new(code_memory)));
    }

    /// Tells what a module of a configured engine was compiled from. Call it before the module is instantiated.
    ///
    /// # Errors
    ///
    /// When the bytes are not a core module, or the engine was not configured by this observer.
    pub fn describe(&self, name: &str, module: &Module, bytes: Arc<[u8]>) -> Result<CodeIdentity, Error> {
        let (start, _) = text_of(module);
        self.describe_at(name, module, bytes, start)
    }

    /// Registers a module of an engine that was not configured by this observer.
    ///
    /// # Errors
    ///
    /// When the bytes are not a core module.
    pub fn register(&self, name: &str, module: &Module, bytes: Arc<[u8]>) -> Result<Registration, Error> {
        let (start, size) = text_of(module);
        self.registry.publish(start, size);
        let registration = Registration { registry: self.registry.clone(), start, _module: module.clone() };
        self.describe_at(name, module, bytes, start)?;
        Ok(registration)
    }

    fn describe_at(
        &self,
        name: &str,
        module: &Module,
        bytes: Arc<[u8]>,
        start: NativeAddress,
    ) -> Result<CodeIdentity, Error> {
        let image = ModuleImage::parse(bytes)
            .map_err(|error| Error::NotAModule { path: name.into(), reason: error.to_string() })?;
        let identity = image.identity();
        let code = compiled_code(module, image.to_model_module(name));
        if !self.registry.describe(start, Arc::new(code)) {
            return Err(Error::NotPublished { name: name.to_owned() });
        }
        let images = &mut *lock(&self.images);
        if !images.iter().any(|known| known.identity() == identity) {
            images.push(image);
        }
        Ok(identity)
    }

    /// Wraps a store, so that samples know when its guest is entered and left.
    ///
    /// It takes the place of any call hook that the store has. When wasmtime's internals are not as expected, host calls
    /// show as `[host]` without the guest that made them, and [`Observer::notes`] says so.
    ///
    /// # Errors
    ///
    /// When the store cannot hold one more instance, which is needed to find its words.
    pub fn watch<T: 'static>(&self, mut store: Store<T>) -> Result<WatchedStore<T>, Error> {
        let number = self.next_store.fetch_add(1, Ordering::Relaxed);
        let failed = |error: wasmtime::Error| Error::Engine { reason: reason_of(&error) };
        let context = match host_route_failure() {
            Some(_) => None,
            None => {
                let anchor = self.anchor(store.engine()).map_err(failed)?;
                store_context(&mut store, &anchor).map_err(failed)?
            }
        };
        Ok(WatchedStore::new(store, context, number))
    }

    fn anchor(&self, engine: &Engine) -> wasmtime::Result<Module> {
        let anchors = &mut *lock(&self.anchors);
        if let Some((_, anchor)) = anchors.iter().find(|(known, _)| Engine::same(known, engine)) {
            return Ok(anchor.clone());
        }
        let anchor = anchor_module(engine)?;
        anchors.push((engine.clone(), anchor.clone()));
        Ok(anchor)
    }

    /// Starts sampling every thread that runs a watched guest.
    ///
    /// # Errors
    ///
    /// As [`Sampler::start`].
    pub fn start(&self, config: SamplerConfig) -> Result<RunningSampler, wasmscope_profiler::Error> {
        Sampler::start(config, self.registry.clone())
    }

    /// Gives a recording its names and lines, from the modules that were described.
    pub fn symbolize(&self, raw: RawRecording) -> Recording {
        let mut recording = raw.symbolize(&mut self.symbolizer());
        if let Some(run) = &mut recording.run {
            run.notes.extend(self.notes());
        }
        recording
    }

    /// Returns a symbolizer that knows the modules that were described.
    pub fn symbolizer(&self) -> Symbolizer {
        let mut symbolizer = Symbolizer::new();
        lock(&self.images).iter().for_each(|image| symbolizer.add_module(image.clone()));
        symbolizer
    }

    /// Returns what the reader of a recording should know about this process and its guests.
    pub fn notes(&self) -> Vec<String> {
        let off = host_route_failure()
            .map(|reason| format!("guest stacks under host calls are unknown: wasmtime's internals differ ({reason})"));
        let go = lock(&self.images).iter().any(is_go).then(|| {
            "Go guest: goroutines that were parked keep their callers on Go's own stack, which is not the WebAssembly \
             stack; their samples show only the frames since they were resumed"
                .to_owned()
        });
        off.into_iter().chain(go).collect()
    }

    /// Lists the modules that are loaded and described.
    pub fn loaded_modules(&self) -> Vec<LoadedModule> {
        let loaded = self.registry.loaded().into_iter();
        let described = loaded.filter_map(|(_, size, code)| Some((size, code?)));
        let modules = described.flat_map(|(machine_code, code): (ByteSize, _)| {
            code.modules()
                .iter()
                .map(|module| LoadedModule { module: module.clone(), machine_code })
                .collect::<Vec<_>>()
        });
        modules.collect()
    }

    /// Returns the bytes of a module that was described.
    pub fn module_bytes(&self, identity: &CodeIdentity) -> Option<Arc<[u8]>> {
        lock(&self.images).iter().find(|image| image.identity() == *identity).map(|image| image.bytes().clone())
    }
}

fn is_go(image: &ModuleImage) -> bool {
    image.bodies().any(|(index, _)| image.name_of(index).is_some_and(|name| name == "_rt0_wasm_wasip1"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The lists are only ever appended to, so a panic elsewhere leaves them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
