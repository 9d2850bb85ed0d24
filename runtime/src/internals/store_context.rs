//! Finding the words in which a store keeps its last exit from, and entry into, WebAssembly.
#![allow(unsafe_code, reason = "the words are reached through wasmtime's raw function reference")]

use wasmscope_profiler::StoreContext;
use wasmtime::{AsContextMut, Engine, Instance, Module, Store};
use wasmtime_environ::{PtrSize, VMCONTEXT_MAGIC};

const POINTER_SIZE: u8 = size_of::<usize>() as u8;

/// A module whose only purpose is to have a function that points to its store.
#[derive(Debug)]
pub(crate) struct Probe(Module);

/// The addresses of a store's words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreWords {
    pub(super) exit_fp: *const usize,
    pub(super) exit_pc: *const usize,
    pub(super) entry_fp: *const usize,
}

// SAFETY: the addresses are only read while the store they belong to runs a guest on the reading thread.
unsafe impl Send for StoreWords {}
// SAFETY: as above.
unsafe impl Sync for StoreWords {}

impl StoreWords {
    /// Wraps the addresses for the sampler.
    ///
    /// # Safety
    ///
    /// As [`StoreContext::new`]; that the words hold what is said there is proved by the self-check.
    pub(super) unsafe fn to_context(self) -> StoreContext {
        // SAFETY: the caller gives the promise that is asked for.
        unsafe { StoreContext::new(self.exit_fp, self.exit_pc, self.entry_fp) }
    }
}

impl Probe {
    /// Compiles the module.
    pub(crate) fn new(engine: &Engine) -> wasmtime::Result<Self> {
        // (module (func (export "f")))
        const PROBE: &[u8] =
            b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x04\x01\x02\0\x0b";
        Module::new(engine, PROBE).map(Self)
    }

    /// Finds the words of a store, or tells why they cannot be found.
    ///
    /// The chain: a function's `VMFuncRef` holds its `VMContext`, which begins with a magic number and holds the
    /// address of the store's `VMStoreContext`. The offsets are wasmtime's own, of the very version that is pinned.
    pub(crate) fn find<T: 'static>(&self, store: &mut Store<T>) -> Result<StoreWords, String> {
        let instance = Instance::new(&mut *store, &self.0, &[]).map_err(|error| format!("{error:#}"))?;
        let function = instance.get_func(&mut *store, "f").ok_or("the probe's function is gone")?;
        let func_ref = function.to_raw(store.as_context_mut()).cast::<u8>().cast_const();
        let context = pointer_at(func_ref, POINTER_SIZE.vm_func_ref().vmctx());
        if context.is_null() {
            return Err("wasmtime's function references are not as expected".to_owned());
        }
        // SAFETY: `context` is the VMContext of an instance that lives as long as the store; it begins with its magic.
        let magic = unsafe { context.cast::<u32>().read() };
        if magic != VMCONTEXT_MAGIC {
            return Err("wasmtime's instances are not as expected".to_owned());
        }
        let words = pointer_at(context, POINTER_SIZE.vmctx_store_context());
        if words.is_null() {
            return Err("wasmtime's stores are not as expected".to_owned());
        }
        let layout = POINTER_SIZE.vm_store_context();
        let word = |offset: u8| words.wrapping_add(usize::from(offset)).cast::<usize>();
        Ok(StoreWords {
            exit_fp: word(layout.last_wasm_exit_trampoline_fp()),
            exit_pc: word(layout.last_wasm_exit_pc()),
            entry_fp: word(layout.last_wasm_entry_fp()),
        })
    }
}

fn pointer_at(base: *const u8, offset: u8) -> *const u8 {
    // SAFETY: the callers pass a live object of wasmtime's and the offset of a pointer-sized field in it, as wasmtime's
    // own compiler knows it.
    unsafe { base.wrapping_add(usize::from(offset)).cast::<*const u8>().read() }
}
