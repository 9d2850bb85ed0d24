//! What is particular to 64-bit Arm. Unverified: it has not run on such a machine.

mod leaf;
mod registers;
mod thread_pointer;

pub(crate) use leaf::{LeafCaller, leaf_caller};
pub(crate) use registers::Registers;
pub(crate) use thread_pointer::thread_pointer;
