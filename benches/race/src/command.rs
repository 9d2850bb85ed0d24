//! WASI commands, compiled for any engine.

use anyhow::{Result, anyhow};
use wasmscope::{Guest, ProfileSession};
use wasmtime::{Engine, Linker, Module, Store, TypedFunc};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};

/// Turns wasmtime's error, which is none of the standard library's, into one that carries its causes as text.
pub fn wrapped(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

/// A command that is compiled and linked.
pub struct Command {
    module: Module,
    linker: Linker<WasiP1Ctx>,
}

/// A command with a store of its own, about to run once.
pub struct ReadyCommand {
    pub store: Store<WasiP1Ctx>,
    start: TypedFunc<(), ()>,
    stdout: MemoryOutputPipe,
}

impl Command {
    /// Compiles a guest for an engine that knows nothing of wasmscope.
    pub fn compile(engine: &Engine, guest: &Guest) -> Result<Self> {
        let module = Module::new(engine, &**guest.bytes()).map_err(wrapped)?;
        Self::link(engine, module)
    }

    /// Compiles a guest for a session.
    pub fn load(session: &ProfileSession, guest: &Guest) -> Result<Self> {
        Self::link(session.engine(), session.load(guest)?)
    }

    fn link(engine: &Engine, module: Module) -> Result<Self> {
        let mut linker = Linker::new(engine);
        p1::add_to_linker_sync(&mut linker, |context| context).map_err(wrapped)?;
        Ok(Self { module, linker })
    }

    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Prepares one run in a store that `new_store` makes.
    pub fn prepare(
        &self,
        args: &[String],
        new_store: impl FnOnce(WasiP1Ctx) -> Store<WasiP1Ctx>,
    ) -> Result<ReadyCommand> {
        let stdout = MemoryOutputPipe::new(1 << 20);
        let mut context = WasiCtxBuilder::new();
        context.allow_blocking_current_thread(true).stdout(stdout.clone()).arg("guest").args(args);
        let mut store = new_store(context.build_p1());
        let instance = self.linker.instantiate(&mut store, &self.module).map_err(wrapped)?;
        let start = instance.get_typed_func(&mut store, "_start").map_err(wrapped)?;
        Ok(ReadyCommand { store, start, stdout })
    }
}

impl ReadyCommand {
    /// Runs the command to its end.
    pub fn call(&mut self) -> Result<()> {
        match self.start.call(&mut self.store, ()) {
            Ok(()) => Ok(()),
            Err(error) if error.downcast_ref::<I32Exit>().is_some_and(|exit| exit.0 == 0) => Ok(()),
            Err(error) => Err(anyhow!("the guest failed: {error:?}")),
        }
    }

    /// Returns what the command has printed.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&self.stdout.contents()).into_owned()
    }
}
