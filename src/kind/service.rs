//! Services: who says and who hears.

use super::{Attribute, Form, Kind, KindId, Place, Property, Scope, Type, Values, Wanted, nested, property};

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

const PREFETCH: Property = property(
    "prefetch",
    Wanted::Whole(0, 65535),
    "How many messages it may hold unacknowledged; where nothing is said, 16 or as many as it handles at a time, and 0 is no bound.",
    r#"consumes "inventory.queue" prefetch=16"#,
);

const NESTED: &[Form] = &[
    nested(
        "consumes",
        true,
        "A queue or super stream that it consumes from, and the messages that it expects there.",
        r#"consumes "inventory.queue" prefetch=16 concurrency=4 { on "OrderCreated" }"#,
    )
    .values(Values::Name("the name of a queue"))
    .properties(&[
        PREFETCH,
        property(
            "concurrency",
            Wanted::Whole(1, 65535),
            "How many messages are handled at a time; 1 where nothing is said.",
            r#"consumes "inventory.queue" concurrency=4"#,
        ),
        property(
            "ack",
            Wanted::OneOf(&["manual", "auto"]),
            "Whether it acknowledges a message once it is handled, or the broker forgets it as soon as it is sent.",
            r#"consumes "inventory.queue" ack="manual""#,
        ),
        property(
            "vhost",
            Wanted::Text,
            "The queue's vhost, where its name stands in several.",
            r#"consumes "inventory.queue" vhost="shop""#,
        ),
    ])
    .children(&[nested(
        "on",
        true,
        "A message that it expects in the queue; without any, whatever comes has one handler.",
        r#"consumes "inventory.queue" { on "OrderCreated" }"#,
    )
    .values(Values::Name("the name of a message"))]),
    nested("publishes", true, "A message that it publishes.", r#"publishes "InventoryReserved""#)
        .values(Values::Name("the name of a message")),
    nested("calls", true, "An rpc that it calls.", r#"calls "ConfirmPayment""#)
        .values(Values::Name("the name of an rpc")),
    nested(
        "answers",
        true,
        "An rpc that it answers.",
        r#"answers "ConfirmPayment" prefetch=8 concurrency=4"#,
    )
    .values(Values::Name("the name of an rpc"))
    .properties(&[
        property(
            "prefetch",
            Wanted::Whole(0, 65535),
            "How many questions it may hold unanswered; generated code holds as many as it answers at a time.",
            r#"answers "ConfirmPayment" prefetch=8"#,
        ),
        property(
            "concurrency",
            Wanted::Whole(1, 65535),
            "How many questions are answered at a time; 1 where nothing is said.",
            r#"answers "ConfirmPayment" concurrency=4"#,
        ),
    ]),
    nested(
        "user",
        false,
        "The user that it connects as, with exactly the permissions that its flows need; no more than the name of one that is described elsewhere.",
        r#"user "inventory" { password env="INVENTORY_PASSWORD" }"#,
    ),
];
