//! A counting allocator shows that the signal handler never allocates.
#![cfg(target_arch = "x86_64")]
#![allow(unsafe_code, reason = "a global allocator is unsafe to implement")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]

mod assembly_guest;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use assembly_guest::{Names, Store, publish};
use wasmscope_model::Event;
use wasmscope_profiler::{CodeRegistry, RunningSampler, Sampler, SamplerConfig, export};

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static TOUCHED: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    if WATCHED.get() {
        TOUCHED.set(TOUCHED.get() + 1);
    }
}

// SAFETY: every call is handed on to the system's allocator; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn signals(sampler: &RunningSampler) -> u64 {
    sampler.counters().iter().find(|counter| counter.name == "signals").map_or(0, |counter| counter.value)
}

#[test]
fn the_handler_never_allocates_or_frees() {
    let registry = CodeRegistry::new();
    publish(&registry);
    let config = SamplerConfig { rate_hz: 10_000, ..SamplerConfig::default() };
    let sampler = Sampler::start(config, registry).unwrap();
    let store = Store::default();
    // The first entry takes the thread in, which does allocate.
    store.run(1, 1);
    drop(Box::new(1));
    WATCHED.set(true);
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(TOUCHED.replace(0), 2, "the allocator counts");
    let mut touched = 0;
    loop {
        WATCHED.set(true);
        store.run(13, 20_000_000);
        WATCHED.set(false);
        touched += TOUCHED.replace(0);
        // Asking allocates on this thread, so it is not watched meanwhile.
        if signals(&sampler) > 2_000 {
            break;
        }
    }
    let recording = sampler.stop().unwrap();
    assert_eq!(touched, 0, "in {} signals", recording.run.signals);
    assert!(recording.samples() > 1_500, "most of {} signals found the guest", recording.run.signals);
    let recording = recording.symbolize(&mut Names);
    let totals = export::function_totals(&recording, Event::Cpu);
    let hottest = &recording.profile.functions[totals[0].function.0 as usize];
    assert_eq!(hottest.name, "leaf");
}
