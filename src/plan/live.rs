//! What is: a broker's definitions, or a definitions file that stands for a broker, as a topology.
//! Source: `rabbit_definitions`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Map, Value as Json};

use super::{
    held::Held,
    pre_image::{Interrupted, PreImage},
    record::Record,
};
use crate::{
    diag::Span,
    kind::{Definition, Identity, KINDS, KindId, RECORD_PREFIX, Value, Version, from_wire, version},
    topology::Topology,
};

/// Why definitions make no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveError(pub String);

impl std::fmt::Display for LiveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LiveError {}

/// What is on a broker.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Its entities, without the default exchange, `amq.*`, and topoc's own records.
    pub topology: Topology,
    /// Its series, where it is known.
    pub version: Option<Version>,
    /// What topologies have applied there.
    pub records: Vec<Record>,
    /// What runs that were interrupted have left undone.
    pub interrupted: Vec<Interrupted>,
    /// What its queues hold, where that was asked for.
    pub held: Option<Held>,
    /// How many messages a second are published to exchanges, where that was asked for; none where the broker keeps no rates.
    pub published: BTreeMap<Identity, Option<f64>>,
    /// The kinds that could not be seen, each with why.
    pub kinds_unseen: BTreeMap<KindId, &'static str>,
    /// Why what topologies have applied could not be seen, where it could not.
    pub records_unseen: Option<&'static str>,
    /// The vhosts of which no more than the name is known: definitions of RabbitMQ before 3.11 hold nothing else.
    pub undescribed: BTreeSet<Arc<str>>,
    /// The queues whose node is down, by vhost and name: the broker need not show what is bound to them (3.10 does not).
    pub down: BTreeSet<(Arc<str>, Arc<str>)>,
    /// The vhosts whose entities could be seen; none: all.
    pub seen: Option<BTreeSet<Arc<str>>>,
}

