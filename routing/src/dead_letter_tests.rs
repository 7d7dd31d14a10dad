use super::*;
use crate::{Destination, Exchange, ExchangeKind, Overflow, Queue, Version};

/// Queues `work`, `retry` and `dead`; what dies in `work` goes to `retry`, what dies there back to `work`.
fn ladder(version: Version, kind: QueueKind) -> Topology {
    let mut net = Topology::new(version);
    let dlx = net.add_exchange(Exchange::new("dlx", ExchangeKind::Direct)).unwrap();
    let queue = |name: &str, key: &str| Queue {
        dead_letter_exchange: Some("dlx".into()),
        dead_letter_routing_key: Some(key.into()),
        ..Queue::new(name, kind)
    };
    for (name, next) in [("work", "retry"), ("retry", "work")] {
        let id = net.add_queue(queue(name, next)).unwrap();
        net.bind(dlx, Destination::Queue(id), name, Table::new()).unwrap();
    }
    net
}

fn id(net: &Topology, name: &str) -> QueueId {
    net.queue_id(name).unwrap()
}

/// Lets the message die as told and says where it then lies.
fn dies(net: &Topology, queue: &str, reason: Reason, message: &mut Carried) -> Vec<String> {
    match net.dead_letter(id(net, queue), reason, message) {
        DeadLettered::Published { delivered, message: after, .. } => {
            *message = after;
            delivered.queues.iter().map(|reached| net.queue(reached.queue).name.clone()).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn an_automatic_cycle_is_dropped_and_a_rejected_one_lives() {
    for version in [Version::V3_10, Version::V4_0] {
        for automatic in [Reason::Expired, Reason::MaxLength, Reason::DeliveryLimit] {
            let net = ladder(version, QueueKind::Quorum);
            let mut message = Carried::new("", &Message::new("work"));
            assert_eq!(dies(&net, "work", automatic, &mut message), ["retry"]);
            assert!(dies(&net, "retry", Reason::Expired, &mut message).is_empty());
        }
        let net = ladder(version, QueueKind::Quorum);
        let mut message = Carried::new("", &Message::new("work"));
        for _ in 0..3 {
            assert_eq!(dies(&net, "work", Reason::Rejected, &mut message), ["retry"]);
            assert_eq!(dies(&net, "retry", Reason::Expired, &mut message), ["work"]);
        }
        assert_eq!(message.deaths.len(), 2);
    }
}

#[test]
fn a_queue_that_dead_letters_to_itself_ends_unless_rejected() {
    let mut net = ladder(Version::V4_0, QueueKind::Classic);
    let own = Queue {
        dead_letter_exchange: Some(String::new()),
        dead_letter_routing_key: Some("own".into()),
        ..Queue::new("own", QueueKind::Classic)
    };
    net.add_queue(own).unwrap();
    let mut message = Carried::new("", &Message::new("own"));
    assert_eq!(dies(&net, "own", Reason::Rejected, &mut message), ["own"]);
    match net.dead_letter(id(&net, "own"), Reason::Expired, &message) {
        DeadLettered::Published { cycles, delivered, fate, .. } => {
            assert_eq!(cycles, [id(&net, "own")]);
            assert_eq!((delivered.unroutable, fate), (Certainty::Always, Fate::Dropped));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_deaths_since_the_last_rejection_count() {
    let queue = QueueId;
    let message = |deaths: &[(u32, Reason)]| Carried {
        deaths: deaths.iter().map(|(at, reason)| Death { queue: queue(*at), reason: *reason }).collect(),
        ..Carried::new("", &Message::new("k"))
    };
    use Reason::*;
    assert!(!message(&[]).is_cycle(queue(1)));
    assert!(message(&[(1, Expired)]).is_cycle(queue(1)));
    assert!(!message(&[(1, Rejected)]).is_cycle(queue(1)));
    assert!(!message(&[(2, Expired)]).is_cycle(queue(1)));
    assert!(message(&[(2, Expired), (1, MaxLength)]).is_cycle(queue(1)));
    assert!(!message(&[(2, Rejected), (1, Expired)]).is_cycle(queue(1)));
    assert!(!message(&[(2, Expired), (1, Rejected), (1, Expired)]).is_cycle(queue(1)));
    assert!(message(&[(2, Expired), (1, Expired), (1, Rejected)]).is_cycle(queue(1)));
}

#[test]
fn before_3_13_the_list_of_deaths_is_turned_round_every_time() {
    for (version, wanted) in [(Version::V3_12, [3, 1, 2]), (Version::V3_13, [3, 2, 1])] {
        let mut net = Topology::new(version);
        net.add_exchange(Exchange::new("dlx", ExchangeKind::Fanout)).unwrap();
        for i in 0..4 {
            let queue = Queue {
                dead_letter_exchange: Some("dlx".into()),
                ..Queue::new(format!("q{i}"), QueueKind::Classic)
            };
            net.add_queue(queue).unwrap();
        }
        let mut message = Carried::new("", &Message::new("q1"));
        for queue in ["q1", "q2", "q3"] {
            dies(&net, queue, Reason::Expired, &mut message);
        }
        assert_eq!(message.deaths.iter().map(|death| death.queue.0).collect::<Vec<_>>(), wanted);
    }
}

#[test]
fn without_a_key_of_its_own_a_dead_letter_keeps_all_its_keys() {
    let mut net = Topology::new(Version::V4_0);
    let dlx = net.add_exchange(Exchange::new("dlx", ExchangeKind::Direct)).unwrap();
    for key in ["a", "b", "c"] {
        let queue = net.add_queue(Queue::new(format!("dead-{key}"), QueueKind::Classic)).unwrap();
        net.bind(dlx, Destination::Queue(queue), key, Table::new()).unwrap();
    }
    let keeps = Queue { dead_letter_exchange: Some("dlx".into()), ..Queue::new("keeps", QueueKind::Classic) };
    let sets = Queue { dead_letter_routing_key: Some("b".into()), name: "sets".into(), ..keeps.clone() };
    net.add_queue(keeps).unwrap();
    net.add_queue(sets).unwrap();
    let (cc, bcc) = (["b".to_owned()], ["c".to_owned()]);
    let published = Carried::new("x", &Message::new("a").with_cc(&cc).with_bcc(&bcc));
    let mut message = published.clone();
    assert_eq!(dies(&net, "keeps", Reason::Rejected, &mut message), ["dead-a", "dead-b", "dead-c"]);
    let mut message = published;
    assert_eq!(dies(&net, "sets", Reason::Rejected, &mut message), ["dead-b"]);
    assert_eq!(message.keys, ["b"]);
    assert_eq!(message.exchange, "dlx");
}

#[test]
fn cc_leaves_the_headers_with_a_key_of_its_own_only_before_3_13() {
    for (version, there) in [(Version::V3_10, false), (Version::V4_0, true)] {
        let net = ladder(version, QueueKind::Classic);
        let cc = ["b".to_owned()];
        let mut message = Carried::new("", &Message::new("work").with_cc(&cc));
        dies(&net, "work", Reason::Rejected, &mut message);
        assert_eq!(message.headers.unwrap().contains_key("CC"), there);
    }
}

#[test]
fn a_missing_exchange_drops_at_most_once_and_retains_at_least_once() {
    let mut net = Topology::new(Version::V4_0);
    let once = Queue { dead_letter_exchange: Some("gone".into()), ..Queue::new("once", QueueKind::Quorum) };
    let sure = Queue {
        name: "sure".into(),
        overflow: Overflow::RejectPublish,
        dead_letter_strategy: Strategy::AtLeastOnce,
        ..once.clone()
    };
    let unsure = Queue { name: "unsure".into(), overflow: Overflow::DropHead, ..sure.clone() };
    let message = Carried::new("", &Message::new("k"));
    for (queue, wanted) in [(once, Fate::Dropped), (sure, Fate::Retained), (unsure, Fate::Dropped)] {
        let queue = net.add_queue(queue).unwrap();
        let dead = net.dead_letter(queue, Reason::Rejected, &message);
        assert_eq!(dead, DeadLettered::NoExchange { name: "gone".into(), fate: wanted });
        assert_eq!(dead.ends(), Certainty::Always);
    }
}

#[test]
fn without_a_dead_letter_exchange_and_in_a_stream_nothing_follows() {
    let mut net = Topology::new(Version::V4_0);
    let none = net.add_queue(Queue::new("none", QueueKind::Classic)).unwrap();
    let stream = Queue { dead_letter_exchange: Some("dlx".into()), ..Queue::new("log", QueueKind::Stream) };
    let stream = net.add_queue(stream).unwrap();
    let message = Carried::new("", &Message::new("none"));
    for queue in [none, stream] {
        assert_eq!(net.dead_letter(queue, Reason::Rejected, &message), DeadLettered::Discarded);
    }
}

#[test]
fn a_dead_letter_exchange_may_be_internal() {
    let mut net = Topology::new(Version::V4_0);
    let dlx = Exchange { internal: true, ..Exchange::new("dlx", ExchangeKind::Fanout) };
    let dlx = net.add_exchange(dlx).unwrap();
    let dead = net.add_queue(Queue::new("dead", QueueKind::Classic)).unwrap();
    net.bind(dlx, Destination::Queue(dead), "", Table::new()).unwrap();
    let work = Queue { dead_letter_exchange: Some("dlx".into()), ..Queue::new("work", QueueKind::Classic) };
    net.add_queue(work).unwrap();
    let mut message = Carried::new("", &Message::new("work"));
    assert_eq!(dies(&net, "work", Reason::Expired, &mut message), ["dead"]);
}

#[test]
fn a_headers_exchange_sees_what_the_broker_notes_of_deaths() {
    for (version, note, there) in [
        (Version::V3_10, "x-death", true),
        (Version::V4_0, "x-death", false),
        (Version::V3_10, "x-first-death-queue", true),
        (Version::V4_0, "x-first-death-queue", true),
        (Version::V3_10, "x-last-death-queue", false),
        (Version::V4_0, "x-last-death-queue", true),
    ] {
        let mut net = Topology::new(version);
        let dlx = net.add_exchange(Exchange::new("dlx", ExchangeKind::Headers)).unwrap();
        let dead = net.add_queue(Queue::new("dead", QueueKind::Classic)).unwrap();
        let noted =
            Table::from([("x-match".to_owned(), "all-with-x".into()), (note.to_owned(), Value::Void)]);
        net.bind(dlx, Destination::Queue(dead), "", noted).unwrap();
        let work =
            Queue { dead_letter_exchange: Some("dlx".into()), ..Queue::new("work", QueueKind::Classic) };
        net.add_queue(work).unwrap();
        let mut message = Carried::new("", &Message::new("work"));
        let reached = !dies(&net, "work", Reason::Expired, &mut message).is_empty();
        assert_eq!(reached, there, "{note} on {version}");
    }
}

#[test]
fn a_life_shows_its_loop_and_ends_automatic_ones() {
    let net = ladder(Version::V4_0, QueueKind::Classic);
    let (work, retry) = (id(&net, "work"), id(&net, "retry"));
    let message = Carried::new("", &Message::new("work"));
    let rejected = |queue| if queue == work { vec![Reason::Rejected] } else { vec![Reason::Expired] };
    let life = net.life([work], &message, rejected, 100).unwrap();
    let last = life.stays.last().unwrap();
    let back = &last.ends[0].2;
    assert!(back.iter().any(|at| *at < life.stays.len()), "{life:?}");
    assert!(life.stays.iter().all(|stay| stay.ends.iter().all(|(_, _, next)| !next.is_empty())));

    let life = net.life([work], &message, |_| vec![Reason::Expired], 100).unwrap();
    let queues: Vec<QueueId> = life.stays.iter().map(|stay| stay.queue).collect();
    assert_eq!(queues, [work, retry]);
    assert!(life.stays[1].ends[0].2.is_empty());
    assert!(net.life([work], &message, rejected, 1).is_err());
}

#[test]
fn a_dead_letter_takes_the_one_way_that_is_picked() {
    let mut net = Topology::new(Version::V4_0);
    let random = net.add_exchange(Exchange::new("dlx", ExchangeKind::Random)).unwrap();
    let dlx = Some("dlx".to_owned());
    let from =
        net.add_queue(Queue { dead_letter_exchange: dlx, ..Queue::new("from", QueueKind::Classic) }).unwrap();
    let targets = ["a", "b"].map(|name| net.add_queue(Queue::new(name, QueueKind::Classic)).unwrap());
    for target in targets {
        net.bind(random, Destination::Queue(target), "", Table::new()).unwrap();
    }
    let message = Carried::new("", &Message::new("from"));
    for (place, target) in targets.into_iter().enumerate() {
        let dead = net.dead_letter_picking(from, Reason::Rejected, &message, |_, _| place);
        let DeadLettered::Published { delivered, .. } = dead else { panic!("{dead:?}") };
        assert_eq!(delivered.queues.len(), 1);
        assert_eq!(delivered.reaches(target), Certainty::Always);
    }
}
