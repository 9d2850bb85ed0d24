//! Where an interrupted leaf keeps its return address.
//!
//! Cranelift's functions begin with `push rbp; mov rbp, rsp` and end with `mov rsp, rbp; pop rbp; ret`. At the first
//! two instructions and at `ret` the frame pointer is the caller's, and a plain walk would skip the caller (2 % of the
//! samples of call-heavy guests, half of `fib`). The program counter always points at the beginning of an instruction,
//! so looking at the bytes there is sound.
//!
//! Not covered: the few instructions between `pop rbp` and the jump of a tail call.

use super::Registers;

const PUSH_RBP: u8 = 0x55;
const MOV_RBP_RSP: [u8; 3] = [0x48, 0x89, 0xe5];
const RET: u8 = 0xc3;
const RET_IMM: u8 = 0xc2;

/// Where the return address of the interrupted function is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LeafCaller {
    /// In its own frame, at the frame pointer plus eight.
    InOwnFrame,
    /// At this stack address; the frame pointer is the caller's.
    OnStack(usize),
}

/// Tells where the return address is, by the instruction at the program counter, which lies in guest code that ends
/// at `code_end`.
pub(crate) fn leaf_caller(registers: &Registers, code_end: usize) -> LeafCaller {
    let byte = |offset: usize| {
        let address = registers.pc.checked_add(offset).filter(|address| *address < code_end)?;
        // SAFETY: the program counter lies in published guest code, which is readable up to `code_end` and stays
        // mapped while this thread executes in it.
        Some(unsafe { (address as *const u8).read() })
    };
    match byte(0) {
        Some(PUSH_RBP | RET | RET_IMM) => LeafCaller::OnStack(registers.sp),
        Some(first) if [Some(first), byte(1), byte(2)] == MOV_RBP_RSP.map(Some) => {
            LeafCaller::OnStack(registers.sp.saturating_add(8))
        }
        _ => LeafCaller::InOwnFrame,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prologue_and_epilogue_keep_the_return_address_on_the_stack() {
        let code = [0x55u8, 0x48, 0x89, 0xe5, 0x90, 0x5d, 0xc3, 0x48, 0x89];
        let start = code.as_ptr() as usize;
        let at = |offset: usize| {
            leaf_caller(
                &Registers { pc: start + offset, sp: 0x100, fp: 0x200, is_in_handler: false },
                start + code.len(),
            )
        };
        assert_eq!(at(0), LeafCaller::OnStack(0x100));
        assert_eq!(at(1), LeafCaller::OnStack(0x108));
        assert_eq!(at(4), LeafCaller::InOwnFrame);
        assert_eq!(at(5), LeafCaller::InOwnFrame);
        assert_eq!(at(6), LeafCaller::OnStack(0x100));
        assert_eq!(at(7), LeafCaller::InOwnFrame);
    }
}
