//! Races of guests alone, under wasmtime's guest profiler, and under wasmscope.

fn main() {}
