//! What a guest gets of the system.

use wasmtime::Store;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder, WasiView};

use super::host::Host;
use super::linking::offers_cli;
use crate::{Error, Guest, GuestRun};

/// Gives the guest the streams, arguments, variables, directories and networks that the run says, and nothing else.
pub(crate) fn give(store: &mut Store<Host>, guest: &Guest, run: &GuestRun) -> Result<(), Error> {
    let options = &run.wasmtime.wasi;
    if !offers_cli(&run.wasmtime)? {
        for (on, name) in [(options.http, "http"), (options.keyvalue, "keyvalue")] {
            if on == Some(true) {
                return Err(Error::Options(format!(
                    "-S {name}: it works on WASI's state, and -S cli=n leaves that out"
                )));
            }
        }
        return Ok(());
    }
    let mut builder = WasiCtxBuilder::new();
    builder.arg(run.argv0.as_deref().unwrap_or(guest.name()));
    builder.args(&run.args);
    for (inherit, take) in [
        (options.inherit_stdin, WasiCtxBuilder::inherit_stdin as fn(&mut WasiCtxBuilder) -> &mut WasiCtxBuilder),
        (options.inherit_stdout, WasiCtxBuilder::inherit_stdout),
    ] {
        if inherit.unwrap_or(true) {
            take(&mut builder);
        }
    }
    if options.inherit_stderr.unwrap_or(true) {
        builder.stderr(store.data().stderr.clone());
    }
    // The guest has its thread to itself, so its file operations may run on it, where they are sampled. A timeout could
    // not end one that blocks.
    builder.allow_blocking_current_thread(run.wasmtime.wasm.timeout.is_none());
    give_environment(&mut builder, run)?;
    for (host, guest) in &run.dirs {
        // wasmtime's error is opaque and says the same without the path.
        let failed = |source| Error::Directory { path: host.clone(), source };
        std::fs::read_dir(host).map_err(failed)?;
        builder
            .preopened_dir(host, guest, FsPerms::ReadWrite)
            .map_err(|error| failed(std::io::Error::other(format!("{error:#}"))))?;
    }
    if let Some(cwd) = &options.cwd {
        builder.initial_cwd(cwd);
    }
    give_network(&mut builder, run);
    if let Some(max) = options.max_random_size {
        builder.max_random_size(max);
    }
    let mut context = builder.build_p1();
    if let Some(max) = options.max_resources {
        context.ctx().table.set_max_capacity(max);
    }
    if let Some(fuel) = options.hostcall_fuel {
        store.set_hostcall_fuel(fuel);
    }
    if let Some(max) = options.max_component_handles {
        store.set_max_component_handles(max);
    }
    store.data_mut().wasi = Some(context);
    Ok(())
}

fn give_environment(builder: &mut WasiCtxBuilder, run: &GuestRun) -> Result<(), Error> {
    if run.wasmtime.wasi.inherit_env == Some(true) {
        for (name, value) in std::env::vars_os() {
            let not_unicode = |name: std::ffi::OsString| Error::Environment(name.to_string_lossy().into_owned());
            let name = name.into_string().map_err(not_unicode)?;
            let value = value.into_string().map_err(|_| Error::Environment(name.clone()))?;
            builder.env(name, value);
        }
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
    Ok(())
}

fn give_network(builder: &mut WasiCtxBuilder, run: &GuestRun) {
    let options = &run.wasmtime.wasi;
    if options.inherit_network == Some(true) {
        builder.inherit_network().allow_tcp(true).allow_udp(true);
    }
    if let Some(enable) = options.allow_ip_name_lookup {
        builder.allow_ip_name_lookup(enable);
    }
    if let Some(enable) = options.tcp {
        builder.allow_tcp(enable);
    }
    if let Some(enable) = options.udp {
        builder.allow_udp(enable);
    }
}
