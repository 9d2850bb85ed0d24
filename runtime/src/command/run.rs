//! What a guest is given, and the way from there to a guest that is ready.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use wasmtime::component::Component;
use wasmtime::{Config, Module, ProfilingStrategy, Store};
use wasmtime_cli_flags::CommonOptions;

use super::host::Host;
use super::linking::GuestLinker;
use super::{core_module, linking, missing_import, option_table, ready::ReadyGuest, wasi};
use crate::compiled::CompiledGuest;
use crate::internals::deserialized;
use crate::{Error, Guest, GuestKind, ProfileSession, SessionBuilder};

/// Frames of a trap's backtrace, unless an option says otherwise: those of a stack of the usual size, however small the
/// frames are.
const WHOLE_BACKTRACE: NonZeroUsize = NonZeroUsize::new(1 << 16).expect("it is not zero");

/// A profile for the tools of the system, in wasmtime's meaning of `--profile`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NativeProfile {
    /// A map of function names for `perf`.
    PerfMap,
    /// A dump of the machine code for `perf inject`.
    JitDump,
}

/// What a guest is given.
#[derive(Clone)]
pub struct GuestRun {
    /// Arguments after the guest's own name.
    pub args: Vec<String>,
    /// The guest's own name, in place of that of its file.
    pub argv0: Option<String>,
    /// Environment variables; those without a value are inherited.
    pub env: Vec<(String, Option<String>)>,
    /// Directories of the host, with the names under which the guest sees them.
    pub dirs: Vec<(PathBuf, String)>,
    /// What to call instead of the guest's beginning: a function of a module, with `args` as its arguments, or a call in
    /// WAVE's notation for a component.
    pub invoke: Option<String>,
    /// Modules to instantiate before the guest, with the names under which it imports them.
    pub preload: Vec<(String, PathBuf)>,
    /// Whether machine code may be loaded. It is trusted with everything that this process may do.
    pub allow_precompiled: bool,
    /// Also write a profile for the tools of the system.
    pub native_profile: Option<NativeProfile>,
    /// wasmtime's own options, as its command line has them.
    pub wasmtime: CommonOptions,
}

impl Default for GuestRun {
    fn default() -> Self {
        Self {
            args: Vec::new(),
            argv0: None,
            env: Vec::new(),
            dirs: Vec::new(),
            invoke: None,
            preload: Vec::new(),
            allow_precompiled: false,
            native_profile: None,
            wasmtime: CommonOptions::new(),
        }
    }
}

impl std::fmt::Debug for GuestRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuestRun")
            .field("args", &self.args)
            .field("dirs", &self.dirs)
            .field("invoke", &self.invoke)
            .field("preload", &self.preload)
            .field("wasmtime", &self.wasmtime.to_string())
            .finish_non_exhaustive()
    }
}

impl GuestRun {
    /// Begins a session whose engine is configured by wasmtime's options, for sampling or for a plain run.
    ///
    /// # Errors
    ///
    /// When an option is refused, by wasmtime or by us (see [`crate::OPTIONS`]), or does not fit the others.
    pub fn session(&mut self, sampling: bool) -> Result<SessionBuilder, Error> {
        self.session_with_pooling(sampling, None)
    }

    /// As [`GuestRun::session`], for a service: instances come from a pool, unless an option says otherwise.
    ///
    /// # Errors
    ///
    /// As [`GuestRun::session`].
    pub fn service_session(&mut self, sampling: bool) -> Result<SessionBuilder, Error> {
        self.session_with_pooling(sampling, Some(true))
    }

    fn session_with_pooling(&mut self, sampling: bool, by_default: Option<bool>) -> Result<SessionBuilder, Error> {
        // Options are parsed here, so that it may fail over one for which there is a better reason.
        let config = self.wasmtime.config(by_default);
        option_table::check(&self.wasmtime, sampling)?;
        let mut config = config.map_err(|error| Error::engine(&error))?;
        if self.wasmtime.wasm.timeout.is_some() {
            config.epoch_interruption(true);
        }
        self.add_native_profile(&mut config);
        // Without a file of its own the cache is ours, which the tool turns on.
        let own_cache = self.wasmtime.codegen.cache.is_some() || self.wasmtime.codegen.cache_config.is_some();
        let builder = ProfileSession::builder().config(config).user_cache(!own_cache).sampling(sampling);
        Ok(match self.wasmtime.debug.max_backtrace {
            None => builder.backtrace_frames(WHOLE_BACKTRACE),
            Some(_) => builder,
        })
    }

    /// Returns how many frames of a trap's backtrace wasmtime collects.
    pub(crate) fn backtrace_frames(&self) -> usize {
        // wasmtime takes zero for a backtrace without details.
        self.wasmtime.debug.max_backtrace.filter(|frames| *frames > 0).unwrap_or(WHOLE_BACKTRACE.get())
    }

