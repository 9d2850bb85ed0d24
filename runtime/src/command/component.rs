//! Components: commands of WASI 0.2 and 0.3, and calls in WAVE's notation.

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::wasm_wave::untyped::UntypedFuncCall;
use wasmtime::component::wasm_wave::wasm::{DisplayFuncResults, WasmFunc};
use wasmtime::component::{Component, ComponentExportIndex, Linker, Val};
use wasmtime::error::Context as _;
use wasmtime::{Store, bail};
use wasmtime_wasi::{I32Exit, p2, p3};

use super::host::Host;
use super::linking::offers_p3;
use crate::GuestRun;

/// Runs a component: its command, or the call that the run names; gives the results of the latter.
pub(crate) async fn call(
    store: &mut Store<Host>,
    linker: &mut Linker<Host>,
    component: &Component,
    run: &GuestRun,
) -> wasmtime::Result<Vec<String>> {
    if run.wasmtime.wasm.unknown_imports_trap == Some(true) {
        linker.define_unknown_imports_as_traps(component)?;
    }
    match &run.invoke {
        Some(invoke) => invoke_function(store, linker, component, invoke, run).await.map(|results| vec![results]),
        None => run_command(store, linker, component, run).await.map(|()| Vec::new()),
    }
}

async fn run_command(
    store: &mut Store<Host>,
    linker: &Linker<Host>,
    component: &Component,
    run: &GuestRun,
) -> wasmtime::Result<()> {
    let instance = linker.instantiate_async(&mut *store, component).await?;
    let newer = match offers_p3(&run.wasmtime) {
        true => p3::bindings::Command::new(&mut *store, &instance).ok(),
        false => None,
    };
    let result = match newer {
        Some(command) => store.run_concurrent(async |store| command.wasi_cli_run().call_run(store).await).await?,
        None => {
            let command = p2::bindings::Command::new(&mut *store, &instance).context(
                "the component exports no function `run` of wasi:cli/run@0.2 or @0.3; --invoke calls other functions",
            )?;
            command.wasi_cli_run().call_run(&mut *store).await
        }
    };
    match result.context("failed to invoke `run` function")? {
        Ok(()) => Ok(()),
        Err(()) => Err(I32Exit(1).into()),
    }
}

async fn invoke_function(
    store: &mut Store<Host>,
    linker: &Linker<Host>,
    component: &Component,
    invoke: &str,
    run: &GuestRun,
) -> wasmtime::Result<String> {
    let call = UntypedFuncCall::parse(invoke)
        .with_context(|| format!("failed to parse `{invoke}`; a call looks like `name(1, \"two\", [3])`"))?;
    let (export, ty) = find_function(store, component, &call)?;
    let parameters: Vec<_> = WasmFunc::params(&ty).collect();
    let arguments = call
        .to_wasm_params::<Val>(&parameters)
        .with_context(|| format!("while interpreting parameters in `{invoke}`"))?;
    let instance = linker.instantiate_async(&mut *store, component).await?;
    let function = instance.get_func(&mut *store, export).context("the function is gone")?;
    let mut results = vec![Val::Bool(false); ty.results().len()];
    if run.wasmtime.wasm.concurrency_support.unwrap_or(true) {
        let called =
            store.run_concurrent(async |store| function.call_concurrent(store, &arguments, &mut results).await);
        called.await??;
    } else {
        function.call_async(&mut *store, &arguments, &mut results).await?;
    }
    Ok(DisplayFuncResults(&results).to_string())
}

/// Finds a function by its full name, else by its own name in any of the instances that the component exports.
fn find_function(
    store: &Store<Host>,
    component: &Component,
    call: &UntypedFuncCall,
) -> wasmtime::Result<(ComponentExportIndex, ComponentFunc)> {
    let wanted = call.item_name().map_err(|error| {
        wasmtime::Error::from_anyhow(error).context(format!("parsing `{}` as the name of an item", call.name()))
    })?;
    if let Some((ComponentItem::ComponentFunc(function), index)) = component.get_export(None, &wanted) {
        return Ok((index, function));
    }
    if wanted.interface.is_some() || wanted.package.is_some() {
        bail!("No exported func named `{wanted}` in component.");
    }
    let mut found = Vec::new();
    for (name, item) in component.component_type().exports(store.engine()) {
        let ComponentItem::ComponentInstance(exported) = item.ty else {
            continue;
        };
        for (function_name, item) in exported.exports(store.engine()) {
            let ComponentItem::ComponentFunc(function) = item.ty else {
                continue;
            };
            let index = component.get_export_index(None, name);
            let index = index.and_then(|index| component.get_export_index(Some(&index), function_name));
            if let Some(index) = index.filter(|_| function_name == wanted.to_string()) {
                found.push((name.to_owned(), index, function));
            }
        }
    }
    match found.len() {
        0 => bail!("No exported func named `{wanted}` in component."),
        1 => found.pop().map(|(_, index, function)| (index, function)).context("the function is gone"),
        _ => {
            let full = |name: &str| match name.split_once('@') {
                Some((interface, version)) => format!("`{interface}.{wanted}@{version}`"),
                None => format!("`{name}.{wanted}`"),
            };
            let instances: Vec<_> = found.iter().map(|(name, ..)| full(name)).collect();
            bail!(
                "Multiple instances contained funcs named `{wanted}`, retry with a more specific name: {}",
                instances.join(", ")
            )
        }
    }
}
