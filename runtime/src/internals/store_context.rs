//! Finding the words in which a store keeps its last exit from, and entry into, WebAssembly.
#![allow(unsafe_code, reason = "the words are reached through wasmtime's raw function reference")]

use wasmscope_profiler::StoreContext;
use wasmtime::{AsContextMut, Engine, Instance, Module, Store};
use wasmtime_environ::{PtrSize, VMCONTEXT_MAGIC};

const POINTER_SIZE: u8 = size_of::<usize>() as u8;

/// Compiles the module whose only purpose is to have a function that points to its store.
pub(crate) fn anchor_module(engine: &Engine) -> wasmtime::Result<Module> {
    // (module (func (export "f")))
    const ANCHOR: &[u8] =
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x04\x01\x02\0\x0b";
    Module::new(engine, ANCHOR)
}

/// The addresses of a store's words.
#[derive(Clone, Copy)]
pub(super) struct StoreWords {
    pub(super) exit_fp: *const usize,
    pub(super) exit_pc: *const usize,
    pub(super) entry_fp: *const usize,
}

// SAFETY: the addresses are only read while the store they belong to runs a guest on the reading thread.
unsafe impl Send for StoreWords {}
// SAFETY: as above.
unsafe impl Sync for StoreWords {}

/// Returns where the words of a store are, or `None` when its internals do not look as expected.
pub(crate) fn store_context<T>(store: &mut Store<T>, anchor: &Module) -> wasmtime::Result<Option<StoreContext>> {
    let words = store_words(store, anchor)?;
    // SAFETY: the words belong to the store, and `WatchedStore` forgets the store on every thread before it drops it.
    // What they hold is proved by the self-check.
    Ok(words.map(|words| unsafe { StoreContext::new(words.exit_fp, words.exit_pc, words.entry_fp) }))
}

/// Follows the chain: a function's `VMFuncRef` holds its `VMContext`, which begins with a magic number and holds the
/// address of the store's `VMStoreContext`. The offsets are wasmtime's own, of the very version that is pinned.
pub(super) fn store_words<T>(store: &mut Store<T>, anchor: &Module) -> wasmtime::Result<Option<StoreWords>> {
    let instance = Instance::new(&mut *store, anchor, &[])?;
    let Some(function) = instance.get_func(&mut *store, "f") else {
        return Ok(None);
    };
    let func_ref = function.to_raw(store.as_context_mut()).cast::<u8>().cast_const();
    let context = pointer_at(func_ref, POINTER_SIZE.vm_func_ref().vmctx());
    if context.is_null() {
        return Ok(None);
    }
    // SAFETY: `context` is the VMContext of an instance that lives as long as the store; it begins with its magic.
    let magic = unsafe { context.cast::<u32>().read() };
    if magic != VMCONTEXT_MAGIC {
        return Ok(None);
    }
    let words = pointer_at(context, POINTER_SIZE.vmctx_store_context());
    if words.is_null() {
        return Ok(None);
    }
    let layout = POINTER_SIZE.vm_store_context();
    let word = |offset: u8| words.wrapping_add(usize::from(offset)).cast::<usize>();
    Ok(Some(StoreWords {
        exit_fp: word(layout.last_wasm_exit_trampoline_fp()),
        exit_pc: word(layout.last_wasm_exit_pc()),
        entry_fp: word(layout.last_wasm_entry_fp()),
    }))
}

fn pointer_at(base: *const u8, offset: u8) -> *const u8 {
    // SAFETY: the callers pass a live object of wasmtime's and the offset of a pointer-sized field in it, as wasmtime's
    // own compiler knows it.
    unsafe { base.wrapping_add(usize::from(offset)).cast::<*const u8>().read() }
}
