//! What is particular to x86-64.

mod leaf;
mod registers;
mod thread_pointer;

pub(crate) use leaf::{LeafCaller, leaf_caller};
pub(crate) use registers::Registers;
pub(crate) use thread_pointer::thread_pointer;
