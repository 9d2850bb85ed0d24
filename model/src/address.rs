//! Native addresses, and what kind of program counter one is.

use std::fmt;

/// An address in the memory of the process whose stacks were sampled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NativeAddress(u64);

impl NativeAddress {
    /// Wraps an address as the processor saw it.
    pub const fn new(address: u64) -> Self {
        Self(address)
    }

    /// Returns the address as a number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the distance in bytes from `base`, or `None` when this address lies below it.
    pub fn offset_from(self, base: NativeAddress) -> Option<u64> {
        self.0.checked_sub(base.0)
    }

    /// Returns the address that names the instruction the frame is *in*.
    ///
    /// A return address points behind its call, which may be the first instruction of another line or of another
    /// function; the byte before it belongs to the call. This is the only place where the one is subtracted.
    pub fn lookup_offset(self, kind: PcKind) -> NativeAddress {
        match kind {
            PcKind::Interrupted => self,
            PcKind::ReturnAddress => NativeAddress(self.0.saturating_sub(1)),
        }
    }
}

impl fmt::Display for NativeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// How a frame's program counter was obtained.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PcKind {
    /// The instruction that was about to run when the signal came: the address itself is looked up.
    Interrupted,
    /// Read from a caller's frame: it points behind the call.
    ReturnAddress,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_address_looks_up_the_call_and_interrupted_the_instruction() {
        let pc = NativeAddress::new(0x1000);
        assert_eq!(pc.lookup_offset(PcKind::Interrupted).get(), 0x1000);
        assert_eq!(pc.lookup_offset(PcKind::ReturnAddress).get(), 0xfff);
    }
}
