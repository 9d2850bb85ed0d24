//! Booked orders and their signature.

use crate::pricing::Order;
use sha2::{Digest, Sha256};

#[derive(Default)]
pub struct Ledger {
    chain: [u8; 32],
    booked: usize,
}

impl Ledger {
    /// Books a batch; each entry is chained to the one before it.
    pub fn book(&mut self, orders: Vec<Order>) {
        for order in orders {
            self.chain = chained(&self.chain, &order);
            self.booked += 1;
        }
    }

    pub fn len(&self) -> usize {
        self.booked
    }

    pub fn signature(&self) -> String {
        self.chain.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

fn chained(previous: &[u8; 32], order: &Order) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(order.id.to_le_bytes());
    hash.update(order.total_cents.to_le_bytes());
    hash.update(order.customer.as_bytes());
    hash.finalize().into()
}
