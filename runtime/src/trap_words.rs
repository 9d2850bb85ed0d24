//! What a trap usually means to whoever wrote the guest.

use wasmtime::Trap;

/// Explains a trap in one line; `None` where wasmtime's own words say it all.
pub(crate) fn explanation(trap: Trap) -> Option<&'static str> {
    Some(match trap {
        Trap::StackOverflow => {
            "the guest called too deep, most often by recursion without end; -W max-wasm-stack=BYTES gives it more room"
        }
        Trap::MemoryOutOfBounds => {
            "a load or store went past the end of linear memory: a wild or null-based pointer, or an index too large"
        }
        Trap::HeapMisaligned => "an atomic operation was given an address that is no multiple of its size",
        Trap::TableOutOfBounds => "an indirect call went past the end of its table: a broken function pointer",
        Trap::IndirectCallToNull => "a null function pointer was called, or one whose function does not exist any more",
        Trap::BadSignature => "a function pointer was called with other parameters or results than its function has",
        Trap::IntegerOverflow => "the smallest integer was divided by -1, or a float too large was made an integer",
        Trap::BadConversionToInteger => "a float that is not a number was made an integer",
        Trap::UnreachableCodeReached => {
            "the guest gave up by itself: a panic, an abort, a failed assertion, or code its compiler held for impossible"
        }
        Trap::Interrupt => "the guest ran longer than it was allowed to",
        Trap::OutOfFuel => "the guest used up the fuel it was given; -W fuel=N gives it more",
        Trap::AllocationTooLarge => "the guest asked for an object or array that is larger than the heap may be",
        Trap::NullReference => "a null reference was used as if it pointed to something",
        Trap::ArrayOutOfBounds => "an index went past the end of an array",
        Trap::CastFailure => "a reference was taken for one of another type",
        Trap::CannotEnterComponent => "a component was called again while it was running, or after it had trapped",
        _ => return None,
    })
}
