use super::*;
use crate::{Exchange, Queue, QueueKind, Table, Version};

struct Net(Topology);

impl Net {
    /// Exchanges as `name kind` or `name kind alternate`; bindings as `source key destination`, a destination in
    /// capitals being a queue.
    fn new(exchanges: &[&str], bindings: &[(&str, &str, &str)]) -> Self {
        let mut net = Topology::new(Version::V4_0);
        for line in exchanges {
            let mut parts = line.split(' ');
            let name = parts.next().unwrap();
            let kind = ExchangeKind::of(parts.next().unwrap(), Some("topic"));
            let alternate_exchange = parts.next().map(str::to_owned);
            net.add_exchange(Exchange { alternate_exchange, ..Exchange::new(name, kind) }).unwrap();
        }
        for (source, key, to) in bindings {
            let to = if to.chars().all(char::is_uppercase) {
                Destination::Queue(net.add_queue(Queue::new(*to, QueueKind::Classic)).unwrap())
            } else {
                Destination::Exchange(net.exchange_id(to).unwrap())
            };
            net.bind(net.exchange_id(source).unwrap(), to, *key, Table::new()).unwrap();
        }
        Self(net)
    }

    fn names(&self, delivered: &Delivered, certainty: Certainty) -> String {
        let queues = delivered.queues.iter().filter(|reached| reached.certainty == certainty);
        queues.map(|reached| self.0.queue(reached.queue).name.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn sure(&self, exchange: &str, key: &str) -> String {
        let delivered = self.0.publish(exchange, &Message::new(key)).unwrap();
        self.names(&delivered, Certainty::Always)
    }
}

#[test]
fn direct_compares_keys_and_fanout_does_not() {
    let net = Net::new(&["d direct", "f fanout"], &[("d", "k", "A"), ("d", "*", "B"), ("f", "k", "A")]);
    assert_eq!(net.sure("d", "k"), "A");
    assert_eq!(net.sure("d", "*"), "B");
    assert_eq!(net.sure("d", ""), "");
    assert_eq!(net.sure("f", "anything"), "A");
}

#[test]
fn the_default_exchange_routes_by_queue_name() {
    let net = Net::new(&["f fanout"], &[("f", "", "A"), ("f", "", "B")]);
    assert_eq!(net.sure("", "A"), "A");
    assert_eq!(net.sure("", "C"), "");
    let cc = ["B".to_owned(), "A".to_owned()];
    let delivered = net.0.publish("", &Message::new("A").with_cc(&cc)).unwrap();
    assert_eq!(net.names(&delivered, Certainty::Always), "A B");
}

#[test]
fn the_default_exchange_cannot_be_bound() {
    let mut net = Net::new(&["f fanout"], &[("f", "", "A")]).0;
    let queue = Destination::Queue(net.queue_id("A").unwrap());
    let fanout = net.exchange_id("f").unwrap();
    let default = Topology::DEFAULT_EXCHANGE;
    let refused = Err(crate::BuildError::DefaultExchange);
    assert_eq!(net.bind(default, queue, "k", Table::new()), refused);
    assert_eq!(net.bind(fanout, Destination::Exchange(default), "k", Table::new()), refused);
}

#[test]
fn the_default_exchange_as_an_alternate_one_routes_nothing() {
    let net = Net::new(&["d direct "], &[("d", "k", "A")]);
    assert_eq!(net.0.exchange(net.0.exchange_id("d").unwrap()).alternate_exchange.as_deref(), Some(""));
    assert_eq!(net.sure("d", "A"), "");
}

#[test]
fn a_queue_reached_by_several_ways_gets_one_copy() {
    let net = Net::new(
        &["t topic", "f fanout"],
        &[("t", "#", "A"), ("t", "a.*", "A"), ("t", "#", "f"), ("f", "", "A")],
    );
    let delivered = net.0.publish("t", &Message::new("a.b")).unwrap();
    assert_eq!(delivered.queues.len(), 1);
    assert_eq!(delivered.queues[0].by.len(), 3);
    assert_eq!(delivered.path(delivered.queues[0].queue).len(), 1);
}

#[test]
fn cycles_of_exchanges_end() {
    let net = Net::new(
        &["a fanout", "b fanout", "c fanout"],
        &[("a", "", "b"), ("b", "", "c"), ("c", "", "a"), ("c", "", "Q"), ("a", "", "a")],
    );
    assert_eq!(net.sure("b", ""), "Q");
    let delivered = net.0.publish("a", &Message::new("")).unwrap();
    assert_eq!(delivered.visits.len(), 3);
    assert_eq!(delivered.path(delivered.queues[0].queue).len(), 3);
}

#[test]
fn an_alternate_exchange_takes_only_what_its_own_exchange_does_not_match() {
    let net = Net::new(
        &["t topic ae", "ae fanout", "dead fanout"],
        &[("t", "a", "A"), ("t", "b", "dead"), ("ae", "", "U")],
    );
    assert_eq!(net.sure("t", "a"), "A");
    assert_eq!(net.sure("t", "c"), "U");
    // a binding to an exchange that leads nowhere is a match all the same
    assert_eq!(net.sure("t", "b"), "");
}

#[test]
fn an_alternate_exchange_fires_per_exchange_and_in_chains() {
    let net = Net::new(
        &["f fanout", "t topic x", "x topic y", "y fanout"],
        &[("f", "", "t"), ("f", "", "A"), ("t", "k", "B"), ("y", "", "U")],
    );
    assert_eq!(net.sure("f", "other"), "A U");
    let delivered = net.0.publish("f", &Message::new("other")).unwrap();
    let path = delivered.path(net.0.queue_id("U").unwrap());
    assert_eq!(path.iter().filter(|hop| hop.by == By::Alternate).count(), 2);
}

#[test]
fn a_missing_alternate_exchange_is_ignored_and_one_to_itself_too() {
    let net = Net::new(&["t topic nowhere", "s topic s"], &[("t", "k", "A")]);
    let delivered = net.0.publish("t", &Message::new("other")).unwrap();
    assert_eq!(delivered.unroutable, Certainty::Always);
    assert_eq!(delivered.visits[0].alternate, Some(Alternate::Missing("nowhere".into())));
    assert_eq!(net.sure("s", "k"), "");
}

#[test]
fn an_internal_exchange_refuses_clients_but_takes_what_others_send() {
    let mut net = Net::new(&["f fanout"], &[("f", "", "A")]).0;
    let hidden = Exchange { internal: true, ..Exchange::new("hidden", ExchangeKind::Fanout) };
    let hidden = net.add_exchange(hidden).unwrap();
    let queue = net.add_queue(Queue::new("H", QueueKind::Classic)).unwrap();
    net.bind(hidden, Destination::Queue(queue), "", Table::new()).unwrap();
    net.bind(net.exchange_id("f").unwrap(), Destination::Exchange(hidden), "", Table::new()).unwrap();
    assert_eq!(net.publish("hidden", &Message::new("")).unwrap_err().code(), 403);
    assert_eq!(net.publish("missing", &Message::new("")).unwrap_err().code(), 404);
    assert_eq!(Net(net).sure("f", ""), "A H");
}

#[test]
fn cc_and_bcc_are_further_keys() {
    let net = Net::new(
        &["d direct", "t topic"],
        &[("d", "a", "A"), ("d", "b", "B"), ("t", "*", "A"), ("t", "c.#", "B")],
    );
    let (cc, bcc) = (["b".to_owned()], ["a".to_owned(), "a".to_owned()]);
    let delivered = net.0.publish("d", &Message::new("x").with_cc(&cc).with_bcc(&bcc)).unwrap();
    assert_eq!(net.names(&delivered, Certainty::Always), "A B");
    let delivered = net.0.publish("t", &Message::new("c").with_cc(&cc)).unwrap();
    assert_eq!(net.names(&delivered, Certainty::Always), "A B");
}

#[test]
fn a_hash_picks_one_by_weight_and_keeps_the_first_binding_to_each_destination() {
    let net = Net::new(&["h x-consistent-hash"], &[("h", "1", "A"), ("h", "3", "B"), ("h", "9", "A")]);
    let id = net.0.exchange_id("h").unwrap();
    let Matched::OneOf(shares) = net.0.matched(id, &Message::new("k")) else { panic!("a hash picks") };
    assert_eq!(shares.iter().map(|share| share.weight).collect::<Vec<_>>(), [1, 3]);
    let delivered = net.0.publish("h", &Message::new("k")).unwrap();
    assert_eq!(net.names(&delivered, Certainty::Possible), "A B");
    assert_eq!(delivered.unroutable, Certainty::Never);
}

#[test]
fn what_every_pick_leads_to_is_certain() {
    let net = Net::new(
        &["r x-random", "a fanout", "b fanout", "end fanout"],
        &[("r", "", "a"), ("r", "", "b"), ("a", "", "A"), ("a", "", "B"), ("b", "", "B"), ("r", "", "end")],
    );
    let delivered = net.0.publish("r", &Message::new("")).unwrap();
    assert_eq!(net.names(&delivered, Certainty::Possible), "A B");
    assert_eq!(delivered.unroutable, Certainty::Possible);
    let net = Net::new(
        &["r x-modulus-hash", "a fanout", "b fanout"],
        &[("r", "", "a"), ("r", "", "b"), ("a", "", "b"), ("a", "", "A"), ("b", "", "B")],
    );
    assert_eq!(net.sure("r", ""), "B");
}

#[test]
fn a_pick_of_ones_own_decides() {
    let net =
        Net::new(&["r x-random", "h x-consistent-hash"], &[("r", "", "h"), ("h", "1", "A"), ("h", "2", "B")]);
    let entry = net.0.exchange_id("r").unwrap();
    for (place, wanted) in [(0, "A"), (1, "B"), (9, "B")] {
        let delivered = net.0.route_picking(entry, &Message::new("k"), |_, _| place);
        assert_eq!(net.names(&delivered, Certainty::Always), wanted);
        assert_eq!(delivered.queues.len(), 1);
    }
}

#[test]
fn a_pick_that_leads_back_to_the_picker_is_no_delivery() {
    let net = Net::new(&["r x-random", "a fanout"], &[("r", "", "a"), ("r", "", "A"), ("a", "", "r")]);
    let delivered = net.0.publish("r", &Message::new("")).unwrap();
    assert_eq!(delivered.unroutable, Certainty::Possible);
}

#[test]
fn a_picker_without_bindings_uses_its_alternate_exchange() {
    let net = Net::new(&["h x-consistent-hash ae", "ae fanout"], &[("ae", "", "U")]);
    assert_eq!(net.sure("h", "k"), "U");
}

#[test]
fn an_unknown_type_decides_nothing() {
    let net = Net::new(&["j x-jms-topic ae", "ae fanout"], &[("j", "k", "A"), ("ae", "", "U")]);
    let delivered = net.0.publish("j", &Message::new("k")).unwrap();
    assert_eq!(net.names(&delivered, Certainty::Possible), "A U");
    assert_eq!(delivered.unroutable, Certainty::Possible);
    assert_eq!(delivered.undecidable().count(), 1);
}

#[test]
fn a_delayed_message_goes_by_its_inner_type_and_to_the_alternate_exchange_at_once() {
    let net = Net::new(&["d x-delayed-message ae", "ae fanout"], &[("d", "a.*", "A"), ("ae", "", "U")]);
    assert_eq!(net.sure("d", "a.b"), "A");
    assert_eq!(net.sure("d", "b"), "U");
    let headers = Table::from([("x-delay".to_owned(), 5000.into())]);
    let delivered = net.0.publish("d", &Message::new("a.b").with_headers(&headers)).unwrap();
    assert!(delivered.visits[0].delayed);
    assert_eq!(net.names(&delivered, Certainty::Always), "A U");
}

#[test]
fn local_random_takes_only_classic_queues_and_the_empty_key() {
    let mut net = Net::new(&["l x-local-random", "f fanout"], &[("l", "", "A"), ("l", "", "B")]).0;
    let local = net.exchange_id("l").unwrap();
    let classic = Destination::Queue(net.queue_id("A").unwrap());
    let quorum = Destination::Queue(net.add_queue(Queue::new("q", QueueKind::Quorum)).unwrap());
    let refused = net.bind(local, quorum, "", Table::new()).unwrap_err();
    assert_eq!(refused, crate::BuildError::LocalRandomDestination);
    let refused = net.bind(local, classic, "k", Table::new()).unwrap_err();
    assert_eq!(refused, crate::BuildError::LocalRandomKey("k".into()));
    let delivered = net.publish("l", &Message::new("any")).unwrap();
    assert_eq!(delivered.unroutable, Certainty::Never);
}

#[test]
fn what_validate_binding_refuses_is_refused() {
    let mut net = Net::new(&["h x-consistent-hash", "m headers"], &[("m", "", "A")]).0;
    let queue = Destination::Queue(net.queue_id("A").unwrap());
    let (hash, headers) = (net.exchange_id("h").unwrap(), net.exchange_id("m").unwrap());
    for weight in ["", "0", "-1", "ten", "1.5"] {
        let refused = net.bind(hash, queue, weight, Table::new()).unwrap_err();
        assert_eq!(refused, crate::BuildError::HashWeight(weight.into()));
    }
    let none = Table::from([("x-match".to_owned(), "none".into())]);
    assert_eq!(net.bind(headers, queue, "", none), Err(crate::BuildError::HeadersMatch));
}

#[test]
fn declaring_again_is_the_first_declaration_or_refused() {
    let mut net = Topology::new(Version::V3_10);
    let first = net.add_exchange(Exchange::new("x", ExchangeKind::Topic)).unwrap();
    assert_eq!(net.add_exchange(Exchange::new("x", ExchangeKind::Topic)), Ok(first));
    assert!(net.add_exchange(Exchange::new("x", ExchangeKind::Direct)).is_err());
    let queue = net.add_queue(Queue::new("q", QueueKind::Classic)).unwrap();
    assert!(net.add_queue(Queue::new("q", QueueKind::Quorum)).is_err());
    let bound = net.bind(first, Destination::Queue(queue), "k", Table::new());
    assert_eq!(net.bind(first, Destination::Queue(queue), "k", Table::new()), bound);
    let arguments = Table::from([("a".to_owned(), 1.into())]);
    assert_ne!(net.bind(first, Destination::Queue(queue), "k", arguments), bound);
    assert_eq!(net.bindings().len(), 2);
}
