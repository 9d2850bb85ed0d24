//! Core modules: where they begin, and how they are called.

use wasmscope_profiler::export::sanitized;
use wasmtime::error::Context as _;
use wasmtime::{ExternType, Func, FuncType, Linker, Module, Store, Val};
use wasmtime_cli_flags::CommonOptions;

use super::host::Host;
use super::invocation::{arguments, printed};
use crate::{Error, Guest, GuestRun};

/// The functions that a command begins with; the first that is there is called.
const STARTS: [&str; 2] = ["", "_start"];
/// The function that a reactor wants called before any other.
const INITIALIZE: &str = "_initialize";
/// Exports named when the wanted one is not there.
const MAX_EXPORTS_NAMED: usize = 12;

/// The function to call, with its arguments.
pub(crate) struct Entry {
    function: String,
    pub(crate) args: Vec<Val>,
}

/// Finds the function to begin with. A module without any is instantiated, and that is all.
pub(crate) fn entry(guest: &Guest, module: &Module, run: &GuestRun) -> Result<Option<Entry>, Error> {
    let function_type = |name: &str| match module.get_export(name) {
        Some(ExternType::Func(ty)) => Some(ty),
        _ => None,
    };
    let (function, ty): (&str, FuncType) = match &run.invoke {
        Some(name) => (name, function_type(name).ok_or_else(|| no_entry(guest, module, name))?),
        None => match STARTS.iter().find_map(|name| Some((*name, function_type(name)?))) {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    let shown = run.invoke.as_deref().unwrap_or("command default");
    Ok(Some(Entry { function: function.to_owned(), args: arguments(shown, &ty, &run.args)? }))
}

/// Says what a module can be entered by instead.
pub(crate) fn no_entry(guest: &Guest, module: &Module, wanted: &str) -> Error {
    let functions: Vec<_> = module
        .exports()
        .filter(|export| matches!(export.ty(), ExternType::Func(_)))
        .map(|export| sanitized(export.name()).into_owned())
        .collect();
    let hint = match functions.len() {
        0 => "there is no other to call".to_owned(),
        count => {
            let named = functions[..count.min(MAX_EXPORTS_NAMED)].join(", ");
            let more = if count > MAX_EXPORTS_NAMED { ", …" } else { "" };
            format!("name one with --invoke: {named}{more}")
        }
    };
    let (guest, wanted) = (sanitized(guest.path()).into_owned(), sanitized(wanted).into_owned());
    Error::NoEntry { guest, wanted, hint }
}

/// Instantiates the modules, and calls the function; gives its results as wasmtime prints them.
pub(crate) async fn call(
    store: &mut Store<Host>,
    linker: &mut Linker<Host>,
    module: &Module,
    preloaded: &[(String, Module, Guest)],
    entry: Option<&Entry>,
    options: &CommonOptions,
) -> wasmtime::Result<Vec<String>> {
    for (name, preload, _) in preloaded {
        let linked = linker.module_async(&mut *store, name, preload).await;
        linked.with_context(|| format!("failed to process preload `{name}`"))?;
    }
    if options.wasm.unknown_imports_trap == Some(true) {
        linker.define_unknown_imports_as_traps(module)?;
    }
    if options.wasm.unknown_imports_default == Some(true) {
        linker.define_unknown_imports_as_default_values(&mut *store, module)?;
    }
    let instance = linker.instantiate_async(&mut *store, module).await?;
    if let Some(initialize) = instance.get_func(&mut *store, INITIALIZE) {
        initialize.typed::<(), ()>(&*store)?.call_async(&mut *store, ()).await?;
    }
    let Some(entry) = entry else {
        return Ok(Vec::new());
    };
    let function = instance.get_func(&mut *store, &entry.function);
    let function = function.ok_or_else(|| wasmtime::format_err!("the function {} is gone", entry.function))?;
    let results = call_function(store, &function, &entry.args).await?;
    Ok(results.iter().map(printed).collect())
}

async fn call_function(store: &mut Store<Host>, function: &Func, args: &[Val]) -> wasmtime::Result<Vec<Val>> {
    let mut results = vec![Val::I32(0); function.ty(&*store).results().len()];
    function.call_async(&mut *store, args, &mut results).await?;
    Ok(results)
}
