//! Imports that nobody offers, and what would.

use wasmscope_profiler::export::sanitized;
use wasmtime::{AsContextMut, ExternType, ImportType, InstancePre, Linker, Module};

use crate::{Error, Guest};

/// Checks that everything the guest imports is there and of the type that it expects.
pub(crate) fn linked<T: 'static>(
    guest: &Guest,
    module: &Module,
    linker: &Linker<T>,
    mut store: impl AsContextMut<Data = T>,
) -> Result<InstancePre<T>, Error> {
    let missing = module.imports().find(|import| linker.get_by_import(&mut store, import).is_none());
    match missing {
        None => linker.instantiate_pre(module).map_err(|error| Error::invalid(guest.path(), &format!("{error:#}"))),
        Some(import) => Err(Error::MissingImport {
            guest: sanitized(guest.path()).into_owned(),
            import: description(&import),
            hint: hint(&import).to_owned(),
        }),
    }
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
            "which only a component can get; this version profiles core modules"
        }
        _ => "and only WASI preview 1 is offered; run it in its own host, with the crate wasmscope inside",
    }
}
