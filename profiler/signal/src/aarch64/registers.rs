//! The interrupted registers.

use crate::signal_stack::is_on_signal_stack;

/// The registers that the walk starts from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers {
    pub(crate) pc: usize,
    pub(crate) sp: usize,
    pub(crate) fp: usize,
    pub(crate) lr: usize,
    /// Whether this is the handler of another signal, such as wasmtime's of traps, on the thread's signal stack.
    pub(crate) is_in_handler: bool,
}

impl Registers {
    /// Reads the registers that the kernel saved when it delivered the signal.
    pub(crate) fn from_context(context: &libc::ucontext_t) -> Self {
        let [_, .., fp, lr] = context.uc_mcontext.regs;
        let sp = context.uc_mcontext.sp as usize;
        Self {
            pc: context.uc_mcontext.pc as usize,
            sp,
            fp: fp as usize,
            lr: lr as usize,
            is_in_handler: is_on_signal_stack(context, sp),
        }
    }

    /// Returns registers that stand for host code whose stack pointer is `sp`.
    pub(crate) fn of_host(sp: usize) -> Self {
        Self { pc: 0, sp, fp: 0, lr: 0, is_in_handler: false }
    }
}
