//! The least permissions that a service's flows need, for the user that it connects as.
//! Source: `rabbit_channel` (`check_write_permitted`, `check_read_permitted`), docs/access-control.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Topology, contract::Service};
use crate::{
    kind::{Definition, Derived, KindId, Provenance, Value},
    syntax::Word,
};

/// How permissions name the default exchange.
pub const DEFAULT_EXCHANGE: &str = "amq.default";

/// What a service's flows write and read in one vhost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Exchanges that it publishes to.
    pub write: BTreeSet<Arc<str>>,
    /// Queues that it consumes from.
    pub read: BTreeSet<Arc<str>>,
}

impl Needs {
    /// Adds what else is needed.
    pub fn extend(&mut self, other: Self) {
        self.write.extend(other.write);
        self.read.extend(other.read);
    }
}

/// What a service needs, by vhost.
#[must_use]
pub fn needs(topology: &Topology, service: &Service) -> BTreeMap<Arc<str>, Needs> {
    let mut all: BTreeMap<Arc<str>, Needs> = BTreeMap::new();
    let name = |exchange: &Arc<str>| {
        if exchange.is_empty() { Arc::from(DEFAULT_EXCHANGE) } else { exchange.clone() }
    };
    let contract = &topology.contract;
    for message in service.publishes.iter().filter_map(|word| contract.message(&word.text)) {
        if let Some((exchange, vhost)) = message.exchange.as_ref().and_then(|e| Some((e, e.found.clone()?))) {
            all.entry(vhost).or_default().write.insert(name(&exchange.name.text));
        }
    }
    for consumes in &service.consumes {
        let Some(vhost) = consumes.queue.found.clone() else { continue };
        let needs = all.entry(vhost.clone()).or_default();
        let queues = topology.queues_of(&consumes.queue);
        needs.read.extend(queues.iter().map(|queue| Arc::from(queue.name())));
        // the runtime publishes a message that is to be tried again to its delay queue
        if queues.iter().any(|queue| queue.0.field("retry").is_some()) {
            needs.write.insert(Arc::from(DEFAULT_EXCHANGE));
        }
    }
    let rpc_queue = |word: &Word| {
        let queue = contract.rpc(&word.text)?.queue.as_ref()?;
        Some((queue.name.text.clone(), queue.found.clone()?))
    };
    for (_, vhost) in service.calls.iter().filter_map(rpc_queue) {
        all.entry(vhost).or_default().write.insert(Arc::from(DEFAULT_EXCHANGE));
    }
    for (queue, vhost) in service.answers.iter().filter_map(|answers| rpc_queue(&answers.rpc)) {
        let needs = all.entry(vhost).or_default();
        needs.read.insert(queue);
        needs.write.insert(Arc::from(DEFAULT_EXCHANGE));
    }
    all
}

/// A pattern that matches exactly these names.
#[must_use]
pub fn pattern(names: &BTreeSet<Arc<str>>) -> String {
    let escaped: Vec<String> = names.iter().map(|name| fancy_regex::escape(name).into_owned()).collect();
    match escaped.as_slice() {
        [] => "^$".to_owned(),
        [one] => format!("^{one}$"),
        several => format!("^({})$", several.join("|")),
    }
}

/// Gives the users of services the permissions that nobody wrote for them: what all services of a user need.
pub(super) fn derive(topology: &mut Topology) {
    let mut all: Vec<(&Word, Arc<str>, Needs)> = Vec::new();
    for service in &topology.contract.services {
        let Some(user) = &service.user else { continue };
        for (vhost, needs) in needs(topology, service) {
            match all.iter_mut().find(|(of, there, _)| of.text == user.text && *there == vhost) {
                Some((_, _, before)) => before.extend(needs),
                None => all.push((user, vhost, needs)),
            }
        }
    }
    let permission = |(user, vhost, needs): (&Word, Arc<str>, Needs)| {
        let provenance = Provenance::Derived(Derived::LeastPrivilege);
        let span = user.span;
        let mut permission = Definition::new(KindId::Permission, Some(vhost), span, provenance);
        permission.set("user", Value::Text(user.text.clone()), span);
        permission.set("configure", Value::text("^$"), span);
        permission.set("write", Value::text(pattern(&needs.write)), span);
        permission.set("read", Value::text(pattern(&needs.read)), span);
        permission
    };
    let derived: Vec<Definition> = all.into_iter().map(permission).collect();
    for permission in derived {
        // one that is written stays as it is
        topology.insert(permission);
    }
}
