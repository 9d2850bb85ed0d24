//! The interrupted registers.

/// The registers that the walk starts from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers {
    pub(crate) pc: usize,
    pub(crate) sp: usize,
    pub(crate) fp: usize,
    pub(crate) lr: usize,
}

impl Registers {
    /// Reads the registers that the kernel saved when it delivered the signal.
    pub(crate) fn from_context(context: &libc::ucontext_t) -> Self {
        let [_, .., fp, lr] = context.uc_mcontext.regs;
        Self {
            pc: context.uc_mcontext.pc as usize,
            sp: context.uc_mcontext.sp as usize,
            fp: fp as usize,
            lr: lr as usize,
        }
    }
    /// Returns registers that stand for host code whose stack pointer is `sp`.
    pub(crate) fn of_host(sp: usize) -> Self {
        Self { pc: 0, sp, fp: 0, lr: 0 }
    }
}
