//! A vhost's limits. Source: `rabbit_vhost_limit`.

use super::{Attribute, Kind, KindId, Place, Scope, Segment, Type, Wire};

pub(super) const VHOST_LIMITS: Kind = Kind {
    id: KindId::VhostLimits,
    keyword: "limits",
    scope: Scope::Vhost,
    identity: &[],
    attributes: ATTRIBUTES,
    nested: &[],
    wire: Some(Wire {
        list: "parameters",
        component: Some("vhost-limits"),
        container: "value",
        path: &[Segment::Word("vhost-limits"), Segment::Vhost],
    }),
    doc: "How many connections and queues a vhost may have.",
    page: include_str!("vhost_limits.md"),
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "max-connections",
        Place::Key("max-connections"),
        Type::Integer(-1, i64::MAX),
        "How many connections; negative: any number.",
        "limits max-connections=2000",
    ),
    Attribute::new(
        "max-queues",
        Place::Key("max-queues"),
        Type::Integer(-1, i64::MAX),
        "How many queues; negative: any number.",
        "limits max-queues=5000",
    ),
];
