//! Services: who says and who hears.

use super::{Attribute, Kind, KindId, Nested, Place, Scope, Type, nested};

pub(super) const SERVICE: Kind = Kind {
    id: KindId::Service,
    keyword: "service",
    scope: Scope::Contract,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: NESTED,
    wire: None,
    doc: "A service: what it consumes, publishes, calls and answers.",
    page: include_str!("service.md"),
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new("name", Place::Nowhere, Type::Text, "Its name.", r#"service "inventory""#).required(),
    Attribute::new(
        "description",
        Place::Nowhere,
        Type::Text,
        "What it does, for diagrams and generated docs.",
        r#"description "Keeps the stock""#,
    ),
];

const NESTED: &[Nested] = &[
    nested(
        "consumes",
        true,
        "A queue that it consumes from, and the messages that it expects there.",
        r#"consumes "inventory.queue" prefetch=16 concurrency=4 { on "OrderCreated" }"#,
    ),
    nested("publishes", true, "A message that it publishes.", r#"publishes "InventoryReserved""#),
    nested("calls", true, "An rpc that it calls.", r#"calls "ConfirmPayment""#),
    nested(
        "answers",
        true,
        "An rpc that it answers.",
        r#"answers "ConfirmPayment" prefetch=8 concurrency=4"#,
    ),
    nested(
        "user",
        false,
        "The user that it connects as, with exactly the permissions that its flows need; no more than the name of one that is described elsewhere.",
        r#"user "inventory" { password env="INVENTORY_PASSWORD" }"#,
    ),
];
