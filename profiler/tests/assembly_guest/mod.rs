//! A guest in assembly: it keeps frames and its store's words as wasmtime's code does, and needs no wasmtime.
#![allow(unsafe_code, reason = "the guest is machine code, and its store's words are shared with the handler")]

use std::arch::global_asm;
use std::cell::UnsafeCell;
use std::sync::Arc;

use wasmscope_model::{
    ByteSize, CodeIdentity, CodeLocation, CodeOffset, LineOrigin, Module, NameOrigin, NativeAddress,
};
use wasmscope_model::{Resolved, ResolvedFrame, SymbolSource};
use wasmscope_profiler::{AddressMap, CodeRegistry, CompiledCode, CompiledFunction, StoreContext};
use wasmscope_profiler::{guest_entered, guest_left};

// The entry stores its frame pointer where the host finds it, as wasmtime's trampolines do. `middle` calls itself until
// no depth is left, then `leaf` counts down.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".p2align 4",
    ".globl wasmscope_guest_entry, wasmscope_guest_middle, wasmscope_guest_leaf, wasmscope_guest_end",
    "wasmscope_guest_entry:",
    "push rbp",
    "mov rbp, rsp",
    "mov [rdi + 16], rbp",
    "call wasmscope_guest_middle",
    "mov qword ptr [rdi + 16], 0",
    "mov rsp, rbp",
    "pop rbp",
    "ret",
    "wasmscope_guest_middle:",
    "push rbp",
    "mov rbp, rsp",
    "test rsi, rsi",
    "jz 2f",
    "dec rsi",
    "call wasmscope_guest_middle",
    "jmp 3f",
    "2: call wasmscope_guest_leaf",
    "3: mov rsp, rbp",
    "pop rbp",
    "ret",
    "wasmscope_guest_leaf:",
    "push rbp",
    "mov rbp, rsp",
    "2: dec rdx",
    "jnz 2b",
    "mov rsp, rbp",
    "pop rbp",
    "ret",
    "wasmscope_guest_end:",
);

unsafe extern "C" {
    fn wasmscope_guest_entry(words: *mut usize, depth: usize, rounds: usize);
    fn wasmscope_guest_middle();
    fn wasmscope_guest_leaf();
    fn wasmscope_guest_end();
}

/// Tells the registry where the guest lies and which functions it has.
pub fn publish(registry: &CodeRegistry) {
    let at = |function: unsafe extern "C" fn()| function as *const () as usize;
    let start = wasmscope_guest_entry as *const () as usize;
    let borders = [start, at(wasmscope_guest_middle), at(wasmscope_guest_leaf), at(wasmscope_guest_end)];
    let offset = |address: usize| u32::try_from(address - start).expect("the guest is small");
    let functions = (0..).zip(borders.windows(2)).skip(1).map(|(function_index, pair)| CompiledFunction {
        text_start: offset(pair[0]),
        text_len: offset(pair[1]) - offset(pair[0]),
        module: 0,
        function_index,
    });
    let module = Module {
        name: "assembly".into(),
        identity: CodeIdentity::from_digest([7; 32]),
        code_section_start: ByteSize::new(0),
        code_section_size: ByteSize::new(u64::from(offset(borders[3]))),
        file_hash: String::new(),
        build_id: String::new(),
        is_adapter: false,
    };
    let code = CompiledCode::new(vec![module], functions.collect(), AddressMap::from_entries([]));
    let address = NativeAddress::new(start as u64);
    registry.publish(address, ByteSize::new((borders[3] - start) as u64));
    assert!(registry.describe(address, Arc::new(code)));
}

/// A store: the words that the guest and the host share.
#[derive(Default)]
pub struct Store {
    words: Box<UnsafeCell<[usize; 3]>>,
}

impl Store {
    /// Runs the guest: `depth + 1` frames of `middle`, then `rounds` rounds of the leaf.
    pub fn run(&self, depth: usize, rounds: usize) {
        let words: *mut usize = self.words.get().cast();
        let at = |word: usize| words.wrapping_add(word).cast_const();
        // SAFETY: the guest keeps the words as wasmtime does; the activation ends below, before the store can.
        let context = unsafe { StoreContext::new(at(0), at(1), at(2)) };
        guest_entered(Some(context), 1);
        // SAFETY: the guest keeps to the C calling convention, and writes the third word only.
        unsafe { wasmscope_guest_entry(words, depth, rounds.max(1)) };
        guest_left(1);
    }
}

/// Names the functions of the guest.
pub struct Names;

impl SymbolSource for Names {
    fn resolve(&mut self, place: &CodeLocation) -> Resolved {
        let name = ["entry", "middle", "leaf"][place.function_index as usize].to_owned();
        let frame =
            ResolvedFrame { system_name: name.clone(), name, file: String::new(), start_line: 0, line: 0, column: 0 };
        let line = LineOrigin::Missing(wasmscope_model::WhyNoLine::NoDebugInfo);
        Resolved { frames: vec![frame], name: NameOrigin::NameSection, line }
    }

    fn function_at(&self, _: &CodeIdentity, _: CodeOffset) -> Option<u32> {
        None
    }

    fn host_call(&mut self, _place: &CodeLocation) -> Option<String> {
        None
    }
}
