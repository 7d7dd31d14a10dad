//! Policies. Source: `rabbit_policy`, `rabbit_policies`.

use super::{
    Attribute, Form, Kind, KindId, Place, Preset, Scope, Segment, Type, Values, Wire, nested, version,
};

pub(super) const POLICY: Kind = Kind {
    id: KindId::Policy,
    keyword: "policy",
    scope: Scope::Vhost,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: NESTED,
    wire: Some(Wire {
        list: "policies",
        component: None,
        container: "definition",
        path: &[Segment::Word("policies"), Segment::Vhost, Segment::Field("name")],
    }),
    doc: "A policy: settings for all queues and exchanges whose names match. Exactly one applies to each.",
    page: include_str!("policy.md"),
};

pub(super) const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "name",
        Place::Body("name"),
        Type::Text,
        "Its name.",
        r#"policy "bounded" pattern="^tmp\\." { max-length 10_000 }"#,
    )
    .required(),
    Attribute::new(
        "pattern",
        Place::Body("pattern"),
        Type::Pattern,
        "Which names it is for: a regular expression that is searched, so anchor it.",
        r#"pattern "^tmp\\.""#,
    )
    .required(),
    Attribute::new(
        "apply-to",
        Place::Body("apply-to"),
        Type::OneOf(&["all", "queues", "exchanges", "classic_queues", "quorum_queues", "streams"]),
        "What it is for; the types of queues from 3.12 on.",
        r#"apply-to "queues""#,
    )
    .default(Preset::Text("all")),
    Attribute::new(
        "priority",
        Place::Body("priority"),
        Type::Integer(i64::MIN, i64::MAX),
        "Of several that match, the one of highest priority applies.",
        "priority 10",
    )
    .default(Preset::Integer(0)),
];

/// Keys that are no arguments.
pub(super) const KEYS: &[Attribute] = &[
    Attribute::new(
        "federation-upstream",
        Place::Key("federation-upstream"),
        Type::Text,
        "The upstream to federate with.",
        r#"federation-upstream "eu""#,
    ),
    Attribute::new(
        "federation-upstream-set",
        Place::Key("federation-upstream-set"),
        Type::Text,
        "The set of upstreams to federate with; `all` is every one.",
        r#"federation-upstream-set "all""#,
    ),
    Attribute::new(
        "federation-upstream-pattern",
        Place::Key("federation-upstream-pattern"),
        Type::Pattern,
        "The upstreams to federate with, by name.",
        r#"federation-upstream-pattern "^eu-""#,
    ),
    Attribute::new(
        "target-group-size",
        Place::Key("target-group-size"),
        Type::Integer(1, i64::MAX),
        "To how many members a quorum queue grows by itself.",
        "target-group-size 3",
    )
    .on(&["quorum"])
    .since(version(3, 13))
    .operator(version(3, 13)),
    Attribute::new(
        "ha-mode",
        Place::Key("ha-mode"),
        Type::OneOf(&["all", "exactly", "nodes"]),
        "Classic mirroring, removed in 4.0: use quorum queues.",
        r#"ha-mode "all""#,
    )
    .on(&["classic"])
    .until(version(4, 0)),
    Attribute::new(
        "ha-params",
        Place::Key("ha-params"),
        Type::Json,
        "How many mirrors, or which.",
        "ha-params 2",
    )
    .on(&["classic"])
    .until(version(4, 0)),
    Attribute::new(
        "ha-sync-mode",
        Place::Key("ha-sync-mode"),
        Type::OneOf(&["manual", "automatic"]),
        "When mirrors catch up.",
        r#"ha-sync-mode "automatic""#,
    )
    .on(&["classic"])
    .until(version(4, 0)),
    Attribute::new(
        "ha-sync-batch-size",
        Place::Key("ha-sync-batch-size"),
        Type::Integer(1, i64::MAX),
        "How many messages a mirror takes at a time.",
        "ha-sync-batch-size 100",
    )
    .on(&["classic"])
    .until(version(4, 0)),
    Attribute::new(
        "ha-promote-on-shutdown",
        Place::Key("ha-promote-on-shutdown"),
        Type::OneOf(&["always", "when-synced"]),
        "Which mirrors may lead after a shutdown.",
        r#"ha-promote-on-shutdown "always""#,
    )
    .on(&["classic"])
    .until(version(4, 0)),
    Attribute::new(
        "ha-promote-on-failure",
        Place::Key("ha-promote-on-failure"),
        Type::OneOf(&["always", "when-synced"]),
        "Which mirrors may lead after a failure.",
        r#"ha-promote-on-failure "always""#,
    )
    .on(&["classic"])
    .until(version(4, 0)),
    Attribute::new(
        "shards-per-node",
        Place::Key("shards-per-node"),
        Type::Integer(1, i64::MAX),
        "How many queues an `x-modulus-hash` exchange gets on each node.",
        "shards-per-node 2",
    ),
];

pub(super) const NESTED: &[Form] = &[nested(
    "argument",
    true,
    "A key that topoc does not know, typed by its KDL value.",
    r#"argument "vendor-key" 5"#,
)
.values(Values::NameAnd("a name and a value", 1))
.free_children()];
