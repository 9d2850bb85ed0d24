//! The processor's own name for the running thread.

/// Returns the thread pointer: different for every live thread, read without a call or a system call.
///
/// # Signal safety
///
/// One load. `thread_local!` may allocate at first touch in a shared library; this never does.
pub(crate) fn thread_pointer() -> usize {
    let pointer: usize;
    // SAFETY: the x86-64 psABI puts the thread pointer's own value at fs:0; glibc and musl both keep it there.
    unsafe { core::arch::asm!("mov {}, fs:0", out(reg) pointer, options(nostack, preserves_flags, readonly)) };
    pointer
}
