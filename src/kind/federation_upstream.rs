//! Federation upstreams. Source: `rabbit_federation_parameters`.

use super::{Attribute, Kind, KindId, Place, Scope, Segment, Type, Wire, queue::TYPES, version};

pub(super) const FEDERATION_UPSTREAM: Kind = Kind {
    id: KindId::FederationUpstream,
    keyword: "federation-upstream",
    scope: Scope::Vhost,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: &[],
    wire: Some(Wire {
        list: "parameters",
        component: Some("federation-upstream"),
        container: "value",
        path: &[
            Segment::Word("parameters"),
            Segment::Word("federation-upstream"),
            Segment::Vhost,
            Segment::Field("name"),
        ],
    }),
    doc: "A broker whose exchanges and queues policies can federate with.",
    page: include_str!("federation_upstream.md"),
};

const MAX: i64 = i64::MAX;

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new("name", Place::Body("name"), Type::Text, "Its name.", r#"federation-upstream "eu" uri-env="EU_URI""#).required(),
    Attribute::new("uri", Place::Key("uri"), Type::Secret, "The upstream's AMQP address.", r#"uri env="EU_URI""#).required(),
    Attribute::new("exchange", Place::Key("exchange"), Type::Text, "The upstream's exchange, where its name differs.", r#"exchange "orders""#),
    Attribute::new("queue", Place::Key("queue"), Type::Text, "The upstream's queue, where its name differs.", r#"queue "orders""#),
    Attribute::new("consumer-tag", Place::Key("consumer-tag"), Type::Text, "The consumer tag on the upstream.", r#"consumer-tag "federation""#),
    Attribute::new("prefetch-count", Place::Key("prefetch-count"), Type::Integer(0, 65535), "How many messages may be on their way; 1000.", "prefetch-count 100"),
    Attribute::new("reconnect-delay", Place::Key("reconnect-delay"), Type::Seconds(0, MAX), "The seconds before it connects again; 1.", "reconnect-delay 5"),
    Attribute::new("max-hops", Place::Key("max-hops"), Type::Integer(1, MAX), "How many federation links a message may cross; 1.", "max-hops 1"),
    Attribute::new("expires", Place::Key("expires"), Type::Duration(1, MAX), "How long the upstream's queue outlives a lost link.", r#"expires "1h""#),
    Attribute::new("message-ttl", Place::Key("message-ttl"), Type::Duration(0, MAX), "How long messages wait in the upstream's queue.", r#"message-ttl "1h""#),
    Attribute::new("trust-user-id", Place::Key("trust-user-id"), Type::Bool, "Whether the upstream's `user-id` is kept.", "trust-user-id #false"),
    Attribute::new("ack-mode", Place::Key("ack-mode"), Type::OneOf(&["on-confirm", "on-publish", "no-ack"]), "When the upstream may forget a message; `on-confirm`.", r#"ack-mode "on-confirm""#),
    Attribute::new("resource-cleanup-mode", Place::Key("resource-cleanup-mode"), Type::OneOf(&["default", "never"]), "Whether the upstream's queue is deleted when it is not needed.", r#"resource-cleanup-mode "never""#),
    Attribute::new("queue-type", Place::Key("queue-type"), Type::OneOf(TYPES), "The type of the upstream's queue; changing it deletes that queue unless `resource-cleanup-mode` is `never`.", r#"queue-type "quorum""#)
        .since(version(3, 13)),
    Attribute::new("bind-nowait", Place::Key("bind-nowait"), Type::Bool, "Whether bindings on the upstream are not waited for.", "bind-nowait #false"),
    Attribute::new("channel-use-mode", Place::Key("channel-use-mode"), Type::OneOf(&["multiple", "single"]), "Whether a link uses several channels.", r#"channel-use-mode "multiple""#)
        .since(version(3, 13)),
];
