//! Which host functions a guest is offered.

use wasmtime::{Engine, Linker, Store, component};
use wasmtime_cli_flags::CommonOptions;
use wasmtime_wasi::{p0, p1, p2, p3};
use wasmtime_wasi_config::WasiConfig;
use wasmtime_wasi_keyvalue::WasiKeyValue;

use super::host::Host;
use crate::Error;
use crate::compiled::CompiledGuest;

/// The host functions for a core module or for a component.
pub(crate) enum GuestLinker {
    Module(Linker<Host>),
    Component(component::Linker<Host>),
}

impl GuestLinker {
    pub(crate) fn new(engine: &Engine, guest: &CompiledGuest) -> Self {
        match guest {
            CompiledGuest::Module(_) => GuestLinker::Module(Linker::new(engine)),
            CompiledGuest::Component(_) => GuestLinker::Component(component::Linker::new(engine)),
        }
    }
}

/// Tells whether WASI's own functions are offered.
pub(crate) fn offers_cli(options: &CommonOptions) -> Result<bool, Error> {
    match (options.wasi.cli, options.wasi.common) {
        (Some(_), Some(_)) => Err(Error::Options("-S common is an old name of -S cli; give one of them".to_owned())),
        (cli, common) => Ok(cli.or(common) != Some(false)),
    }
}

/// Tells whether WASI 0.3 is offered; wasmtime does so by default.
pub(crate) fn offers_p3(options: &CommonOptions) -> bool {
    options.wasi.p3.unwrap_or(true)
}

/// Fills a linker by the options.
pub(crate) fn offer(linker: &mut GuestLinker, store: &mut Store<Host>, options: &CommonOptions) -> Result<(), Error> {
    let refused = |error: wasmtime::Error| Error::engine(&error);
    let cli = offers_cli(options)?;
    match linker {
        GuestLinker::Module(linker) => {
            for (on, name) in
                [(options.wasi.http, "http"), (options.wasi.config, "config"), (options.wasi.keyvalue, "keyvalue")]
            {
                if on == Some(true) {
                    return Err(Error::Options(format!(
                        "-S {name}: the guest is a core module, and only components have it"
                    )));
                }
            }
            if let Some(allow) = options.wasm.unknown_exports_allow {
                linker.allow_unknown_exports(allow);
            }
            if cli {
                if options.wasi.preview0 != Some(false) {
                    p0::add_to_linker_async(linker, Host::wasi).map_err(refused)?;
                }
                p1::add_to_linker_async(linker, Host::wasi).map_err(refused)?;
            }
            Ok(())
        }
        GuestLinker::Component(linker) => {
            if options.wasm.unknown_imports_default == Some(true) {
                return Err(Error::Options("-W unknown-imports-default: the guest is a component".to_owned()));
            }
            if options.wasm.unknown_exports_allow == Some(true) {
                return Err(Error::Options("-W unknown-exports-allow: the guest is a component".to_owned()));
            }
            limit_store(store, options);
            offer_to_component(linker, options, cli).map_err(refused)
        }
    }
}

fn offer_to_component(
    linker: &mut component::Linker<Host>,
    options: &CommonOptions,
    cli: bool,
) -> wasmtime::Result<()> {
    let wasi = &options.wasi;
    if cli {
        let mut with = p2::bindings::LinkOptions::default();
        with.network_error_code(wasi.network_error_code.unwrap_or(false));
        p2::add_to_linker_with_options_async(linker, &with)?;
        if offers_p3(options) {
            p3::add_to_linker_with_options(linker, &p3::bindings::LinkOptions::default())?;
        }
    }
    if wasi.http == Some(true) {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
        if offers_p3(options) {
            wasmtime_wasi_http::p3::add_to_linker(linker)?;
        }
    }
    if wasi.config == Some(true) {
        wasmtime_wasi_config::add_to_linker(linker, |host: &mut Host| WasiConfig::new(&host.config))?;
    }
    if wasi.keyvalue == Some(true) {
        wasmtime_wasi_keyvalue::add_to_linker(linker, |host: &mut Host| {
            #[expect(clippy::expect_used, reason = "-S keyvalue without -S cli is refused")]
            let wasi = host.wasi.as_mut().expect("WASI is linked whenever the key-value store is");
            WasiKeyValue::new(&host.keyvalue, wasmtime_wasi::WasiView::ctx(wasi).table)
        })?;
    }
    Ok(())
}

/// Fills a linker for a component that answers HTTP requests. As `wasmtime serve` does, it offers what the world of such
/// components has; `-S cli` offers everything.
///
/// Returns whether everything is offered.
pub(crate) fn offer_http(linker: &mut component::Linker<Host>, options: &CommonOptions) -> Result<bool, Error> {
    let refused = |error: wasmtime::Error| Error::engine(&error);
    if options.wasi.http == Some(false) {
        return Err(Error::Options("-S http=n: a service cannot do without HTTP".to_owned()));
    }
    let cli = options.wasi.cli.is_some() || options.wasi.common.is_some();
    let cli = cli && offers_cli(options)?;
    let mut with_http = options.clone();
    with_http.wasi.http = Some(true);
    if !cli {
        wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(linker).map_err(refused)?;
        if offers_p3(options) {
            p3::clocks::add_to_linker(linker).map_err(refused)?;
            p3::random::add_to_linker(linker).map_err(refused)?;
            p3::cli::add_to_linker(linker).map_err(refused)?;
        }
    }
    offer_to_component(linker, &with_http, cli).map_err(refused)?;
    Ok(cli)
}

/// Sets the limits of a store's resources.
pub(crate) fn limit_store(store: &mut Store<Host>, options: &CommonOptions) {
    if let Some(max) = options.wasi.max_resources
        && let Some(table) = store.concurrent_resource_table()
    {
        table.set_max_capacity(max);
    }
}
