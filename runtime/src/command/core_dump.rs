//! Core dumps in the format of the tool conventions, as wasmtime writes them.

use wasmtime::{Error, Store, WasmCoreDump};

use super::host::Host;

/// Writes the dump that a trap carries, and says where it is or why it is not.
pub(crate) fn write(store: &mut Store<Host>, error: &Error, name: &str, path: &str) -> String {
    let Some(dump) = error.downcast_ref::<WasmCoreDump>() else {
        return String::new();
    };
    let dump = dump.serialize(store, name);
    match std::fs::write(path, dump) {
        Ok(()) => format!(": core dumped at {path}"),
        Err(error) => format!(": no core dump at {path}: {error}"),
    }
}
