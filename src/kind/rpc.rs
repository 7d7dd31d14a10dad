//! Remote procedure calls: a question, its answer, and the queue between.

use super::{Attribute, Kind, KindId, Place, Scope, Type};

pub(super) const RPC: Kind = Kind {
    id: KindId::Rpc,
    keyword: "rpc",
    scope: Scope::Contract,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: &[],
    wire: None,
    doc: "A remote procedure call: `calls` asks, `answers` responds.",
    page: include_str!("rpc.md"),
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "name",
        Place::Nowhere,
        Type::Text,
        "Its name, in UpperCamelCase.",
        r#"rpc "ConfirmPayment""#,
    )
    .required(),
    Attribute::new(
        "request",
        Place::Nowhere,
        Type::Text,
        "The type of the question.",
        r#"request "PaymentRequest""#,
    )
    .required(),
    Attribute::new(
        "response",
        Place::Nowhere,
        Type::Text,
        "The type of the answer.",
        r#"response "PaymentDecision""#,
    )
    .required(),
    Attribute::new(
        "queue",
        Place::Nowhere,
        Type::Queue,
        "The queue that questions wait in.",
        r#"queue "payment.rpc""#,
    )
    .required(),
    Attribute::new(
        "vhost",
        Place::Nowhere,
        Type::Text,
        "The queue's vhost, where its name stands in several.",
        r#"vhost "shop""#,
    ),
    Attribute::new(
        "timeout",
        Place::Nowhere,
        Type::Duration(1, 4_294_967_295),
        "How long the caller waits.",
        r#"timeout "5s""#,
    ),
];
