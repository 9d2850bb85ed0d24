//! Running a WASI preview1 command, or one function of a reactor.

use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::{Cache, CacheConfig, Config, Engine, ExternType, Func, Linker, Module, Store, Trap};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{DirPerms, FilePerms, I32Exit, WasiCtxBuilder};

use crate::error::reason_of;
use crate::{Error, Guest, Observer, TrapReport, WatchedStore, invoke};

/// What a guest is given.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Arguments after the guest's own name.
    pub arguments: Vec<String>,
    /// Environment variables.
    pub environment: Vec<(String, String)>,
    /// Folders of the host with the names under which the guest sees them.
    pub directories: Vec<(PathBuf, String)>,
    /// The function to call instead of `_start`.
    pub invoke: Option<String>,
    /// Where compiled code is kept between runs; `None` compiles anew.
    pub cache: Option<PathBuf>,
}

/// How a guest ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It returned; an invoked function's results are given as text.
    Returned(Vec<String>),
    /// It called `proc_exit`.
    Exited(i32),
    /// It trapped.
    Trapped(TrapReport),
    /// The host failed it.
    Failed(TrapReport),
}

impl Outcome {
    /// Returns the exit code that `wasmtime run` has for this outcome.
    pub fn exit_code(&self) -> i32 {
        match self {
            Outcome::Returned(_) => 0,
            Outcome::Exited(code) => *code,
            // As a process that aborted: 128 and the number of SIGABRT.
            Outcome::Trapped(_) => 134,
            Outcome::Failed(_) => 1,
        }
    }
}

/// A guest that is compiled and linked, ready to run.
pub struct GuestRun {
    store: WatchedStore<WasiP1Ctx>,
    linker: Linker<WasiP1Ctx>,
    module: Module,
    guest: Guest,
    options: RunOptions,
    observer: Arc<Observer>,
    cache_failure: Option<String>,
}

impl std::fmt::Debug for GuestRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuestRun").field("guest", &self.guest.path()).finish_non_exhaustive()
    }
}

impl GuestRun {
    /// Compiles and links a guest.
    ///
    /// # Errors
    ///
    /// When wasmtime refuses the module, an import is missing, a folder cannot be opened, or there is no function to
    /// begin with.
    pub fn prepare(guest: Guest, options: RunOptions, observer: &Arc<Observer>) -> Result<Self, Error> {
        let engine_failed = |error: wasmtime::Error| Error::Engine { reason: reason_of(&error) };
        let (config, cache_failure) = config(observer, &options);
        let engine = Engine::new(&config).map_err(engine_failed)?;
        let module = Module::new(&engine, guest.image().bytes())
            .map_err(|error| Error::Compile { name: guest.name(), reason: reason_of(&error) })?;
        observer.describe(&guest.name(), &module, guest.image().bytes().clone())?;
        let mut linker = Linker::new(&engine);
        p1::add_to_linker_sync(&mut linker, |context| context).map_err(engine_failed)?;
        let mut store = observer.watch(Store::new(&engine, wasi(&guest, &options)?))?;
        check_imports(&guest, &module, &linker, &mut store)?;
        check_entry(&guest, &module, &options)?;
        Ok(Self { store, linker, module, guest, options, observer: observer.clone(), cache_failure })
    }

    /// Tells why compiled code is not kept, if it was asked for and cannot be.
    pub fn cache_failure(&self) -> Option<&str> {
        self.cache_failure.as_deref()
    }

    /// Runs the guest to its end.
    ///
    /// # Errors
    ///
    /// When the arguments do not fit the function that is invoked. What the guest does is no error of ours; it is the
    /// [`Outcome`].
    pub fn run(mut self) -> Result<Outcome, Error> {
        match self.call() {
            Ok(Ok(results)) => Ok(Outcome::Returned(results)),
            Ok(Err(error)) => Ok(self.outcome_of(&error)),
            Err(error) => Err(error),
        }
    }

    fn call(&mut self) -> Result<wasmtime::Result<Vec<String>>, Error> {
        let instance = match self.linker.instantiate(&mut *self.store, &self.module) {
            Ok(instance) => instance,
            Err(error) => return Ok(Err(error)),
        };
        if let Some(initialize) = instance.get_func(&mut *self.store, "_initialize")
            && let Err(error) = invoke::call(&mut *self.store, &initialize, &[])
        {
            return Ok(Err(error));
        }
        let name = self.options.invoke.clone().unwrap_or_else(|| "_start".to_owned());
        let Some(func): Option<Func> = instance.get_func(&mut *self.store, &name) else {
            return Err(no_entry(&self.guest, &self.module, &name));
        };
        let arguments = match self.options.invoke {
            Some(_) => invoke::parse_arguments(&*self.store, &func, &name, &self.options.arguments)?,
            None => Vec::new(),
        };
        Ok(invoke::call(&mut *self.store, &func, &arguments))
    }

