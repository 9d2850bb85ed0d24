//! A bound on the work that a module's debug information can cause.

/// What is said of debug information that cannot be read: it is broken, or it takes more work than any honest one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unreadable;

impl From<gimli::Error> for Unreadable {
    fn from(_: gimli::Error) -> Self {
        Self
    }
}

/// Work that is allowed whatever the size, so that small modules are never refused.
const BASE: u64 = 1 << 20;
/// Units of work allowed for each byte of debug information; honest modules use less than two.
const PER_BYTE: u64 = 16;

/// The work that may still be done for one module.
///
/// Sections of DWARF point into each other freely: a megabyte of units that all share one line program of a megabyte
/// would keep a reader busy for days. Whatever reads spends a unit for each byte or entry that it reads, and stops
/// when nothing is left.
#[derive(Debug)]
pub(crate) struct Fuel(u64);

impl Fuel {
    /// Allows work in proportion to the bytes of debug information.
    pub(crate) fn for_bytes(debug_bytes: usize) -> Self {
        Self(BASE.saturating_add(PER_BYTE.saturating_mul(debug_bytes as u64)))
    }

    /// Spends some; refuses for ever once too little is left.
    pub(crate) fn spend(&mut self, amount: usize) -> Result<(), Unreadable> {
        let left = self.0.checked_sub(amount as u64);
        self.0 = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuel_that_ran_out_stays_out() {
        let mut fuel = Fuel::for_bytes(0);
        assert_eq!(fuel.spend(BASE as usize), Ok(()));
        assert_eq!(fuel.spend(1), Err(Unreadable));
        let mut fuel = Fuel::for_bytes(10);
        assert_eq!(fuel.spend(usize::MAX), Err(Unreadable));
        assert_eq!(fuel.spend(1), Err(Unreadable));
    }
}
