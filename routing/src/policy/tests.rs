use super::*;
use crate::{Overflow, Queue, QueueKind, Strategy, Table, Value, Version};

const CLASSIC: Object = Object::Queue(QueueKind::Classic);
const QUORUM: Object = Object::Queue(QueueKind::Quorum);
const STREAM: Object = Object::Queue(QueueKind::Stream);
const EVERY: [Version; 8] = [
    Version::V3_10,
    Version::V3_11,
    Version::V3_12,
    Version::V3_13,
    Version::V4_0,
    Version::V4_1,
    Version::V4_2,
    Version::V4_3,
];

fn table(entries: &[(&str, Value)]) -> Table {
    entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// The value of one key, out of argument, policy and operator policy.
fn value(
    key: &str,
    object: Object,
    version: Version,
    [argument, policy, operator]: [Option<Value>; 3],
) -> Option<(Value, Source)> {
    let one = |name: String, value: Option<Value>| value.map(|value| Table::from([(name, value)]));
    let arguments = one(argument_name(key), argument).unwrap_or_default();
    let (policy, operator) = (one(key.to_owned(), policy), one(key.to_owned(), operator));
    let values = effective(object, version, &arguments, policy.as_ref(), operator.as_ref());
    values.get(key).map(|effective| (effective.value.clone(), effective.from))
}

fn int(n: i64) -> Option<Value> {
    Some(n.into())
}

fn word(text: &str) -> Option<Value> {
    Some(text.into())
}

#[test]
fn the_lesser_limit_counts_whoever_sets_it() {
    for version in EVERY {
        for object in [CLASSIC, QUORUM] {
            for key in ["message-ttl", "max-length", "max-length-bytes"] {
                let of = |values| value(key, object, version, values).unwrap();
                assert_eq!(of([int(3), int(2), int(1)]), (1.into(), Source::OperatorPolicy));
                assert_eq!(of([int(3), int(2), int(4)]), (2.into(), Source::Policy));
                assert_eq!(of([int(1), int(2), int(3)]), (1.into(), Source::Argument));
                assert_eq!(of([int(1), int(1), int(1)]).1, Source::Argument);
                assert_eq!(of([None, int(2), None]), (2.into(), Source::Policy));
                assert_eq!(of([None, None, int(2)]), (2.into(), Source::OperatorPolicy));
            }
        }
    }
}

#[test]
fn expires_of_a_quorum_queue_is_the_policys_before_4_0() {
    let of = |object, version| value("expires", object, version, [int(1), int(2), None]).unwrap().0;
    assert_eq!(of(QUORUM, Version::V3_13), 2.into());
    assert_eq!(of(QUORUM, Version::V4_0), 1.into());
    assert_eq!(of(CLASSIC, Version::V3_10), 1.into());
}

#[test]
fn where_dead_letters_go_is_the_arguments() {
    for object in [CLASSIC, QUORUM] {
        for key in ["dead-letter-exchange", "dead-letter-routing-key"] {
            let of = value(key, object, Version::V4_0, [word("a"), word("p"), None]);
            assert_eq!(of, Some(("a".into(), Source::Argument)));
        }
    }
    let strategy = [word("at-least-once"), word("at-most-once"), None];
    assert_eq!(value("dead-letter-strategy", QUORUM, Version::V3_10, strategy).unwrap().1, Source::Argument);
}

#[test]
fn overflow_is_the_arguments_on_classic_and_the_policys_on_quorum() {
    let values = [word("drop-head"), word("reject-publish"), word("reject-publish-dlx")];
    let of = |object| value("overflow", object, Version::V3_12, values.clone()).unwrap().1;
    assert_eq!(of(CLASSIC), Source::Argument);
    assert_eq!(of(QUORUM), Source::OperatorPolicy);
}

#[test]
fn a_negative_delivery_limit_yields_to_the_larger_from_4_0_on() {
    let of = |version, values| value("delivery-limit", QUORUM, version, values).unwrap().0;
    assert_eq!(of(Version::V4_0, [int(-1), int(5), None]), 5.into());
    assert_eq!(of(Version::V4_0, [int(7), int(5), None]), 5.into());
    assert_eq!(of(Version::V4_0, [None, int(-1), int(9)]), 9.into());
    assert_eq!(of(Version::V4_0, [int(3), int(-1), int(9)]), 3.into());
    assert_eq!(of(Version::V3_13, [None, int(8), int(9)]), 8.into());
}

#[test]
fn a_quorum_queue_gives_up_after_twenty_from_4_0_on() {
    assert_eq!(value("delivery-limit", QUORUM, Version::V3_13, [None, None, None]), None);
    let twenty = Some((20.into(), Source::Default));
    assert_eq!(value("delivery-limit", QUORUM, Version::V4_0, [None, None, None]), twenty);
    // a limit that is no integer is accepted: it is never reached, or counts for none
    assert_eq!(
        value("delivery-limit", QUORUM, Version::V4_0, [word("5"), None, None]).unwrap().0,
        "5".into()
    );
    assert_eq!(value("delivery-limit", QUORUM, Version::V4_3, [word("5"), None, None]), twenty);
    let text = effective(QUORUM, Version::V4_0, &table(&[("x-delivery-limit", "5".into())]), None, None);
    let queue = Queue::with_values("q", QueueKind::Quorum, &text);
    assert_eq!(queue.effective_delivery_limit(Version::V4_0), None);
    assert_eq!(
        value("delivery-limit", QUORUM, Version::V4_0, [word("5"), int(3), None]).unwrap().0,
        3.into()
    );
    assert_eq!(value("delivery-limit", CLASSIC, Version::V4_0, [None, None, None]), None);
}

#[test]
fn a_stream_takes_the_policys_value() {
    for (key, argument, policy) in [
        ("max-age", word("1D"), word("2D")),
        ("max-length-bytes", int(1), int(2)),
        ("stream-max-segment-size-bytes", int(1), int(2)),
        ("initial-cluster-size", int(1), int(2)),
    ] {
        assert_eq!(
            value(key, STREAM, Version::V4_0, [argument, policy, None]).unwrap().1,
            Source::Policy,
            "{key}"
        );
    }
}

#[test]
fn an_exchanges_alternate_is_the_arguments() {
    let of = value("alternate-exchange", Object::Exchange, Version::V4_0, [word("a"), word("p"), None]);
    assert_eq!(of, Some(("a".into(), Source::Argument)));
    let of = value("alternate-exchange", Object::Exchange, Version::V4_0, [None, word("p"), None]);
    assert_eq!(of, Some(("p".into(), Source::Policy)));
}

#[test]
fn what_has_no_twin_counts_by_itself() {
    let of = value("max-priority", CLASSIC, Version::V4_0, [int(4), None, None]);
    assert_eq!(of, Some((4.into(), Source::Argument)));
    let of = value("federation-upstream", CLASSIC, Version::V4_0, [None, word("eu"), None]);
    assert_eq!(of, Some(("eu".into(), Source::Policy)));
}

#[test]
fn what_only_others_read_does_not_count() {
    assert_eq!(value("max-length", Object::Exchange, Version::V4_0, [None, int(5), None]), None);
    assert_eq!(value("queue-mode", CLASSIC, Version::V4_0, [None, word("lazy"), None]), None);
    assert!(value("queue-mode", CLASSIC, Version::V3_11, [None, word("lazy"), None]).is_some());
    assert_eq!(value("alternate-exchange", QUORUM, Version::V4_0, [None, word("ae"), None]), None);
}

#[test]
fn operator_policies_raise_group_sizes_and_delays() {
    let of = |key, values| value(key, QUORUM, Version::V4_3, values).unwrap().0;
    assert_eq!(of("target-group-size", [None, int(3), int(5)]), 5.into());
    assert_eq!(of("delayed-retry-min", [None, int(3), int(5)]), 5.into());
    assert_eq!(of("delayed-retry-max", [None, int(3), int(5)]), 3.into());
    assert_eq!(of("delayed-retry-type", [word("all"), word("failed"), word("returned")]), "returned".into());
}

#[test]
fn no_key_is_both_read_and_unsupported() {
    let keys = [
        "expires",
        "message-ttl",
        "dead-letter-exchange",
        "dead-letter-routing-key",
        "dead-letter-strategy",
        "max-length",
        "max-length-bytes",
        "max-in-memory-length",
        "max-in-memory-bytes",
        "overflow",
        "delivery-limit",
        "consumer-timeout",
        "delayed-retry-type",
        "target-group-size",
        "queue-mode",
        "queue-version",
        "queue-leader-locator",
        "initial-cluster-size",
        "max-age",
        "stream-max-segment-size-bytes",
        "stream-filter-size-bytes",
    ];
    for version in EVERY {
        for object in [CLASSIC, QUORUM, STREAM] {
            for key in keys {
                assert!(
                    rule(key, object, version).is_none() || !unsupported(key, object, version),
                    "{key} {object:?} {version}"
                );
            }
        }
    }
}

fn policy(name: &str, apply_to: ApplyTo, priority: i64, definition: &[(&str, Value)]) -> Policy {
    Policy { name: name.to_owned(), apply_to, priority, definition: table(definition) }
}

#[test]
fn the_highest_priority_applies_alone() {
    let ttl = [("message-ttl", 1.into())];
    let policies = [
        policy("low", ApplyTo::All, 0, &ttl),
        policy("high", ApplyTo::Queues, 9, &ttl),
        policy("other", ApplyTo::Queues, 99, &ttl),
    ];
    let selected = select(&policies, CLASSIC, Version::V4_0, |place| policies[place].name != "other");
    assert_eq!(selected, Selected { applies: Some(1), hidden: vec![0], ..Selected::default() });
    assert_eq!(select(&policies, Object::Exchange, Version::V4_0, |_| true).applies, Some(0));
    assert_eq!(select(&policies, CLASSIC, Version::V4_0, |_| false), Selected::default());
}

#[test]
fn a_tie_is_said() {
    let policies = [policy("a", ApplyTo::All, 5, &[]), policy("b", ApplyTo::All, 5, &[])];
    let selected = select(&policies, QUORUM, Version::V4_0, |_| true);
    assert_eq!((selected.applies, selected.tied), (Some(0), vec![1]));
}

#[test]
fn one_unsupported_key_skips_the_whole_policy() {
    let limit = [("delivery-limit", 5.into()), ("message-ttl", 1.into())];
    let policies = [policy("limit", ApplyTo::Queues, 9, &limit), policy("rest", ApplyTo::Queues, 0, &[])];
    let selected = select(&policies, CLASSIC, Version::V4_0, |_| true);
    assert_eq!(selected.applies, Some(1));
    assert_eq!(selected.skipped, [(0, "delivery-limit".to_owned())]);
    assert_eq!(select(&policies, QUORUM, Version::V4_0, |_| true).applies, Some(0));
    // an exchange skips nothing
    let policies = [policy("limit", ApplyTo::All, 9, &limit)];
    assert_eq!(select(&policies, Object::Exchange, Version::V4_0, |_| true).applies, Some(0));
}

#[test]
fn apply_to_names_queue_types() {
    for (word, objects) in [
        ("all", &[Object::Exchange, CLASSIC, QUORUM, STREAM][..]),
        ("exchanges", &[Object::Exchange]),
        ("queues", &[CLASSIC, QUORUM, STREAM]),
        ("classic_queues", &[CLASSIC]),
        ("quorum_queues", &[QUORUM]),
        ("streams", &[STREAM]),
    ] {
        for object in [Object::Exchange, CLASSIC, QUORUM, STREAM] {
            assert_eq!(ApplyTo::of(word).unwrap().includes(object), objects.contains(&object), "{word}");
        }
    }
    assert_eq!(ApplyTo::of("everything"), None);
}

#[test]
fn a_queue_is_built_from_its_effective_values() {
    let arguments = table(&[
        ("x-dead-letter-exchange", "dlx".into()),
        ("x-dead-letter-strategy", "at-least-once".into()),
        ("x-overflow", "reject-publish".into()),
        ("x-message-ttl", 500.into()),
    ]);
    let values = effective(QUORUM, Version::V4_0, &arguments, None, None);
    let queue = Queue::with_values("q", QueueKind::Quorum, &values);
    assert_eq!(queue.dead_letter_exchange.as_deref(), Some("dlx"));
    assert_eq!(queue.dead_letter_strategy, Strategy::AtLeastOnce);
    assert_eq!(queue.overflow, Overflow::RejectPublish);
    assert_eq!((queue.message_ttl, queue.delivery_limit), (Some(500), Some(20)));
}