    fn add_native_profile(&self, config: &mut Config) {
        match self.native_profile {
            None => {}
            Some(NativeProfile::PerfMap) => drop(config.profiler(ProfilingStrategy::PerfMap)),
            Some(NativeProfile::JitDump) => drop(config.profiler(ProfilingStrategy::JitDump)),
        }
    }

    /// Compiles and links a guest, and checks everything that can be checked before it runs.
    ///
    /// # Errors
    ///
    /// When wasmtime refuses the guest, an import is missing, a directory cannot be opened, or the function to call is
    /// missing or takes other arguments.
    pub fn prepare(self, session: &ProfileSession, guest: &Guest) -> Result<ReadyGuest, Error> {
        if guest.is_component() && !self.preload.is_empty() {
            return Err(Error::Options(
                "--preload: the guest is a component, and cannot import from core modules".to_owned(),
            ));
        }
        if self.wasmtime.debug.coredump.as_deref().is_some_and(|path| path.contains('%')) {
            return Err(Error::Options("-D coredump: the path does not support patterns yet".to_owned()));
        }
        let compiled = self.compile(session, guest)?;
        let mut preloaded = Vec::new();
        for (name, path) in &self.preload {
            let module = Guest::read(path)?;
            if module.is_component() {
                return Err(Error::wrong_kind(&module, "a core module"));
            }
            match self.compile(session, &module)? {
                CompiledGuest::Module(compiled) => preloaded.push((name.clone(), compiled, module)),
                CompiledGuest::Component(_) => return Err(Error::wrong_kind(&module, "a core module")),
            }
        }
        let mut store = Store::new(session.engine(), Host::new(&self.wasmtime));
        store.limiter(|host| &mut host.limits);
        if self.wasmtime.wasm.timeout.is_some() {
            session.shared().notes.add(
                "-W timeout compiles checks into every loop and function of the guest, for which other guests took 0 to 25 % \
                 more CPU time; --duration ends a recording without them",
            );
        }
        let attached = session.attach_if_sampling(&mut store);
        if let Some(fuel) = self.wasmtime.wasm.fuel {
            store.set_fuel(fuel).map_err(|error| Error::engine(&error))?;
        }
        wasi::give(&mut store, guest, &self)?;
        let mut linker = GuestLinker::new(session.engine(), &compiled);
        linking::offer(&mut linker, &mut store, &self.wasmtime)?;
        let mut entry = None;
        match (&compiled, &linker) {
            (CompiledGuest::Module(module), GuestLinker::Module(linker)) => {
                missing_import::check_module(guest, module, linker, &mut store, &self)?;
                entry = core_module::entry(guest, module, &self)?;
                // wasmtime instantiates such a module and is done; a recording of that would be empty.
                if entry.is_none() && attached.is_some() {
                    return Err(core_module::no_entry(guest, module, "_start"));
                }
            }
            (CompiledGuest::Component(component), GuestLinker::Component(linker)) => {
                let has_cli = linking::offers_cli(&self.wasmtime)?;
                missing_import::check_component(guest, component, linker, &self, has_cli)?;
            }
            _ => {}
        }
        let shared = session.shared().clone();
        Ok(ReadyGuest { run: self, guest: guest.clone(), compiled, preloaded, store, linker, entry, attached, shared })
    }

    /// Compiles a guest, or loads its machine code.
    pub(crate) fn compile(&self, session: &ProfileSession, guest: &Guest) -> Result<CompiledGuest, Error> {
        if guest.is_component() && self.wasmtime.wasm.component_model == Some(false) {
            return Err(Error::Options("-W component-model=n: the guest is a component".to_owned()));
        }
        if guest.is_precompiled() {
            if !self.allow_precompiled {
                return Err(Error::Precompiled(guest.path().to_owned()));
            }
            let compiled = deserialized(session.engine(), guest).map_err(|error| {
                Error::invalid(
                    guest.path(),
                    &format!("it was compiled by another wasmtime or for other options: {error:#}"),
                )
            })?;
            session.keep_described(compiled.clone(), guest);
            return Ok(compiled);
        }
        let invalid = |error: wasmtime::Error| Error::invalid(guest.path(), &format!("{error:#}"));
        let compiled = match guest.kind() {
            GuestKind::Component => {
                Component::new(session.engine(), &**guest.bytes()).map(CompiledGuest::Component).map_err(invalid)?
            }
            _ => Module::new(session.engine(), &**guest.bytes()).map(CompiledGuest::Module).map_err(invalid)?,
        };
        session.keep_described(compiled.clone(), guest);
        Ok(compiled)
    }
}
