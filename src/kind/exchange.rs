//! Exchanges. Source: `rabbit_exchange`, `rabbit_exchange_type_*` and the plugins that ship with the broker.

use super::{
    Attribute, Change, Form, Kind, KindId, Place, Preset, Scope, Segment, Twin, Type, Values, Version, Wire,
    nested, version,
};

pub(super) const EXCHANGE: Kind = Kind {
    id: KindId::Exchange,
    keyword: "exchange",
    scope: Scope::Vhost,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: NESTED,
    wire: Some(Wire {
        list: "exchanges",
        component: None,
        container: "",
        path: &[Segment::Word("exchanges"), Segment::Vhost, Segment::Field("name")],
    }),
    doc: "An exchange: where messages are published, and from where bindings take them.",
    page: include_str!("exchange.md"),
};

/// An exchange type that topoc knows.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeType {
    /// The broker's word.
    pub name: &'static str,
    /// The plugin that brings it; none for what every broker has.
    pub plugin: Option<&'static str>,
    /// The first series that has it.
    pub since: Version,
}

const fn plugin(name: &'static str, plugin: &'static str) -> ExchangeType {
    ExchangeType { name, plugin: Some(plugin), since: super::OLDEST }
}

const fn core(name: &'static str, since: Version) -> ExchangeType {
    ExchangeType { name, plugin: None, since }
}

/// The exchange types that topoc knows; others are taken as they are.
pub const TYPES: &[ExchangeType] = &[
    core("direct", super::OLDEST),
    core("topic", super::OLDEST),
    core("fanout", super::OLDEST),
    core("headers", super::OLDEST),
    core("x-local-random", version(4, 0)),
    plugin("x-consistent-hash", "rabbitmq_consistent_hash_exchange"),
    plugin("x-modulus-hash", "rabbitmq_sharding"),
    plugin("x-random", "rabbitmq_random_exchange"),
    plugin("x-recent-history", "rabbitmq_recent_history_exchange"),
    plugin("x-delayed-message", "rabbitmq_delayed_message_exchange"),
    plugin("x-jms-topic", "rabbitmq_jms_topic_exchange"),
];

/// Their names.
const TYPE_NAMES: &[&str] = &{
    let mut names = [""; TYPES.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = TYPES[at].name;
        at += 1;
    }
    names
};

/// Whether an exchange type is one that topoc knows.
#[must_use]
pub fn is_known(exchange_type: &str) -> bool {
    TYPE_NAMES.contains(&exchange_type)
}

/// Whether every vhost has an exchange of that name without being asked (`rabbit_vhost:add`).
#[must_use]
pub fn is_predeclared(name: &str) -> bool {
    predeclared_type(name).is_some()
}

/// The type of an exchange that every vhost has.
#[must_use]
pub fn predeclared_type(name: &str) -> Option<&'static str> {
    match name {
        "" | "amq.direct" => Some("direct"),
        "amq.fanout" => Some("fanout"),
        "amq.topic" | "amq.rabbitmq.trace" => Some("topic"),
        "amq.headers" | "amq.match" => Some("headers"),
        _ => None,
    }
}

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "name",
        Place::Body("name"),
        Type::Text,
        "Its name, at most 255 bytes; `amq.` is reserved.",
        r#"exchange "orders""#,
    )
    .required(),
    Attribute::new(
        "type",
        Place::Body("type"),
        Type::Open(TYPE_NAMES),
        "How it routes: `direct`, `topic`, `fanout`, `headers`, or a plugin's type.",
        r#"type "topic""#,
    )
    .change(Change::Replace)
    .required(),
    Attribute::new(
        "durable",
        Place::Body("durable"),
        Type::Bool,
        "Whether it survives a restart of the broker.",
        "durable #true",
    )
    .change(Change::Replace)
    .default(Preset::Bool(true)),
    Attribute::new(
        "auto-delete",
        Place::Body("auto_delete"),
        Type::Bool,
        "Whether it goes with its last binding.",
        "auto-delete #false",
    )
    .change(Change::Replace)
    .default(Preset::Bool(false)),
    Attribute::new(
        "internal",
        Place::Body("internal"),
        Type::Bool,
        "Whether only other exchanges may publish to it.",
        "internal #false",
    )
    .change(Change::Replace)
    .default(Preset::Bool(false)),
    Attribute::argument(
        "alternate-exchange",
        "alternate-exchange",
        Type::Exchange,
        "Gets what this exchange cannot route.",
        r#"alternate-exchange "unrouted""#,
    )
    .twin(Twin::Argument),
    Attribute::new(
        "moved-from",
        Place::Nowhere,
        Type::Text,
        "The name that it had: `apply` binds it to all that the exchange of that name is bound to, which goes once nobody publishes to it.",
        r#"moved from="orders.old""#,
    )
    .within("moved", Some("from")),
    Attribute::argument(
        "hash-header",
        "hash-header",
        Type::Text,
        "The header whose value is hashed, in place of the routing key.",
        r#"hash-header "tenant""#,
    )
    .on(&["x-consistent-hash"]),
    Attribute::argument(
        "hash-property",
        "hash-property",
        Type::OneOf(&["message_id", "correlation_id", "timestamp"]),
        "The property whose value is hashed, in place of the routing key.",
        r#"hash-property "correlation_id""#,
    )
    .on(&["x-consistent-hash"]),
    Attribute::argument(
        "recent-history-length",
        "x-recent-history-length",
        Type::Integer(1, i64::MAX),
        "How many messages a new binding gets again.",
        "recent-history-length 20",
    )
    .on(&["x-recent-history"]),
    Attribute::argument(
        "delayed-type",
        "x-delayed-type",
        Type::Open(TYPE_NAMES),
        "How it routes once the delay is over.",
        r#"delayed-type "topic""#,
    )
    .on(&["x-delayed-message"])
    .required_there(),
];

const NESTED: &[Form] = &[
    nested(
        "bind",
        true,
        "A binding from another exchange to this one.",
        r##"bind "orders" routing-key="#""##,
    ),
    nested(
        "argument",
        true,
        "An argument that topoc does not know, typed by its KDL value.",
        r#"argument "x-vendor" 5"#,
    )
    .values(Values::NameAnd("a name and a value", 1))
    .free_children(),
];
