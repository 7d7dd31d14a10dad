//! Topic permissions. Source: `rabbit_auth_backend_internal:check_topic_access`.

use super::{Attribute, Kind, KindId, Place, Scope, Segment, Type, Wire};

pub(super) const TOPIC_PERMISSION: Kind = Kind {
    id: KindId::TopicPermission,
    keyword: "topic-permission",
    scope: Scope::Vhost,
    identity: &["user", "exchange"],
    attributes: ATTRIBUTES,
    nested: &[],
    wire: Some(Wire {
        list: "topic_permissions",
        component: None,
        container: "",
        path: &[Segment::Word("topic-permissions"), Segment::Vhost, Segment::Field("user")],
    }),
    doc: "Which routing keys a user may use on a topic exchange; without one, all.",
    page: include_str!("topic_permission.md"),
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "user",
        Place::Body("user"),
        Type::Text,
        "The user that holds the `topic-permission`.",
        r#"user "shop" { topic-permission "orders" write="" read=".*" }"#,
    )
    .implied(),
    Attribute::new(
        "exchange",
        Place::Body("exchange"),
        Type::Exchange,
        "The topic exchange.",
        r#"topic-permission "orders" write="^order\\." read=".*""#,
    )
    .required(),
    Attribute::new(
        "vhost",
        Place::Nowhere,
        Type::Text,
        "The vhost that it is for; `/` where nothing is said.",
        r#"vhost "shop""#,
    ),
    Attribute::new(
        "write",
        Place::Body("write"),
        Type::Pattern,
        "The keys that it may publish with.",
        r#"write="^order\\.""#,
    )
    .required(),
    Attribute::new(
        "read",
        Place::Body("read"),
        Type::Pattern,
        "The keys that it may bind with.",
        r#"read=".*""#,
    )
    .required(),
];
