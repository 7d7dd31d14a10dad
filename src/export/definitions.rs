//! A topology → the definitions file that `rabbitmqctl import_definitions` and `POST /api/definitions` take.
//! Source: `rabbit_definitions`.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use crate::{
    kind::{Definition, KindId, Reveal, Scope, Secret, Value, WireError, to_wire},
    topology::Topology,
};

/// A definitions file and what it lacks.
#[derive(Clone, Debug, PartialEq)]
pub struct Definitions {
    /// The file.
    pub json: Json,
    /// What was left out, each in a sentence.
    pub notes: Vec<String>,
}

/// The lists of a definitions file, in the order in which the broker reads them.
const LISTS: &[&str] = &[
    "users",
    "vhosts",
    "permissions",
    "topic_permissions",
    "parameters",
    "global_parameters",
    "policies",
    "queues",
    "exchanges",
    "bindings",
];

/// Makes the definitions file. Without `reveal`, secrets stay out of it: a user keeps a hash that the topology itself
/// holds, and what cannot be without its secret is left out and said: a shovel without its address; a user without a
/// password, because an import takes away the one that the user has. What is `external` is not in it.
///
/// # Errors
/// When a secret that is to be revealed cannot be found.
pub fn definitions(topology: &Topology, reveal: Option<Reveal<'_>>) -> Result<Definitions, WireError> {
    let mut lists: Map<String, Json> =
        LISTS.iter().map(|list| ((*list).to_owned(), Json::Array(Vec::new()))).collect();
    let mut notes = Vec::new();
    let left_out: BTreeSet<&str> = topology
        .of(KindId::User)
        .filter(|user| !user.external && !is_known(user, reveal))
        .map(Definition::name)
        .collect();
    for definition in topology.definitions() {
        let kind = definition.kind.kind();
        if kind.scope == Scope::Contract || definition.external || definition.kind == KindId::UserLimits {
            continue;
        }
        match definition.kind {
            KindId::User if left_out.contains(definition.name()) => {
                let name = definition.name();
                notes.push(match definition.field("password") {
                    Some(_) => format!("user `{name}` is left out with its permissions: its password is a secret, whose hash --with-secrets writes"),
                    None => format!("user `{name}` is left out with its permissions: it has no password here, and importing it would take away the one that it has"),
                });
                continue;
            }
            KindId::Permission | KindId::TopicPermission
                if definition.text("user").is_some_and(|user| left_out.contains(user)) =>
            {
                continue;
            }
            _ => {}
        }
        if definition.has_void() {
            notes.push(format!(
                "binding `{}` is left out: no import takes a header without a value, and apply binds it by AMQP",
                definition.title()
            ));
            continue;
        }
        let known = |definition: &Definition, secret: &Secret| match (secret, reveal) {
            (Secret::Hash(hash), _) => Ok(hash.to_string()),
            (_, Some(reveal)) => reveal(definition, secret),
            // an address on the broker itself holds nothing secret
            (Secret::Literal(text), None) if !text.contains('@') && definition.kind != KindId::User => {
                Ok(text.to_string())
            }
            (_, None) => Err(WireError::Secret(String::new())),
        };
        let mut entry = match to_wire(definition, &known) {
            Ok(entry) => entry,
            Err(WireError::Secret(_)) if reveal.is_none() => {
                notes.push(format!(
                    "{} `{}` is left out: its address is a secret, which --with-secrets writes",
                    definition.kind.word(),
                    definition.title()
                ));
                continue;
            }
            Err(error) => return Err(error),
        };
        match definition.kind {
            KindId::User => {
                let limits = topology
                    .of(KindId::UserLimits)
                    .find(|limits| limits.text("user") == Some(definition.name()));
                let limits = limits.map(|limits| to_wire(limits, &known)).transpose()?;
                let limits =
                    limits.and_then(|mut limits| limits.remove("value")).unwrap_or_else(|| json!({}));
                entry.insert("limits".to_owned(), limits);
            }
            // the broker takes what it has under this name for its metadata
            KindId::Vhost => {
                let metadata: Map<String, Json> = ["description", "tags", "default_queue_type"]
                    .into_iter()
                    .filter_map(|name| Some((name.to_owned(), entry.get(name)?.clone())))
                    .collect();
                if !metadata.is_empty() {
                    entry.insert("metadata".to_owned(), Json::Object(metadata));
                }
            }
            // the broker imports parameters before queues, and a shovel makes the queues that it does not find
            KindId::Shovel => notes.push(format!(
                "shovel `{}` starts as soon as it is imported, before the queues of this file: import it by itself, later",
                definition.name()
            )),
            _ => {}
        }
        let list = kind.wire.map_or("", |wire| wire.list);
        if let Some(Json::Array(entries)) = lists.get_mut(list) {
            entries.push(Json::Object(entry));
        }
    }
    Ok(Definitions { json: Json::Object(lists), notes })
}

/// Whether a user's password can be written, as a hash.
fn is_known(user: &Definition, reveal: Option<Reveal<'_>>) -> bool {
    match user.field("password").map(|field| &field.value) {
        Some(Value::Secret(Secret::Hash(_))) => true,
        Some(_) => reveal.is_some(),
        None => false,
    }
}
