//! Imports that nobody offers, and what would.

use wasmscope_profiler::export::sanitized;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{self, Component};
use wasmtime::{AsContextMut, ExternType, ImportType, Linker, Module, Store};

use super::host::Host;
use crate::{Error, Guest, GuestRun};

/// Checks that everything that a core module imports is there and of the type that it expects, or will be, or is let be.
pub(crate) fn check_module(
    guest: &Guest,
    module: &Module,
    linker: &Linker<Host>,
    store: &mut Store<Host>,
    run: &GuestRun,
) -> Result<(), Error> {
    let wasm = &run.wasmtime.wasm;
    let stands_in = wasm.unknown_imports_trap == Some(true) || wasm.unknown_imports_default == Some(true);
    let preloaded = |import: &ImportType<'_>| run.preload.iter().any(|(name, _)| name == import.module());
    let mut imports = module.imports();
    let missing = imports.find(|import| {
        !stands_in && !preloaded(import) && linker.get_by_import(store.as_context_mut(), import).is_none()
    });
    match missing {
        // What is there may still be of another type; instantiation compares that, and nothing has run before it does.
        None if run.preload.is_empty() && !stands_in => linker
            .instantiate_pre(module)
            .map(drop)
            .map_err(|error| Error::invalid(guest.path(), &format!("{error:#}"))),
        None => Ok(()),
        Some(import) => Err(missing_import(guest, description(&import), hint(&import))),
    }
}

/// As [`check_module`], for a component.
pub(crate) fn check_component(
    guest: &Guest,
    component: &Component,
    linker: &component::Linker<Host>,
    run: &GuestRun,
    has_cli: bool,
) -> Result<(), Error> {
    if run.wasmtime.wasm.unknown_imports_trap == Some(true) {
        return Ok(());
    }
    let Err(error) = linker.instantiate_pre(component) else {
        return Ok(());
    };
    let text = format!("{error:#}");
    // wasmtime says which import it is; who would offer it is for us to say.
    let imports = component.component_type();
    let mut imports = imports.imports(component.engine()).filter(|(_, item)| is_offered_by_hosts(&item.ty));
    match imports.find(|(name, _)| text.contains(&format!("`{name}`"))) {
        Some((name, _)) => {
            let reason = text.rsplit(": ").next().unwrap_or_default();
            let import = format!("instance `{}`", sanitized(name));
            Err(missing_import(guest, import, &format!("{} ({})", component_hint(name, has_cli), sanitized(reason))))
        }
        None => Err(Error::invalid(guest.path(), &text)),
    }
}

fn is_offered_by_hosts(item: &ComponentItem) -> bool {
    matches!(item, ComponentItem::ComponentInstance(_) | ComponentItem::ComponentFunc(_) | ComponentItem::Resource(_))
}

fn missing_import(guest: &Guest, import: String, hint: &str) -> Error {
    Error::MissingImport { guest: sanitized(guest.path()).into_owned(), import, hint: hint.to_owned() }
}

fn description(import: &ImportType<'_>) -> String {
    let kind = match import.ty() {
        ExternType::Func(_) => "function",
        ExternType::Global(_) => "global",
        ExternType::Table(_) => "table",
        ExternType::Memory(_) => "memory",
        ExternType::Tag(_) => "exception tag",
    };
    format!("{kind} `{}.{}`", sanitized(import.module()), sanitized(import.name()))
}

/// Says which host would offer an import, going by the names that toolchains use.
fn hint(import: &ImportType<'_>) -> &'static str {
    match (import.module(), import.name()) {
        ("wasi_snapshot_preview1" | "wasi_unstable", _) => "which is no function of WASI preview 1",
        ("wasi", "thread-spawn") => {
            "which belongs to wasi-threads, and wasmtime no longer has those; build without threads"
        }
        ("env", "memory") => "which a host with threads would share; build it with a memory of its own",
        ("gojs" | "go", _) => "which a browser's glue for Go offers; build it with GOOS=wasip1",
        (module, _) if module.starts_with("__wbindgen") || module == "wbg" => {
            "which the glue of wasm-bindgen in a browser offers; build it for the target wasm32-wasip1"
        }
        ("env", "abort" | "seed" | "trace") => {
            "which AssemblyScript expects of a browser; build it with `--use abort=` or the package wasi-shim"
        }
        ("env" | "a", name)
            if name.starts_with("emscripten_") || name.starts_with("__sys") || name.starts_with("_emscripten") =>
        {
            "which Emscripten's glue offers; link it with -sSTANDALONE_WASM"
        }
        (module, _) if module.starts_with("wasi:") || module == "$root" => {
            "which only a component can get; make one of it with `wasm-tools component new`"
        }
        _ => {
            "and only WASI preview 1 is offered; --preload NAME=FILE adds modules, and a host of your own the crate wasmscope"
        }
    }
}

/// As [`hint`], for a component: which option or version it would take.
fn component_hint(name: &str, has_cli: bool) -> String {
    let (package, version) = name.split_once('@').map_or((name, None), |(package, version)| (package, Some(version)));
    let namespace = package.split('/').next().unwrap_or(package);
    let known_version = version.is_none_or(|version| version.starts_with("0.2.") || version.starts_with("0.3."));
    match namespace {
        "wasi:http" if known_version => "which -S http offers".to_owned(),
        "wasi:cli" | "wasi:filesystem" | "wasi:sockets" | "wasi:random" if known_version && !has_cli => {
            "which -S cli offers".to_owned()
        }
        "wasi:config" => "which -S config offers, of version 0.2.0-rc.1".to_owned(),
        "wasi:keyvalue" => "which -S keyvalue offers, of version 0.2.0-draft2".to_owned(),
        "wasi:tls" | "wasi:nn" => "which this tool has not built in".to_owned(),
        _ if namespace.starts_with("wasi:") => {
            let asked = version.map_or(String::new(), |version| format!("; it asks for {version}"));
            format!("and WASI is offered in the versions 0.2.x and 0.3.0{asked}")
        }
        _ => "and only WASI is offered; compose it with a component that exports this, with `wasm-tools compose`"
            .to_owned(),
    }
}
