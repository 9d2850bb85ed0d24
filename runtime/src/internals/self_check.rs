//! Proving for each engine that stacks can be walked from inside host calls.
#![allow(unsafe_code, reason = "the check walks a stack by hand, as the signal handler does")]

use wasmtime::{Caller, Engine, Func, Instance, Module, Store, WasmBacktrace};

use super::store_context::{Probe, StoreWords};

/// A guest whose functions 1 and 2 stand on the stack when it calls the host.
const GUEST: &str = r#"(module
    (import "host" "look" (func $look))
    (func $inner call $look)
    (func (export "outer") call $inner))"#;

/// What the host function sees, and what it finds.
struct Check {
    words: Option<StoreWords>,
    functions: Vec<(usize, usize, u32)>,
    text: usize,
    found: Result<Vec<u32>, String>,
    expected: Vec<u32>,
}

/// Tells whether the host route can be used with this engine, or why not.
///
/// A guest calls the host, which walks the guest's stack by hand from the store's words and compares what it finds with
/// wasmtime's own backtrace.
pub(crate) fn host_route_works(engine: &Engine) -> Result<(), String> {
    let wrong = |error: wasmtime::Error| format!("{error:#}");
    let module = Module::new(engine, wat::parse_str(GUEST).map_err(|error| error.to_string())?).map_err(wrong)?;
    let check = Check {
        words: None,
        functions: module.functions().map(|f| (f.offset, f.len, f.index.as_u32())).collect(),
        text: module.text().as_ptr() as usize,
        found: Err("the host was not called".to_owned()),
        expected: Vec::new(),
    };
    let mut store = Store::new(engine, check);
    // The embedder's engine may count fuel, which a store begins without, or epochs; refused where it does not.
    let _ = store.set_fuel(1_000_000);
    store.set_epoch_deadline(1 << 40);
    store.data_mut().words = Some(Probe::new(engine).map_err(wrong)?.find(&mut store)?);
    let look = Func::wrap(&mut store, look);
    let instance = Instance::new(&mut store, &module, &[look.into()]).map_err(wrong)?;
    let outer = instance.get_typed_func::<(), ()>(&mut store, "outer").map_err(wrong)?;
    outer.call(&mut store, ()).map_err(wrong)?;
    let Check { found, expected, .. } = store.data();
    match found {
        Ok(found) if found == expected && expected[..] == [1, 2] => Ok(()),
        Ok(found) => Err(format!("a walk by hand found functions {found:?}, and wasmtime's backtrace {expected:?}")),
        Err(reason) => Err(reason.clone()),
    }
}

fn look(mut caller: Caller<'_, Check>) {
    let backtrace = WasmBacktrace::force_capture(&caller);
    let expected = backtrace.frames().iter().map(wasmtime::FrameInfo::func_index).collect();
    let check = caller.data_mut();
    check.expected = expected;
    check.found = walk(check);
}

/// Walks from the last exit to the entry, as the signal handler does, and returns the functions on the way.
fn walk(check: &Check) -> Result<Vec<u32>, String> {
    let words = check.words.ok_or("wasmtime's internals are not where they were expected")?;
    let (pc, fp, entry) = (read(words.exit_pc), read(words.exit_fp), read(words.entry_fp));
    let stack_here = std::ptr::from_ref(&pc) as usize;
    if !(stack_here < fp && fp < entry && entry - stack_here < (1 << 20)) {
        return Err("the store's words do not describe this stack".to_owned());
    }
    let mut functions = Vec::new();
    let (mut pc, mut fp) = (pc, read(fp as *const usize));
    while functions.len() < 8 {
        let offset = pc.wrapping_sub(check.text).wrapping_sub(1);
        let covering = check.functions.iter().find(|(start, len, _)| (*start..start + len).contains(&offset));
        functions.extend(covering.map(|(_, _, index)| *index));
        if fp == entry {
            return Ok(functions);
        }
        if fp <= stack_here || fp > entry || !fp.is_multiple_of(size_of::<usize>()) {
            break;
        }
        pc = read((fp as *const usize).wrapping_add(1));
        fp = read(fp as *const usize);
    }
    Err("frame pointers do not lead to the entry".to_owned())
}

fn read(address: *const usize) -> usize {
    // SAFETY: either a word of a live store, or an aligned address between this function's frame and the entry frame
    // that the store names, on the stack of this thread.
    unsafe { address.read_volatile() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_pinned_wasmtime_passes_its_self_check() {
        assert_eq!(super::host_route_works(&wasmtime::Engine::default()), Ok(()));
    }
}
