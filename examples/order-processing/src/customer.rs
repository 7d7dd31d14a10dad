//! Customers: place orders over HTTP and wait until each has reached its end.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// How long an order may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is ordered, in turn: most of it goes well, some of it on purpose not.
const BASKETS: &[(&str, u32, bool)] = &[
    ("teapot", 1, false),
    ("kettle", 2, true),
    ("unicorn", 1, false), // nobody has one: out of stock
    ("teacup", 6, false),
    ("diamond", 1, false),     // more than the card holds: the payment is refused
    ("flaky-lamp", 1, false),  // the payment gateway is busy at first: tried again
    ("cursed-doll", 1, false), // breaks the inventory service: a poison message
    ("spoon", 12, true),
];

/// Places so many orders at the shop and waits for them.
#[expect(clippy::print_stdout, reason = "what a customer sees")]
pub(crate) fn run(orders: Option<String>, shop: &str) -> Result<(), Error> {
    let orders: usize = orders.map_or(Ok(BASKETS.len()), |text| text.parse())?;
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).build().into();
    let mut placed = Vec::new();
    for index in 0..orders {
        let (sku, quantity, urgent) = BASKETS[index % BASKETS.len()];
        let order = json!({
            "customer": format!("customer-{index}"),
            "items": [{ "sku": sku, "quantity": quantity }],
            "urgent": urgent,
        });
        let answer: Value =
            agent.post(format!("http://{shop}/orders")).send_json(&order)?.body_mut().read_json()?;
        let id = answer["order-id"].as_str().ok_or("the order service gives no order-id")?.to_owned();
        println!("POST /orders {quantity} × {sku}{} → {id}", if urgent { ", urgent" } else { "" });
        placed.push((id, sku));
    }
    let start = Instant::now();
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for (id, sku) in placed {
        let end = loop {
            let answer: Value =
                agent.get(format!("http://{shop}/orders/{id}")).call()?.body_mut().read_json()?;
            let state = answer["state"].as_str().unwrap_or_default().to_owned();
            if matches!(state.as_str(), "completed" | "cancelled") {
                break match answer["reason"].as_str() {
                    Some(reason) => format!("{state} ({reason})"),
                    None => state,
                };
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("order {id} ({sku}) is still {state}").into());
            }
            thread::sleep(Duration::from_millis(100));
        };
        *ends.entry(end).or_default() += 1;
    }
    for (end, count) in ends {
        println!("{count} {} {end}", if count == 1 { "order is" } else { "orders are" });
    }
    Ok(())
}
