//! What an order costs.

use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    pub id: u64,
    pub customer: String,
    pub items: Vec<Item>,
    #[serde(default)]
    pub total_cents: u64,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Item {
    pub sku: String,
    pub quantity: u32,
    pub unit_cents: u32,
}

impl Order {
    pub fn sample(round: u32, line: u32) -> Order {
        let id = u64::from(round) * 1000 + u64::from(line * 7919 % 1000);
        let item = |n: u32| Item {
            sku: format!("SKU-{:05}", (round * 31 + line * 17 + n * 7) % 50_000),
            quantity: 1 + (line + n) % 9,
            unit_cents: 99 + (round * 13 + n * 101) % 10_000,
        };
        Order { id, customer: format!("customer {}", id % 977), items: (0..1 + line % 5).map(item).collect(), total_cents: 0 }
    }
}

/// Prices a batch and puts the dearest first.
pub fn price_all(mut orders: Vec<Order>) -> Vec<Order> {
    for order in &mut orders {
        order.total_cents = order.items.iter().map(price_of).sum();
    }
    orders.sort_by(|a, b| b.total_cents.cmp(&a.total_cents).then_with(|| a.customer.cmp(&b.customer)));
    orders
}

/// The price of one line, with a discount that grows with the quantity.
fn price_of(item: &Item) -> u64 {
    let full = u64::from(item.quantity) * u64::from(item.unit_cents);
    full * (100 - u64::from(item.quantity.min(10))) / 100
}