impl Live {
    /// Reads a definitions file as the broker does: keys may be missing, unknown ones are ignored, `arguments` may be
    /// `[]`, a later duplicate is ignored, a byte-order mark may stand first. A file of one vhost that does not say which
    /// is of `vhost`.
    ///
    /// # Errors
    /// When it is no JSON object, a list is none, an entity lacks what identifies it, or nothing says which vhost it is of.
    pub fn from_text(text: &str, vhost: Option<&str>) -> Result<Self, LiveError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let json: Json = serde_json::from_str(text)
            .map_err(|error| LiveError(format!("the definitions are not JSON: {error}")))?;
        if !is_of_one_vhost(&json) {
            return Self::from_definitions(&json);
        }
        let whole = whole(json, vhost)?;
        let mut live = Self::from_definitions(&whole)?;
        let alone = "the file holds one vhost alone";
        live.records_unseen = Some(alone);
        live.hide(NOT_IN_A_VHOST, alone);
        live.seen = Some(live.topology.of(KindId::Vhost).map(|vhost| Arc::from(vhost.name())).collect());
        Ok(live)
    }

    /// Reads definitions, as a file holds them and `GET /api/definitions` gives them.
    ///
    /// # Errors
    /// When they are no object, a list is none, or an entity lacks what identifies it.
    pub fn from_definitions(definitions: &Json) -> Result<Self, LiveError> {
        let Some(lists) = definitions.as_object() else {
            return Err(LiveError("the definitions are not a JSON object".to_owned()));
        };
        let version = ["rabbitmq_version", "rabbit_version"]
            .iter()
            .find_map(|name| Version::parse(lists.get(*name)?.as_str()?));
        let globals = || {
            list(lists, "global_parameters")
                .filter_map(|entry| Some((entry["name"].as_str()?, &entry["value"])))
        };
        let records = Record::read_all(globals()).map_err(LiveError)?;
        let interrupted = PreImage::read_all(globals()).map_err(LiveError)?;
        let mut live = Self { version, records, interrupted, ..Self::default() };
        for kind in KINDS {
            let Some(wire) = kind.wire.filter(|wire| wire.component.is_none()) else { continue };
            if lists.get(wire.list).is_some_and(|list| !list.is_array()) {
                return Err(LiveError(format!("`{}` is not a list", wire.list)));
            }
            for (index, entry) in list(lists, wire.list).enumerate() {
                let kind = if kind.id == KindId::Parameter { component(entry) } else { kind.id };
                live.add(kind, entry).map_err(|why| LiveError(format!("`{}[{index}]`, {why}", wire.list)))?;
                match kind {
                    KindId::User => live.add_limits(entry),
                    KindId::Vhost if entry.as_object().is_some_and(|members| members.len() == 1) => {
                        live.undescribed.extend(entry["name"].as_str().map(Arc::from));
                    }
                    _ => {}
                }
            }
        }
        Ok(live)
    }

    /// Adds what `GET /api/vhosts` says of vhosts: before 4.x, definitions hold no more than their names, and later ones
    /// not whether a vhost is traced.
    pub fn describe_vhosts(&mut self, vhosts: &Json) {
        let vhosts: BTreeMap<&str, &Json> = vhosts
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|vhost| Some((vhost["name"].as_str()?, vhost)))
            .collect();
        let mut described = Topology::default();
        for definition in self.topology.definitions() {
            let found = (definition.kind == KindId::Vhost).then(|| vhosts.get(definition.name())).flatten();
            let vhost =
                found.and_then(|vhost| vhost.as_object()).and_then(|v| from_wire(KindId::Vhost, v).ok());
            if vhost.is_some() {
                self.undescribed.remove(definition.name());
            }
            described.insert(vhost.map_or_else(|| definition.clone(), normal));
        }
        self.topology = described;
    }

    /// Whether the broker gives queues their vhost's default type: before 3.12 it ignores it.
    #[must_use]
    pub fn heeds_default_queue_type(&self) -> bool {
        self.version.is_none_or(|series| series >= version(3, 12))
    }

    /// Notes which kinds could not be seen, and why.
    pub fn hide(&mut self, kinds: &[KindId], why: &'static str) {
        self.kinds_unseen.extend(kinds.iter().map(|kind| (*kind, why)));
    }

    /// The vhost that an entity is in, or is, if it could not be seen whether it is there.
    #[must_use]
    pub fn unseen<'a>(&self, identity: &'a Identity) -> Option<&'a Arc<str>> {
        let vhost = match identity.kind {
            KindId::Vhost => identity.parts.first(),
            _ => identity.vhost.as_ref(),
        };
        vhost.filter(|vhost| self.seen.as_ref().is_some_and(|seen| !seen.contains(*vhost)))
    }

    /// Notes which queues are down, as `GET /api/queues` says.
    pub fn note_down(&mut self, queues: &Json) {
        let queues = queues.as_array().into_iter().flatten().filter(|queue| queue["state"] == "down");
        self.down.extend(queues.filter_map(|queue| {
            Some((Arc::from(queue["vhost"].as_str()?), Arc::from(queue["name"].as_str()?)))
        }));
    }

    /// The queue that a binding leads to, if it could not be seen whether it is there.
    #[must_use]
    pub fn down_end(&self, binding: &Identity) -> Option<&(Arc<str>, Arc<str>)> {
        let [_, end, queue, ..] = &*binding.parts else { return None };
        let leads_to_a_queue = binding.kind == KindId::Binding && **end == *"queue";
        let vhost = binding.vhost.as_ref().filter(|_| leads_to_a_queue)?;
        self.down.get(&(vhost.clone(), queue.clone()))
    }

    /// Whose an entity is.
    #[must_use]
    pub fn owner(&self, identity: &Identity) -> Option<&Record> {
        self.records.iter().find(|record| record.entries.contains_key(identity))
    }

    fn add(&mut self, kind: KindId, entry: &Json) -> Result<(), String> {
        let Some(members) = entry.as_object() else {
            return Err(format!("a {}, is not a JSON object", kind.word()));
        };
        let definition = from_wire(kind, members).map_err(|error| {
            let name = entry["name"].as_str().map_or_else(String::new, |name| format!(" `{name}`"));
            format!("a {}{name}: {error}", kind.word())
        })?;
        if !is_brokers_own(&definition) {
            self.topology.insert(normal(definition));
        }
        Ok(())
    }

    /// Users carry their limits.
    fn add_limits(&mut self, user: &Json) {
        let Some(limits) = user["limits"].as_object().filter(|limits| !limits.is_empty()) else { return };
        let entry = Map::from_iter([
            ("user".to_owned(), user["name"].clone()),
            ("value".to_owned(), limits.clone().into()),
        ]);
        if let Ok(definition) = from_wire(KindId::UserLimits, &entry) {
            self.topology.insert(definition);
        }
    }
}

