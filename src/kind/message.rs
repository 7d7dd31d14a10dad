//! Messages: what is said, where it is published, and what it carries.

use super::{Attribute, Form, Kind, KindId, Place, Preset, Scope, Type, Values, Wanted, nested, property};

pub(super) const MESSAGE: Kind = Kind {
    id: KindId::Message,
    keyword: "message",
    scope: Scope::Contract,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: NESTED,
    wire: None,
    doc: "A message: where it is published, with which key, and what it carries.",
    page: include_str!("message.md"),
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "name",
        Place::Nowhere,
        Type::Text,
        "Its name, in UpperCamelCase.",
        r#"message "OrderCreated" version=1"#,
    )
    .required(),
    Attribute::new(
        "version",
        Place::Nowhere,
        Type::Integer(1, u32::MAX as i64),
        "The version of its payload.",
        "version 1",
    )
    .default(Preset::Integer(1)),
    Attribute::new(
        "important",
        Place::Nowhere,
        Type::Bool,
        "Whether losing one matters: the reliability lints apply in full.",
        "important",
    )
    .default(Preset::Bool(false)),
    Attribute::new(
        "persistent",
        Place::Nowhere,
        Type::Bool,
        "Whether it is written to disk where the queue is durable.",
        "persistent #true",
    )
    .default(Preset::Bool(true)),
    Attribute::new(
        "mandatory",
        Place::Nowhere,
        Type::Bool,
        "Whether the publisher hears when no queue receives it.",
        "mandatory #true",
    )
    .default(Preset::Bool(true)),
    Attribute::new(
        "priority",
        Place::Nowhere,
        Type::Integer(0, 255),
        "The priority it is published with unless the call says another.",
        "priority 5",
    ),
    Attribute::new(
        "expiration",
        Place::Nowhere,
        Type::Duration(0, 4_294_967_295),
        "How long it may wait in a queue.",
        r#"expiration "10m""#,
    ),
];

const NESTED: &[Form] = &[
    nested(
        "publish-to",
        false,
        "The exchange and routing key; `{name}` in the key is a payload field or a `key`.",
        r#"publish-to "orders" routing-key="order.{country}.created""#,
    )
    // the default exchange has no name
    .values(Values::Text("the name of an exchange"))
    .properties(&[
        property(
            "routing-key",
            Wanted::AnyText,
            "The key that it is published with, with `{name}` for each parameter.",
            r#"publish-to "orders" routing-key="order.{country}.created""#,
        ),
        property(
            "vhost",
            Wanted::Text,
            "The exchange's vhost, where its name stands in several.",
            r#"publish-to "orders" routing-key="order.created" vhost="shop""#,
        ),
    ]),
    nested(
        "key",
        true,
        "A parameter of the routing key that is no payload field.",
        r#"key "country" { one-of "de" "fr" }"#,
    )
    .values(Values::Name("the name of a parameter"))
    .children(&[nested(
        "one-of",
        false,
        "The words that the parameter may be; else any one word.",
        r#"key "country" { one-of "de" "fr" }"#,
    )
    .values(Values::Several("the words that it may be"))]),
    nested(
        "header",
        true,
        "A header: with a constant, or with a type that the publisher gives.",
        r#"header "tier" type="string""#,
    )
    .values(Values::NameAnd("a name, and a value or a type", 1))
    .properties(&[property(
        "type",
        Wanted::Text,
        "The type of the value that the publisher gives.",
        r#"header "tier" type="string""#,
    )]),
    nested(
        "payload",
        false,
        "The fields, or `schema=\"file.json\"`, or `rust-type=\"crate::Model\"`.",
        r#"payload { order-id "uuid"; note "string?" }"#,
    )
    .values(Values::None)
    .properties(&[
        property(
            "schema",
            Wanted::Text,
            "A JSON Schema file, relative to this one, that says what the payload holds.",
            r#"payload schema="schemas/shipment-moved.schema.json""#,
        ),
        property(
            "rust-type",
            Wanted::Text,
            "A Rust type of the service's own that the payload is, by its path.",
            r#"payload rust-type="crate::model::ShipmentMoved""#,
        ),
    ])
    .free_children(),
];
