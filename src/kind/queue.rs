//! Queues and streams. Source: `rabbit_amqqueue:declare_args`, `rabbit_classic_queue`, `rabbit_quorum_queue`,
//! `rabbit_stream_queue` (`capabilities`, `queue_arguments`) and `rabbit_policies`.

use super::{
    Attribute, Change, Form, Kind, KindId, OLDEST, Place, Preset, Property, Scope, Segment, Twin, Type,
    Values, Wanted, Wire, nested, version,
};

pub(super) const QUEUE: Kind = Kind {
    id: KindId::Queue,
    keyword: "queue",
    scope: Scope::Vhost,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: NESTED,
    wire: Some(Wire {
        list: "queues",
        component: None,
        container: "",
        path: &[Segment::Word("queues"), Segment::Vhost, Segment::Field("name")],
    }),
    doc: "A queue or stream: where messages wait for their consumers.",
    page: include_str!("queue.md"),
};

/// The queue types.
pub const TYPES: &[&str] = &["classic", "quorum", "stream"];

const C: &[&str] = &["classic"];
const Q: &[&str] = &["quorum"];
const S: &[&str] = &["stream"];
const CQ: &[&str] = &["classic", "quorum"];

/// Ten years, the longest time that the broker takes (`rabbit_misc:?MAX_EXPIRY_TIMER`).
const TEN_YEARS: i64 = 315_360_000_000;

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "name",
        Place::Body("name"),
        Type::Text,
        "Its name, at most 255 bytes; `amq.` is reserved.",
        r#"queue "inventory""#,
    )
    .required(),
    Attribute::argument(
        "type",
        "x-queue-type",
        Type::OneOf(TYPES),
        "`classic`, `quorum` or `stream`; else the vhost's default.",
        r#"type "quorum""#,
    ),
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
        "Whether it goes with its last consumer.",
        "auto-delete #false",
    )
    .change(Change::Replace)
    .default(Preset::Bool(false)),
    Attribute::argument(
        "message-ttl",
        "x-message-ttl",
        Type::Duration(0, TEN_YEARS),
        "How long a message may wait before it expires.",
        r#"message-ttl "10m""#,
    )
    .on(CQ)
    .twin(Twin::Min)
    .operator(OLDEST),
    Attribute::argument(
        "expires",
        "x-expires",
        Type::Duration(1, TEN_YEARS),
        "How long the queue may go unused before it is deleted with its messages.",
        r#"expires "30m""#,
    )
    .on(CQ)
    .twin(Twin::Min)
    .operator(OLDEST),
    Attribute::argument(
        "max-length",
        "x-max-length",
        Type::Integer(0, i64::MAX),
        "How many messages may be ready.",
        "max-length 100_000",
    )
    .on(CQ)
    .twin(Twin::Min)
    .operator(OLDEST),
    Attribute::argument(
        "max-length-bytes",
        "x-max-length-bytes",
        Type::Size(0, i64::MAX),
        "How many bytes of messages may be ready.",
        r#"max-length-bytes "2GiB""#,
    )
    .twin(Twin::Min)
    .operator(OLDEST),
    Attribute::argument(
        "overflow",
        "x-overflow",
        Type::OneOf(&["drop-head", "reject-publish", "reject-publish-dlx"]),
        "What happens to messages over the limit.",
        r#"overflow "reject-publish""#,
    )
    .on(CQ)
    .twin(Twin::Argument)
    .operator(version(3, 12)),
    Attribute::argument(
        "dead-letter-exchange",
        "x-dead-letter-exchange",
        Type::Exchange,
        "Gets messages that are rejected, expired, over the limit, or delivered too often.",
        r#"dead-letter "orders.dlx""#,
    )
    .on(CQ)
    .twin(Twin::Argument)
    .within("dead-letter", None),
    Attribute::argument(
        "dead-letter-routing-key",
        "x-dead-letter-routing-key",
        Type::Text,
        "The key of dead letters, in place of their own.",
        r#"dead-letter "orders.dlx" routing-key="inventory.dead""#,
    )
    .on(CQ)
    .twin(Twin::Argument)
    .within("dead-letter", Some("routing-key")),
    Attribute::argument(
        "dead-letter-strategy",
        "x-dead-letter-strategy",
        Type::OneOf(&["at-most-once", "at-least-once"]),
        "Whether dead letters are confirmed by their target before they leave.",
        r#"dead-letter "orders.dlx" strategy="at-least-once""#,
    )
    .on(Q)
    .twin(Twin::Argument)
    .within("dead-letter", Some("strategy")),
    Attribute::new(
        "retry",
        Place::Nowhere,
        Type::Json,
        "The steps of its retry ladder; written as `retry`.",
        r#"retry "5s" "30s" then="inventory.dead""#,
    ),
    Attribute::new(
        "retry-then",
        Place::Nowhere,
        Type::Text,
        "The queue after the last step of its retry ladder.",
        r#"retry "5s" "30s" then="inventory.dead""#,
    )
    .within("retry", Some("then")),
    Attribute::new(
        "moved-from",
        Place::Nowhere,
        Type::Text,
        "The name that it had: `apply` moves what the queue of that name holds, and what is bound to it.",
        r#"moved from="inventory.old""#,
    )
    .within("moved", Some("from")),
    Attribute::argument(
        "delivery-limit",
        "x-delivery-limit",
        Type::Integer(-1, i64::MAX),
        "How often a message may be returned before it dies; 20 where nothing is said on 4.0 and later.",
        "delivery-limit 5",
    )
    .on(Q)
    .twin(Twin::Min)
    .operator(OLDEST),
    Attribute::argument(
        "single-active-consumer",
        "x-single-active-consumer",
        Type::Bool,
        "Whether one consumer at a time gets messages.",
        "single-active-consumer #true",
    )
    .on(CQ),
    Attribute::argument(
        "max-priority",
        "x-max-priority",
        Type::Integer(0, 255),
        "How many priorities it keeps apart; 2 to 4 are enough.",
        "max-priority 4",
    )
    .on(C),
    Attribute::argument(
        "max-age",
        "x-max-age",
        Type::Age,
        "How long a stream keeps messages.",
        r#"max-age "7D""#,
    )
    .on(S)
    .twin(Twin::Policy),
    Attribute::argument(
        "stream-max-segment-size-bytes",
        "x-stream-max-segment-size-bytes",
        Type::Size(0, 3_000_000_000),
        "The size of a stream's files.",
        r#"stream-max-segment-size-bytes "500MB""#,
    )
    .on(S)
    .twin(Twin::Policy),
    Attribute::argument(
        "stream-filter-size-bytes",
        "x-stream-filter-size-bytes",
        Type::Integer(16, 255),
        "The size of a stream chunk's filter.",
        "stream-filter-size-bytes 32",
    )
    .on(S)
    .since(version(3, 13))
    .checked_since(version(4, 2))
    .twin(Twin::Policy),
    Attribute::argument(
        "initial-cluster-size",
        "x-initial-cluster-size",
        Type::Integer(1, i64::MAX),
        "On how many nodes a stream starts.",
        "initial-cluster-size 3",
    )
    .on(S),
    Attribute::argument(
        "quorum-initial-group-size",
        "x-quorum-initial-group-size",
        Type::Integer(1, i64::MAX),
        "On how many nodes a quorum queue starts.",
        "quorum-initial-group-size 3",
    )
    .on(Q),
    Attribute::argument(
        "queue-leader-locator",
        "x-queue-leader-locator",
        // the last two are old words for `balanced`, which the broker still takes
        Type::OneOf(&["client-local", "balanced", "random", "least-leaders"]),
        "On which node the leader starts: `client-local` or `balanced`.",
        r#"queue-leader-locator "balanced""#,
    )
    .on(&["classic", "quorum", "stream"])
    .change(Change::AtDeclare)
    .twin(Twin::Policy),
    Attribute::argument(
        "queue-master-locator",
        "x-queue-master-locator",
        Type::OneOf(&["client-local", "min-masters", "random"]),
        "The old word for `queue-leader-locator`.",
        r#"queue-master-locator "min-masters""#,
    )
    .on(C)
    .until(version(4, 3))
    .twin(Twin::Policy),
    Attribute::argument(
        "queue-version",
        "x-queue-version",
        Type::Integer(1, 2),
        "The classic queue's storage; 2 only from 4.3 on.",
        "queue-version 2",
    )
    .on(C)
    .twin(Twin::Policy)
    .operator(version(3, 11)),
    Attribute::argument(
        "queue-mode",
        "x-queue-mode",
        Type::OneOf(&["default", "lazy"]),
        "Obsolete: it has no effect since 3.12.",
        r#"queue-mode "lazy""#,
    )
    .on(C)
    .until(version(3, 12))
    .twin(Twin::Policy),
    Attribute::argument(
        "max-in-memory-length",
        "x-max-in-memory-length",
        Type::Integer(0, i64::MAX),
        "Without effect: quorum queues keep no messages in memory.",
        "max-in-memory-length 1000",
    )
    .on(Q)
    .until(version(4, 0))
    .twin(Twin::Policy)
    .operator(OLDEST),
    Attribute::argument(
        "max-in-memory-bytes",
        "x-max-in-memory-bytes",
        Type::Size(0, i64::MAX),
        "Without effect: quorum queues keep no messages in memory.",
        r#"max-in-memory-bytes "1MiB""#,
    )
    .on(Q)
    .until(version(4, 0))
    .twin(Twin::Policy)
    .operator(OLDEST),
    Attribute::argument(
        "consumer-timeout",
        "x-consumer-timeout",
        Type::Duration(0, TEN_YEARS),
        "How long a consumer may keep a message unacknowledged; by policy from 3.12 on, there for classic queues too.",
        r#"consumer-timeout "1h""#,
    )
    .on(Q)
    .since(version(3, 12))
    .argument_since(version(4, 3))
    .checked_since(version(4, 3))
    .twin(Twin::Min),
    Attribute::argument(
        "consumer-disconnected-timeout",
        "x-consumer-disconnected-timeout",
        Type::Duration(0, TEN_YEARS),
        "How long messages wait for a consumer whose node cannot be reached; 60 s where nothing is said.",
        r#"consumer-disconnected-timeout "30s""#,
    )
    .on(Q)
    .since(version(4, 3))
    .checked_since(version(4, 3))
    .twin(Twin::Min),
    Attribute::argument(
        "delayed-retry-type",
        "x-delayed-retry-type",
        Type::OneOf(&["disabled", "all", "failed", "returned"]),
        "Which returned messages wait before they are delivered again.",
        r#"delayed-retry-type "failed""#,
    )
    .on(Q)
    .since(version(4, 3))
    .checked_since(version(4, 3))
    .twin(Twin::Policy)
    .operator(version(4, 3)),
    Attribute::argument(
        "delayed-retry-min",
        "x-delayed-retry-min",
        Type::Duration(1, TEN_YEARS),
        "The shortest such wait.",
        r#"delayed-retry-min "1s""#,
    )
    .on(Q)
    .since(version(4, 3))
    .checked_since(version(4, 3))
    .twin(Twin::Min)
    .operator(version(4, 3)),
    Attribute::argument(
        "delayed-retry-max",
        "x-delayed-retry-max",
        Type::Duration(1, TEN_YEARS),
        "The longest such wait.",
        r#"delayed-retry-max "1m""#,
    )
    .on(Q)
    .since(version(4, 3))
    .checked_since(version(4, 3))
    .twin(Twin::Min)
    .operator(version(4, 3)),
];

const NESTED: &[Form] = &[
    nested(
        "bind",
        true,
        "A binding from an exchange to this queue.",
        r#"bind "orders" routing-key="order.created""#,
    ),
    nested(
        "retry",
        false,
        "A retry ladder: one delay queue per step, and the dead queue after the last.",
        r#"retry "5s" "30s" "5m" then="inventory.dead""#,
    )
    .values(Values::Several("the times to wait"))
    .properties(&[Property {
        name: "then",
        wanted: Wanted::Text,
        required: true,
        doc: "The queue that a message goes to after the last step.",
        example: r#"retry "5s" "30s" "5m" then="inventory.dead""#,
    }]),
    nested(
        "argument",
        true,
        "An argument that topoc does not know, typed by its KDL value.",
        r#"argument "x-vendor" 5"#,
    )
    .values(Values::NameAnd("a name and a value", 1))
    .free_children(),
];