fn list<'a>(lists: &'a Map<String, Json>, name: &str) -> impl Iterator<Item = &'a Json> {
    lists.get(name).and_then(Json::as_array).into_iter().flatten()
}

/// What the definitions of one vhost do not hold.
const NOT_IN_A_VHOST: &[KindId] =
    &[KindId::User, KindId::Permission, KindId::TopicPermission, KindId::UserLimits, KindId::GlobalParameter];

/// The lists that those hold.
const IN_A_VHOST: &[&str] = &["queues", "exchanges", "bindings", "policies", "parameters"];

/// Whether definitions are of one vhost (`GET /api/definitions/VHOST`). Since 4.0 they say so; those of 3.10 have none of
/// the other lists, and their queues, exchanges and bindings no vhost.
fn is_of_one_vhost(definitions: &Json) -> bool {
    if definitions["rabbitmq_definition_format"] == "single_virtual_host" {
        return true;
    }
    let has = |name: &&str| definitions.get(*name).is_some();
    let entries = IN_A_VHOST[..3].iter().flat_map(|list| definitions[list].as_array().into_iter().flatten());
    let mut entries = entries.filter(|entry| entry["name"].is_string() || entry["source"].is_string());
    let is_empty = |list: &&str| definitions[*list].as_array().is_none_or(Vec::is_empty);
    !["vhosts", "users", "permissions", "global_parameters"].iter().any(has)
        && ["rabbitmq_version", "rabbit_version"].iter().any(has)
        && entries.all(|entry| entry.get("vhost").is_none())
        // what holds nothing says nothing of a vhost, and may be all that an empty broker has
        && !IN_A_VHOST.iter().all(is_empty)
}

/// The definitions of one vhost as those of a broker that has no other.
fn whole(mut definitions: Json, vhost: Option<&str>) -> Result<Json, LiveError> {
    let lists = || IN_A_VHOST.iter().flat_map(|list| definitions[list].as_array().into_iter().flatten());
    let named: BTreeSet<&str> = lists().filter_map(|entry| entry["vhost"].as_str()).collect();
    let said = definitions["original_vhost_name"].as_str().or_else(|| named.first().copied());
    let vhost = match (named.len(), said.or(vhost)) {
        (0 | 1, Some(vhost)) => vhost.to_owned(),
        (0, None) => {
            return Err(LiveError(
                "these are the definitions of one vhost, and they do not say of which: write `\"original_vhost_name\": \"…\"` into them".to_owned(),
            ));
        }
        _ => {
            let named: Vec<&str> = named.into_iter().collect();
            return Err(LiveError(format!(
                "these are the definitions of one vhost, and they name several: {}",
                named.join(", ")
            )));
        }
    };
    let of_itself = ["description", "tags", "default_queue_type", "metadata"];
    let described =
        of_itself.iter().filter_map(|name| Some(((*name).to_owned(), definitions.get(*name)?.clone())));
    let entry: Map<String, Json> =
        std::iter::once(("name".to_owned(), Json::from(&*vhost))).chain(described).collect();
    definitions["vhosts"] = Json::Array(vec![entry.into()]);
    for list in IN_A_VHOST {
        for entry in definitions.get_mut(*list).and_then(Json::as_array_mut).into_iter().flatten() {
            if let Some(members) = entry.as_object_mut() {
                members.entry("vhost").or_insert_with(|| Json::from(&*vhost));
            }
        }
    }
    Ok(definitions)
}