    fn outcome_of(&self, error: &wasmtime::Error) -> Outcome {
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return Outcome::Exited(exit.0);
        }
        let image = self.guest.image();
        let mut symbolizer = self.observer.symbolizer();
        let report = TrapReport::new(error, image.identity(), image.code_section_start().get(), &mut symbolizer);
        if error.is::<Trap>() { Outcome::Trapped(report) } else { Outcome::Failed(report) }
    }
}

/// As `wasmtime run` configures itself for a core module, plus what the observer needs.
fn config(observer: &Observer, options: &RunOptions) -> (Config, Option<String>) {
    let mut config = Config::new();
    observer.configure(&mut config);
    let cache = options.cache.as_ref().map(|folder| Cache::new(CacheConfig::new().with_directory(folder).clone()));
    match cache {
        None => (config, None),
        Some(Ok(cache)) => {
            config.cache(Some(cache));
            (config, None)
        }
        Some(Err(error)) => (config, Some(reason_of(&error))),
    }
}

fn wasi(guest: &Guest, options: &RunOptions) -> Result<WasiP1Ctx, Error> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.inherit_stdio().arg(guest.name());
    if options.invoke.is_none() {
        wasi.args(&options.arguments);
    }
    for (name, value) in &options.environment {
        wasi.env(name, value);
    }
    for (host, name) in &options.directories {
        wasi.preopened_dir(host, name, DirPerms::all(), FilePerms::all())
            .map_err(|error| Error::Directory { path: host.clone(), reason: reason_of(&error) })?;
    }
    Ok(wasi.build_p1())
}

fn check_imports(
    guest: &Guest,
    module: &Module,
    linker: &Linker<WasiP1Ctx>,
    store: &mut Store<WasiP1Ctx>,
) -> Result<(), Error> {
    for import in module.imports() {
        if linker.get(&mut *store, import.module(), import.name()).is_some() {
            continue;
        }
        return Err(Error::MissingImport {
            name: guest.name(),
            kind: kind_of(&import.ty()),
            import: format!("{}.{}", import.module(), import.name()),
            hint: hint_for(import.module()),
        });
    }
    Ok(())
}

fn kind_of(ty: &ExternType) -> &'static str {
    match ty {
        ExternType::Func(_) => "function",
        ExternType::Global(_) => "global",
        ExternType::Table(_) => "table",
        ExternType::Memory(_) => "memory",
        ExternType::Tag(_) => "tag",
    }
}

fn hint_for(module: &str) -> &'static str {
    match module {
        "wasi_snapshot_preview1" => "it is not part of WASI preview1 as wasmtime has it",
        "wasi_unstable" => "it was built for a WASI older than preview1; rebuild it with a current toolchain",
        "gojs" | "go" => "it was built for JavaScript hosts; build with GOOS=wasip1",
        "wbg" | "__wbindgen_placeholder__" => "it was built for JavaScript hosts by wasm-bindgen",
        "env" => "the host of the guest must provide it, or emscripten's JavaScript; WASI commands import no env",
        name if name.starts_with("wasi:") => "it belongs to a component; only WASI preview1 is provided",
        _ => "only WASI preview1 is provided",
    }
}

fn check_entry(guest: &Guest, module: &Module, options: &RunOptions) -> Result<(), Error> {
    let wanted = options.invoke.as_deref().unwrap_or("_start");
    match module.get_export(wanted) {
        Some(ExternType::Func(_)) => Ok(()),
        _ => Err(no_entry(guest, module, wanted)),
    }
}

fn no_entry(guest: &Guest, module: &Module, wanted: &str) -> Error {
    let functions = module.exports().filter(|export| matches!(export.ty(), ExternType::Func(_)));
    let names: Vec<String> = functions.map(|export| export.name().to_owned()).take(12).collect();
    let hint = match names.is_empty() {
        true => "it exports no function at all".to_owned(),
        false => format!("call another with --invoke NAME; it exports {}", names.join(", ")),
    };
    Error::NoEntry { name: guest.name(), wanted: wanted.to_owned(), hint }
}
