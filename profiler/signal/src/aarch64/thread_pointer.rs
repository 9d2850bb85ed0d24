//! The processor's own name for the running thread.

/// Returns the thread pointer: different for every live thread, read without a call or a system call.
///
/// # Signal safety
///
/// One register move.
pub(crate) fn thread_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reading TPIDR_EL0 has no effect, and user code may always do it.
    unsafe { core::arch::asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}