/// The kind of a runtime parameter.
fn component(entry: &Json) -> KindId {
    let of = |kind: &&&crate::kind::Kind| {
        kind.wire.and_then(|wire| wire.component).is_some_and(|component| entry["component"] == component)
    };
    KINDS.iter().find(of).map_or(KindId::Parameter, |kind| kind.id)
}

/// What every broker has by itself, what nobody can name twice, and what says nothing.
fn is_brokers_own(definition: &Definition) -> bool {
    match definition.kind {
        KindId::Exchange | KindId::Queue => {
            definition.name().is_empty() || definition.name().starts_with("amq.")
        }
        KindId::Binding => definition.text("source").is_none_or(str::is_empty),
        KindId::GlobalParameter => definition.name().starts_with(RECORD_PREFIX),
        // what is left when the last limit is taken away
        KindId::VhostLimits => definition.fields().next().is_none(),
        _ => false,
    }
}

/// Without what the broker says for "nothing".
fn normal(mut definition: Definition) -> Definition {
    if definition.kind == KindId::Vhost {
        if definition.text("default-queue-type") == Some("undefined") {
            definition.unset("default-queue-type");
        }
        if definition.text("description").is_some_and(str::is_empty) {
            definition.unset("description");
        }
        if definition.field("tags").is_some_and(|field| field.value == Value::List(Vec::new())) {
            definition.unset("tags");
        }
        // what the management API adds to a vhost is no part of it
        definition.arguments.clear();
    }
    if definition.kind == KindId::User {
        definition.arguments.clear();
    }
    definition.span = Span::NONE;
    definition
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_read_as_the_broker_reads_them() {
        let text = "\u{feff}{
            \"anything\": 1,
            \"queues\": [
                {\"name\": \" a/ü \", \"vhost\": \"v\", \"durable\": true, \"arguments\": []},
                {\"name\": \" a/ü \", \"vhost\": \"v\", \"durable\": false},
                {\"name\": \"amq.gen-x\", \"vhost\": \"v\"}
            ],
            \"parameters\": [
                {\"component\": \"operator_policy\", \"name\": \"cap\", \"vhost\": \"v\",
                 \"value\": {\"pattern\": \"\", \"definition\": {\"max-length\": 5}}},
                {\"component\": \"vhost-limits\", \"name\": \"limits\", \"vhost\": \"v\", \"value\": {\"max-queues\": 3}},
                {\"component\": \"other\", \"name\": \"p\", \"vhost\": \"v\", \"value\": [1]}
            ],
            \"bindings\": [
                {\"source\": \"\", \"vhost\": \"v\", \"destination\": \"q\", \"destination_type\": \"queue\", \"routing_key\": \"q\"},
                {\"source\": \"e\", \"vhost\": \"v\", \"destination\": \"q\", \"destination_type\": \"queue\"}
            ]
        }";
        let live = Live::from_text(text, None).unwrap();
        let found: Vec<String> = live
            .topology
            .definitions()
            .iter()
            .map(|definition| format!("{} {}", definition.kind.word(), definition.title()))
            .collect();
        let wanted = ["operator-policy cap", "limits v", "parameter other/p", "queue  a/ü ", "binding e → q"];
        assert_eq!(found, wanted);
        assert!(live.topology.queue("v", " a/ü ").unwrap().0.flag("durable"));
        assert_eq!(live.topology.of(KindId::OperatorPolicy).next().unwrap().integer("max-length"), Some(5));
        let empty = Live::from_text("{\"rabbitmq_version\": \"3.13.0\", \"queues\": []}", None).unwrap();
        assert_eq!((empty.seen, empty.records_unseen), (None, None));
        let error = |text: &str| Live::from_text(text, None).unwrap_err().to_string();
        assert_eq!(error("[]"), "the definitions are not a JSON object");
        assert_eq!(error("{\"queues\": 5}"), "`queues` is not a list");
        assert_eq!(error("{\"policies\": [5]}"), "`policies[0]`, a policy, is not a JSON object");
        assert_eq!(
            error("{\"queues\": [{\"name\": \"q\"}]}"),
            "`queues[0]`, a queue `q`: `vhost` is not a string"
        );
    }
}
