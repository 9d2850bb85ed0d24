//! What a guest gets of the system, by WASI preview 1.

use wasmtime::{Engine, Linker};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder, p0, p1};

use crate::{Error, Guest, GuestRun};

/// Offers WASI preview 1, and its predecessor that old toolchains emit.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<WasiP1Ctx>, Error> {
    let mut linker = Linker::new(engine);
    let refused = |error: wasmtime::Error| Error::engine(&error);
    p0::add_to_linker_sync(&mut linker, |context| context).map_err(refused)?;
    p1::add_to_linker_sync(&mut linker, |context| context).map_err(refused)?;
    Ok(linker)
}

/// Gives the guest our streams, and the arguments, variables and directories of the run; nothing else.
pub(crate) fn context(guest: &Guest, run: &GuestRun) -> Result<WasiP1Ctx, Error> {
    let mut builder = WasiCtxBuilder::new();
    // The guest has its thread to itself, so its file operations may run on it, where they are sampled.
    builder.inherit_stdio().allow_blocking_current_thread(true).arg(guest.name());
    if run.invoke.is_none() {
        builder.args(&run.args);
    }
    for (name, value) in &run.env {
        match value {
            Some(value) => drop(builder.env(name, value)),
            None => match std::env::var(name) {
                Ok(value) => drop(builder.env(name, value)),
                Err(std::env::VarError::NotPresent) => {}
                Err(std::env::VarError::NotUnicode(_)) => return Err(Error::Environment(name.clone())),
            },
        }
    }
    for (host, guest) in &run.dirs {
        // wasmtime's error is opaque and says the same without the path.
        let failed = |source| Error::Directory { path: host.clone(), source };
        std::fs::read_dir(host).map_err(failed)?;
        builder
            .preopened_dir(host, guest, FsPerms::ReadWrite)
            .map_err(|error| failed(std::io::Error::other(format!("{error:#}"))))?;
    }
    Ok(builder.build_p1())
}
