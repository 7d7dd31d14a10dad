//! Dynamic shovels. Source: `rabbit_shovel_parameters`.

use super::{Attribute, Kind, KindId, Place, Scope, Segment, Type, Wire};

pub(super) const SHOVEL: Kind = Kind {
    id: KindId::Shovel,
    keyword: "shovel",
    scope: Scope::Vhost,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: &[],
    wire: Some(Wire {
        list: "parameters",
        component: Some("shovel"),
        container: "value",
        path: &[Segment::Word("parameters"), Segment::Word("shovel"), Segment::Vhost, Segment::Field("name")],
    }),
    doc: "A shovel: moves messages from one queue or exchange to another, also between brokers.",
    page: include_str!("shovel.md"),
};

const PROTOCOLS: &[&str] = &["amqp091", "amqp10", "local"];
const MAX: i64 = i64::MAX;

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new("name", Place::Body("name"), Type::Text, "Its name.", r#"shovel "drain-old""#).required(),
    Attribute::new(
        "src-uri",
        Place::Key("src-uri"),
        Type::Secret,
        "The address it takes from; without one, the broker itself.",
        r#"source queue="old" uri-env="OLD_URI""#,
    )
    .within("source", Some("uri")),
    Attribute::new(
        "src-protocol",
        Place::Key("src-protocol"),
        Type::OneOf(PROTOCOLS),
        "How it takes; `amqp091`.",
        r#"source queue="old" uri-env="URI" protocol="amqp091""#,
    )
    .within("source", Some("protocol")),
    Attribute::new(
        "src-queue",
        Place::Key("src-queue"),
        Type::Text,
        "The queue it takes from.",
        r#"source queue="old" uri-env="URI""#,
    )
    .within("source", Some("queue")),
    Attribute::new(
        "src-exchange",
        Place::Key("src-exchange"),
        Type::Text,
        "The exchange it takes from, in place of a queue.",
        r#"source exchange="orders" uri-env="URI""#,
    )
    .within("source", Some("exchange")),
    Attribute::new(
        "src-exchange-key",
        Place::Key("src-exchange-key"),
        Type::Text,
        "The key it binds to that exchange with.",
        r##"source exchange="orders" exchange-key="#" uri-env="URI""##,
    )
    .within("source", Some("exchange-key")),
    Attribute::new(
        "src-prefetch-count",
        Place::Key("src-prefetch-count"),
        Type::Integer(0, 65535),
        "How many messages may be on their way; 1000.",
        r#"source queue="old" uri-env="URI" prefetch-count=100"#,
    )
    .within("source", Some("prefetch-count")),
    Attribute::new(
        "src-delete-after",
        Place::Key("src-delete-after"),
        Type::Json,
        "When the shovel goes: `never`, `queue-length`, or after so many messages.",
        r#"source queue="old" uri-env="URI" delete-after="queue-length""#,
    )
    .within("source", Some("delete-after")),
    Attribute::new(
        "src-predeclared",
        Place::Key("src-predeclared"),
        Type::Bool,
        "Whether the source must already be there.",
        r#"source queue="old" uri-env="URI" predeclared=#true"#,
    )
    .within("source", Some("predeclared")),
    Attribute::new(
        "dest-uri",
        Place::Key("dest-uri"),
        Type::Secret,
        "The address it gives to; without one, the broker itself.",
        r#"destination queue="new" uri-env="NEW_URI""#,
    )
    .within("destination", Some("uri")),
    Attribute::new(
        "dest-protocol",
        Place::Key("dest-protocol"),
        Type::OneOf(PROTOCOLS),
        "How it gives; `amqp091`.",
        r#"destination queue="new" uri-env="URI" protocol="amqp091""#,
    )
    .within("destination", Some("protocol")),
    Attribute::new(
        "dest-queue",
        Place::Key("dest-queue"),
        Type::Text,
        "The queue it gives to.",
        r#"destination queue="new" uri-env="URI""#,
    )
    .within("destination", Some("queue")),
    Attribute::new(
        "dest-exchange",
        Place::Key("dest-exchange"),
        Type::Text,
        "The exchange it publishes to, in place of a queue.",
        r#"destination exchange="orders" uri-env="URI""#,
    )
    .within("destination", Some("exchange")),
    Attribute::new(
        "dest-exchange-key",
        Place::Key("dest-exchange-key"),
        Type::Text,
        "The key it publishes with; else the message's own.",
        r#"destination exchange="orders" exchange-key="order.old" uri-env="URI""#,
    )
    .within("destination", Some("exchange-key")),
    Attribute::new(
        "dest-add-forward-headers",
        Place::Key("dest-add-forward-headers"),
        Type::Bool,
        "Whether it adds `x-shovelled` headers.",
        r#"destination queue="new" uri-env="URI" add-forward-headers=#true"#,
    )
    .within("destination", Some("add-forward-headers")),
    Attribute::new(
        "dest-add-timestamp-header",
        Place::Key("dest-add-timestamp-header"),
        Type::Bool,
        "Whether it adds the time.",
        r#"destination queue="new" uri-env="URI" add-timestamp-header=#true"#,
    )
    .within("destination", Some("add-timestamp-header")),
    Attribute::new(
        "dest-predeclared",
        Place::Key("dest-predeclared"),
        Type::Bool,
        "Whether the destination must already be there.",
        r#"destination queue="new" uri-env="URI" predeclared=#true"#,
    )
    .within("destination", Some("predeclared")),
    Attribute::new(
        "ack-mode",
        Place::Key("ack-mode"),
        Type::OneOf(&["on-confirm", "on-publish", "no-ack"]),
        "When the source may forget a message; `on-confirm`.",
        r#"ack-mode "on-confirm""#,
    ),
    Attribute::new(
        "reconnect-delay",
        Place::Key("reconnect-delay"),
        Type::Seconds(0, MAX),
        "The seconds before it connects again; 5.",
        "reconnect-delay 5",
    ),
];
