//! Where an interrupted leaf keeps its return address.
//!
//! Cranelift's functions begin with `stp x29, x30, [sp, #-16]!; mov x29, sp` and end with `ldp x29, x30, [sp], #16;
//! ret`. At the first two instructions and at `ret` the frame pointer is the caller's and x30 holds the return address.

use super::Registers;

const STP_FP_LR: u32 = 0xa9bf_7bfd;
const MOV_FP_SP: u32 = 0x9100_03fd;
const RET: u32 = 0xd65f_03c0;

/// Where the return address of the interrupted function is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LeafCaller {
    /// In its own frame, at the frame pointer plus eight.
    InOwnFrame,
    /// At this stack address; the frame pointer is the caller's.
    OnStack(usize),
    /// Still in the link register; the frame pointer is the caller's.
    InRegister(usize),
}

/// Tells where the return address is, by the instruction at the program counter, which lies in guest code that ends
/// at `code_end`.
pub(crate) fn leaf_caller(registers: &Registers, code_end: usize) -> LeafCaller {
    let last = code_end.saturating_sub(4);
    if registers.pc > last || !registers.pc.is_multiple_of(4) {
        return LeafCaller::InOwnFrame;
    }
    // SAFETY: the program counter lies in published guest code, which is readable up to `code_end` and stays mapped
    // while this thread executes in it.
    match unsafe { (registers.pc as *const u32).read() } {
        STP_FP_LR | RET => LeafCaller::InRegister(registers.lr),
        MOV_FP_SP => LeafCaller::OnStack(registers.sp.saturating_add(8)),
        _ => LeafCaller::InOwnFrame,
    }
}
