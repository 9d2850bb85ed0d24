//! What a store holds for the host functions of the command line.

use std::time::Instant;

use wasmtime::{StoreLimits, StoreLimitsBuilder};
use wasmtime_cli_flags::CommonOptions;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_config::WasiConfigVariables;
use wasmtime_wasi_http::p2::{DEFAULT_OUTGOING_BODY_BUFFER_CHUNKS, DEFAULT_OUTGOING_BODY_CHUNK_SIZE};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};
use wasmtime_wasi_keyvalue::WasiKeyValueCtx;

use super::kept_stderr::KeptStderr;
use crate::serve::InWork;

/// What a store holds for the host functions of the command line; each is there when its option turned it on.
pub(crate) struct Host {
    pub(crate) limits: StoreLimits,
    /// For every version of WASI.
    pub(crate) wasi: Option<WasiP1Ctx>,
    /// What the guest's standard error goes to, when it is ours.
    pub(crate) stderr: KeptStderr,
    pub(crate) http: WasiHttpCtx,
    pub(crate) http_hooks: HttpHooks,
    pub(crate) config: WasiConfigVariables,
    pub(crate) keyvalue: WasiKeyValueCtx,
    /// When the requests that the store's guest has in work are to be answered.
    pub(crate) deadlines: Vec<Instant>,
    /// The requests that the store's guest has in work.
    pub(crate) in_work: InWork,
}

impl Host {
    pub(crate) fn new(options: &CommonOptions) -> Self {
        let wasi = &options.wasi;
        let mut http = WasiHttpCtx::new();
        if let Some(limit) = wasi.max_http_fields_size {
            http.set_field_size_limit(limit);
        }
        let chunks = wasi.http_outgoing_body_buffer_chunks.unwrap_or(DEFAULT_OUTGOING_BODY_BUFFER_CHUNKS);
        let chunk_size = wasi.http_outgoing_body_chunk_size.unwrap_or(DEFAULT_OUTGOING_BODY_CHUNK_SIZE);
        let variables = wasi.config_var.iter().map(|pair| (pair.key.clone(), pair.value.clone()));
        let data = wasi.keyvalue_in_memory_data.iter().map(|pair| (pair.key.clone(), pair.value.clone()));
        Self {
            limits: limits(options),
            wasi: None,
            stderr: KeptStderr::default(),
            http,
            http_hooks: HttpHooks { chunks, chunk_size },
            config: variables.collect(),
            keyvalue: wasmtime_wasi_keyvalue::WasiKeyValueCtxBuilder::new().in_memory_data(data).build(),
            deadlines: Vec::new(),
            in_work: InWork::default(),
        }
    }

    /// Returns what WASI's functions work on.
    pub(crate) fn wasi(&mut self) -> &mut WasiP1Ctx {
        #[expect(clippy::expect_used, reason = "functions that ask for it are linked only after it was given")]
        self.wasi.as_mut().expect("WASI is linked only when its state is there")
    }
}

fn limits(options: &CommonOptions) -> StoreLimits {
    let wasm = &options.wasm;
    let mut limits = StoreLimitsBuilder::new();
    if let Some(max) = wasm.max_memory_size {
        limits = limits.memory_size(max);
    }
    if let Some(max) = wasm.max_table_elements {
        limits = limits.table_elements(max);
    }
    if let Some(max) = wasm.max_instances {
        limits = limits.instances(max);
    }
    if let Some(max) = wasm.max_tables {
        limits = limits.tables(max);
    }
    if let Some(max) = wasm.max_memories {
        limits = limits.memories(max);
    }
    if let Some(enable) = wasm.trap_on_grow_failure {
        limits = limits.trap_on_grow_failure(enable);
    }
    limits.build()
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiView::ctx(self.wasi())
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        #[expect(clippy::expect_used, reason = "-S http without -S cli is refused")]
        let wasi = self.wasi.as_mut().expect("WASI is linked whenever HTTP is");
        WasiHttpCtxView { table: WasiView::ctx(wasi).table, ctx: &mut self.http, hooks: &mut self.http_hooks }
    }
}

/// How outgoing requests are buffered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpHooks {
    chunks: usize,
    chunk_size: usize,
}

impl WasiHttpHooks for HttpHooks {
    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        self.chunks
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        self.chunk_size
    }
}
