//! Entities ↔ the JSON of definitions files and of the management API.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value as Json};

use super::{
    DEFAULT_HASHING, Definition, Field, Kind, KindId, Place, Preset, Provenance, Scope, Secret, Type, Value,
};
use crate::diag::Span;

/// Why an entity and its JSON do not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The JSON has no such member, or one of another type.
    Member {
        /// The member.
        name: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A secret cannot be found; the text says which and why, never the secret.
    Secret(String),
}

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Member { name, wanted } => write!(f, "`{name}` is not {wanted}"),
            Self::Secret(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for WireError {}

/// Finds a secret's text; for a user's password its hash, as the broker stores it.
pub type Reveal<'a> = &'a dyn Fn(&Definition, &Secret) -> Result<String, WireError>;

/// A value as JSON. Secrets have no JSON of their own and become null: [`to_wire`] reveals them.
#[must_use]
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Bool(bool) => Json::Bool(*bool),
        Value::Integer(integer) => Json::from(*integer),
        Value::Float(float) => Json::from(*float),
        Value::Text(text) => Json::String(text.to_string()),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Table(table) => {
            Json::Object(table.iter().map(|(name, value)| (name.to_string(), to_json(value))).collect())
        }
        Value::Null | Value::Secret(_) => Json::Null,
    }
}

/// JSON as a value.
#[must_use]
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(*bool),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or(f64::NAN)), Value::Integer)
        }
        Json::String(text) => Value::text(text.as_str()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(members) => Value::Table(
            members.iter().map(|(name, value)| (Arc::from(name.as_str()), from_json(value))).collect(),
        ),
    }
}

/// Where a kind keeps what is in no member of its own.
fn container(kind: &Kind) -> Option<&'static str> {
    match kind.id {
        KindId::Exchange | KindId::Queue | KindId::Binding => Some("arguments"),
        _ => kind.wire.map(|wire| wire.container).filter(|container| !container.is_empty()),
    }
}

/// The entity as the entry of its list in a definitions file (`rabbit_definitions`).
///
/// # Errors
/// When a secret cannot be revealed.
pub fn to_wire(definition: &Definition, reveal: Reveal<'_>) -> Result<Map<String, Json>, WireError> {
    let mut entry = to_wire_value(definition, reveal)?;
    let kind = definition.kind.kind();
    if let Some(component) = kind.wire.and_then(|wire| wire.component) {
        if definition.kind == KindId::OperatorPolicy {
            let body: Map<String, Json> =
                entry.into_iter().filter(|(key, _)| key != "name" && key != "vhost").collect();
            entry = Map::from_iter([("value".to_owned(), Json::Object(body))]);
            entry.insert("name".to_owned(), Json::from(definition.name()));
        }
        if definition.kind == KindId::VhostLimits {
            entry.insert("name".to_owned(), Json::from("limits"));
        }
        entry.insert("component".to_owned(), Json::from(component));
    }
    if let Some(vhost) = &definition.vhost {
        entry.insert("vhost".to_owned(), Json::from(&**vhost));
    }
    Ok(entry)
}

/// The entity as the management API takes and gives it, without its vhost.
///
/// # Errors
/// When a secret cannot be revealed.
pub fn to_wire_value(definition: &Definition, reveal: Reveal<'_>) -> Result<Map<String, Json>, WireError> {
    let kind = definition.kind.kind();
    let mut body = Map::new();
    let mut held = Map::new();
    for attribute in kind.all_attributes() {
        let json = match definition.field(attribute.name).map(|field| &field.value) {
            Some(Value::Secret(secret)) => secret_json(definition.kind, reveal(definition, secret)?),
            Some(value) => to_json(value),
            None => match (attribute.default, kind.place(attribute)) {
                (Some(Preset::Bool(bool)), Place::Body(_)) => Json::Bool(bool),
                (Some(Preset::Integer(integer)), Place::Body(_)) => Json::from(integer),
                (Some(Preset::Text(text)), Place::Body(_)) => Json::from(text),
                _ => continue,
            },
        };
        match kind.place(attribute) {
            Place::Body(name) => {
                body.insert(name.to_owned(), json);
            }
            Place::Argument(name) | Place::Key(name) => {
                held.insert(name.to_owned(), json);
            }
            Place::Nowhere => {
                // the one secret that the broker keeps only as a hash
                if definition.kind == KindId::User {
                    body.insert("password_hash".to_owned(), json);
                }
            }
        }
    }
    if definition.kind == KindId::User {
        // a PUT without these blanks them (rabbit_mgmt_wm_user)
        body.entry("password_hash").or_insert_with(|| Json::from(""));
        body.entry("tags").or_insert_with(|| Json::Array(Vec::new()));
        // a node that makes its own otherwise would take the hash for one of those
        if definition.field("password").is_some() {
            body.entry("hashing_algorithm").or_insert_with(|| Json::from(DEFAULT_HASHING));
        }
    }
    held.extend(definition.arguments.iter().map(|(name, field)| (name.to_string(), to_json(&field.value))));
    if let Some(container) = container(kind) {
        body.insert(container.to_owned(), Json::Object(held));
    }
    Ok(body)
}

