//! Running a WASI preview 1 command, or one function of a module.

use std::path::PathBuf;
use std::sync::Arc;

use wasmscope_profiler::export::sanitized;
use wasmtime::{AsContextMut, ExternType, Func, FuncType, InstancePre, Module, Store, Trap, Val};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p1::WasiP1Ctx;

use crate::invocation::{arguments, printed};
use crate::session::Shared;
use crate::{Error, Guest, GuestEnd, ProfileSession, TrapReport, imports, wasi};

/// The function that a command begins with.
const START: &str = "_start";
/// The function that a reactor wants called before any other.
const INITIALIZE: &str = "_initialize";
/// Exports named when the wanted one is not there.
const MAX_EXPORTS_NAMED: usize = 12;

/// What a guest is given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GuestRun {
    /// Arguments after the guest's own name.
    pub args: Vec<String>,
    /// Environment variables; those without a value are inherited.
    pub env: Vec<(String, Option<String>)>,
    /// Directories of the host, with the names under which the guest sees them.
    pub dirs: Vec<(PathBuf, String)>,
    /// The function to call instead of `_start`, with `args` as its arguments.
    pub invoke: Option<String>,
}

/// A guest that is compiled and linked, and whose run cannot fail any more but by its own doing.
pub struct ReadyGuest {
    store: Store<WasiP1Ctx>,
    instance: InstancePre<WasiP1Ctx>,
    function: String,
    args: Vec<Val>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for ReadyGuest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadyGuest").field("function", &self.function).finish_non_exhaustive()
    }
}

impl GuestRun {
    /// Compiles and links a guest, and checks everything that can be checked before it runs.
    ///
    /// # Errors
    ///
    /// When wasmtime refuses the module, an import is missing, a directory cannot be opened, or the function to call is
    /// missing or takes other arguments.
    pub fn prepare(self, session: &ProfileSession, guest: &Guest) -> Result<ReadyGuest, Error> {
        let module = session.load(guest)?;
        let linker = wasi::linker(session.engine())?;
        let mut store = session.new_store(wasi::context(guest, &self)?);
        let instance = imports::linked(guest, &module, &linker, &mut store)?;
        let function = self.invoke.as_deref().unwrap_or(START);
        let ty = entry(guest, &module, function)?;
        let args = match self.invoke {
            Some(_) => arguments(function, &ty, &self.args)?,
            None => Vec::new(),
        };
        let (function, shared) = (function.to_owned(), session.shared().clone());
        Ok(ReadyGuest { store, instance, function, args, shared })
    }
}

impl ReadyGuest {
    /// Tells whether the function takes arguments from the command line, which wasmtime calls experimental.
    pub fn takes_arguments(&self) -> bool {
        !self.args.is_empty()
    }

    /// Runs the guest to its end.
    pub fn run(mut self) -> GuestEnd {
        match self.call() {
            Ok(values) => GuestEnd::Returned(values.iter().map(printed).collect()),
            Err(error) => self.end_by(&error),
        }
    }

    fn call(&mut self) -> wasmtime::Result<Vec<Val>> {
        let instance = self.instance.instantiate(&mut self.store)?;
        if self.function != INITIALIZE
            && let Some(initialize) = instance.get_func(&mut self.store, INITIALIZE)
        {
            call(&mut self.store, &initialize, &[])?;
        }
        // `entry` found it among the module's exports.
        let function = instance
            .get_func(&mut self.store, &self.function)
            .ok_or_else(|| wasmtime::format_err!("the function {} is gone", self.function))?;
        call(&mut self.store, &function, &self.args)
    }

    fn end_by(&self, error: &wasmtime::Error) -> GuestEnd {
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return GuestEnd::Exited(exit.0);
        }
        let report = TrapReport::new(error, &self.shared.modules);
        if error.is::<Trap>() { GuestEnd::Trapped(report) } else { GuestEnd::Failed(report) }
    }
}

fn call(mut store: impl AsContextMut, function: &Func, args: &[Val]) -> wasmtime::Result<Vec<Val>> {
    let mut results = vec![Val::I32(0); function.ty(&store).results().len()];
    function.call(&mut store, args, &mut results)?;
    Ok(results)
}

/// Finds the function to begin with among the exports.
fn entry(guest: &Guest, module: &Module, wanted: &str) -> Result<FuncType, Error> {
    if let Some(ExternType::Func(ty)) = module.get_export(wanted) {
        return Ok(ty);
    }
    let functions: Vec<_> = module
        .exports()
        .filter(|export| matches!(export.ty(), ExternType::Func(_)))
        .map(|export| sanitized(export.name()).into_owned())
        .collect();
    let hint = match functions.len() {
        0 => "it exports no function at all".to_owned(),
        count => {
            let named = functions[..count.min(MAX_EXPORTS_NAMED)].join(", ");
            let more = if count > MAX_EXPORTS_NAMED { ", …" } else { "" };
            format!("name one with --invoke: {named}{more}")
        }
    };
    let (guest, wanted) = (sanitized(guest.path()).into_owned(), sanitized(wanted).into_owned());
    Err(Error::NoEntry { guest, wanted, hint })
}
