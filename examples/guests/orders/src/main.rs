//! A small order service without the network: it parses orders from JSON, prices them, sorts them, signs the result.

mod ledger;
mod pricing;

use ledger::Ledger;
use pricing::Order;

fn main() {
    let rounds: u32 = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(15_000);
    let mut ledger = Ledger::default();
    for round in 0..rounds {
        let text = incoming(round);
        let orders: Vec<Order> = serde_json::from_str(&text).expect("the orders are our own");
        ledger.book(pricing::price_all(orders));
    }
    println!("{} orders, signature {}", ledger.len(), ledger.signature());
}

/// Makes a batch of orders, as a client would send it.
fn incoming(round: u32) -> String {
    let orders: Vec<Order> = (0..50).map(|line| Order::sample(round, line)).collect();
    serde_json::to_string(&orders).expect("orders serialize")
}
