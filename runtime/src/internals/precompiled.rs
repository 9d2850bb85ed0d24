//! Loading machine code that wasmtime compiled earlier.
#![allow(unsafe_code, reason = "machine code is trusted with everything")]

use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use crate::Guest;
use crate::compiled::CompiledGuest;

/// Loads the machine code that a guest is. wasmtime checks version and settings, and nothing else.
///
/// The caller must have been told that this file may run with all rights of the process.
pub(crate) fn deserialized(engine: &Engine, guest: &Guest) -> wasmtime::Result<CompiledGuest> {
    let bytes = &**guest.bytes();
    if guest.is_component() {
        // SAFETY: nothing can prove that the bytes were made by wasmtime's compiler; whoever allowed precompiled code,
        // by `GuestRun::allow_precompiled`, says so.
        unsafe { Component::deserialize(engine, bytes) }.map(CompiledGuest::Component)
    } else {
        // SAFETY: as above.
        unsafe { Module::deserialize(engine, bytes) }.map(CompiledGuest::Module)
    }
}
