//! Virtual hosts. Source: `rabbit_vhost`, `rabbit_mgmt_wm_vhost`.

use super::{Attribute, Form, Kind, KindId, Place, Scope, Segment, Type, Wire, nested, queue::TYPES};

pub(super) const VHOST: Kind = Kind {
    id: KindId::Vhost,
    keyword: "vhost",
    scope: Scope::Global,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: NESTED,
    wire: Some(Wire {
        list: "vhosts",
        component: None,
        container: "",
        path: &[Segment::Word("vhosts"), Segment::Field("name")],
    }),
    doc: "A virtual host: a namespace of exchanges, queues and permissions.",
    page: include_str!("vhost.md"),
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new("name", Place::Body("name"), Type::Text, "Its name.", r#"vhost "shop""#).required(),
    Attribute::new(
        "description",
        Place::Body("description"),
        Type::Text,
        "What it is for, shown in the management UI.",
        r#"description "The web shop""#,
    ),
    Attribute::new(
        "tags",
        Place::Body("tags"),
        Type::Words(&[]),
        "Words to find it by.",
        r#"tags "production" "shop""#,
    ),
    Attribute::new(
        "default-queue-type",
        Place::Body("default_queue_type"),
        Type::OneOf(TYPES),
        "The type of queues that are declared without one. RabbitMQ 3.10 ignores it.",
        r#"default-queue-type "quorum""#,
    ),
    Attribute::new(
        "tracing",
        Place::Body("tracing"),
        Type::Bool,
        "Whether the firehose copies every message to `amq.rabbitmq.trace`.",
        "tracing #false",
    )
    .default(super::Preset::Bool(false)),
];

const NESTED: &[Form] = &[
    nested("exchange", true, "An exchange in this vhost.", r#"exchange "orders" type="topic""#),
    nested("queue", true, "A queue in this vhost.", r#"queue "inventory" type="quorum""#),
    nested("stream", true, "A stream in this vhost.", r#"stream "events" max-age="7D""#),
    nested(
        "super-stream",
        true,
        "A partitioned stream in this vhost.",
        r#"super-stream "clicks" partitions=3"#,
    ),
    nested(
        "policy",
        true,
        "A policy in this vhost.",
        r#"policy "bounded" pattern="^tmp\\." { max-length 10_000 }"#,
    ),
    nested(
        "operator-policy",
        true,
        "An operator policy in this vhost.",
        r#"operator-policy "cap" pattern=".*" { max-length 100_000 }"#,
    ),
    nested("limits", false, "This vhost's limits.", "limits max-queues=5000"),
    nested(
        "federation-upstream",
        true,
        "A federation upstream in this vhost.",
        r#"federation-upstream "eu" uri-env="EU_URI""#,
    ),
    nested(
        "federation-upstream-set",
        true,
        "A set of federation upstreams in this vhost.",
        r#"federation-upstream-set "all-eu" { upstream "eu" }"#,
    ),
    nested(
        "shovel",
        true,
        "A shovel in this vhost.",
        r#"shovel "drain" { source queue="old" uri-env="URI"; destination queue="new" uri-env="URI" }"#,
    ),
    nested(
        "parameter",
        true,
        "A runtime parameter in this vhost.",
        r#"parameter "name" component="component" { value 1 }"#,
    ),
];