/// Several addresses are written with spaces between them and sent as a list.
fn secret_json(kind: KindId, text: String) -> Json {
    if kind == KindId::User {
        return Json::String(text);
    }
    let addresses: Vec<&str> = text.split_whitespace().collect();
    if addresses.len() > 1 { Json::from(addresses) } else { Json::from(text.trim()) }
}

/// The entity of an entry of its list in a definitions file, or of an answer of the management API.
///
/// # Errors
/// When a member that identifies it is missing.
pub fn from_wire(kind: KindId, entry: &Map<String, Json>) -> Result<Definition, WireError> {
    let described = kind.kind();
    let vhost = match described.scope {
        Scope::Vhost => Some(Arc::from(text(entry, "vhost")?)),
        Scope::Global | Scope::Contract => None,
    };
    let nested =
        (kind == KindId::OperatorPolicy).then(|| entry.get("value").and_then(Json::as_object)).flatten();
    let body = nested.unwrap_or(entry);
    let mut definition = Definition::new(kind, vhost, Span::NONE, Provenance::Live);
    let held = container(described).and_then(|name| body.get(name)).and_then(Json::as_object);
    let mut known = Vec::new();
    for attribute in described.all_attributes() {
        let json = match described.place(attribute) {
            Place::Body("name") => entry.get("name"),
            Place::Body(name) => body.get(name),
            Place::Argument(name) | Place::Key(name) => {
                known.push(name);
                held.and_then(|held| held.get(name))
            }
            Place::Nowhere if kind == KindId::User => body.get("password_hash"),
            Place::Nowhere => None,
        };
        let Some(json) = json.filter(|json| !json.is_null()) else { continue };
        let value = match (attribute.ty, json) {
            (Type::Secret, Json::String(text)) if kind == KindId::User => {
                if text.is_empty() {
                    continue;
                }
                Value::Secret(Secret::Hash(Arc::from(text.as_str())))
            }
            (Type::Secret, Json::String(text)) => Value::Secret(Secret::Literal(Arc::from(text.as_str()))),
            (Type::Secret, Json::Array(items)) => {
                let uris: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
                Value::Secret(Secret::Literal(Arc::from(uris.join(" "))))
            }
            (Type::Words(_), Json::String(text)) => words(text),
            _ => from_json(json),
        };
        definition.set(attribute.name, value, Span::NONE);
    }
    for field in described.identity {
        if definition.field(field).is_none()
            && described.attribute(field).is_some_and(|a| a.default.is_none())
        {
            return Err(WireError::Member { name: (*field).to_owned(), wanted: "there" });
        }
    }
    let others = held.into_iter().flatten().filter(|(name, _)| !known.contains(&name.as_str()));
    definition.arguments = others
        .map(|(name, json)| (Arc::from(name.as_str()), Field { value: from_json(json), span: Span::NONE }))
        .collect::<BTreeMap<_, _>>();
    if kind == KindId::Binding {
        for field in definition.arguments.values_mut() {
            field.value = without_undefined(&field.value);
        }
    }
    definition.handle = entry.get("properties_key").and_then(Json::as_str).map(Arc::from);
    Ok(definition)
}

/// What a header without a value is to the management API, which reads back no other than as this text
/// (`rabbit_mgmt_format`, Erlang's `undefined`; seen on 3.10 and 4.0).
pub(crate) const UNDEFINED: &str = "undefined";

/// A binding's argument with nothing where the management API says [`UNDEFINED`].
pub(super) fn without_undefined(value: &Value) -> Value {
    match value {
        Value::Text(text) if &**text == UNDEFINED => Value::Null,
        Value::List(items) => Value::List(items.iter().map(without_undefined).collect()),
        Value::Table(table) => {
            Value::Table(table.iter().map(|(name, value)| (name.clone(), without_undefined(value))).collect())
        }
        other => other.clone(),
    }
}

/// Words joined by commas or spaces, as older brokers give a user's tags.
pub(crate) fn words(text: &str) -> Value {
    let parts = text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty());
    Value::List(parts.map(Value::text).collect())
}

fn text<'a>(entry: &'a Map<String, Json>, name: &str) -> Result<&'a str, WireError> {
    entry
        .get(name)
        .and_then(Json::as_str)
        .ok_or_else(|| WireError::Member { name: name.to_owned(), wanted: "a string" })
}
