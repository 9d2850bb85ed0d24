//! The stack of a thread on which its signal handlers run, if they ask for one.

/// Tells whether a signal interrupted code on the thread's signal stack.
pub(crate) fn is_on_signal_stack(context: &libc::ucontext_t, stack_pointer: usize) -> bool {
    // Without such a stack its size is zero.
    let (low, size) = (context.uc_stack.ss_sp.addr(), context.uc_stack.ss_size);
    stack_pointer.checked_sub(low).is_some_and(|above| above < size)
}
