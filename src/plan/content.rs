//! What a topology has said of an entity it made, as its record keeps it: without secrets.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::compare;
use crate::kind::{Definition, Identity, KindId, Place, Scope, Value, from_wire, to_wire_value};

/// An entity as a topology has described it, in the broker's own terms, without what identifies it.
///
/// Entities that are described alike share one text, so that a record of many is small.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content(Arc<str>);

impl Content {
    /// What is said of an entity. Nothing secret is in it; and nothing at all of a binding, which its identity says.
    #[must_use]
    pub fn of(definition: &Definition) -> Self {
        if definition.kind == KindId::Binding {
            return Self("{}".into());
        }
        // no secret is left that would have to be revealed
        let mut body = to_wire_value(&open(definition), &|_, _| Ok(String::new())).unwrap_or_default();
        for name in identifying(definition.kind) {
            body.remove(name);
        }
        body.remove(PASSWORD_HASH);
        Self(Json::Object(body).to_string().into())
    }

    /// The entity that it is said of; none for a binding.
    #[must_use]
    pub fn definition(&self, identity: &Identity) -> Option<Definition> {
        if identity.kind == KindId::Binding {
            return None;
        }
        let mut body: Map<String, Json> = serde_json::from_str(&self.0).ok()?;
        if identity.kind == KindId::OperatorPolicy {
            body = Map::from_iter([("value".to_owned(), Json::Object(body))]);
        }
        for (name, part) in identifying(identity.kind).zip(&identity.parts) {
            body.insert(name.to_owned(), Json::from(&**part));
        }
        if let (Scope::Vhost, Some(vhost)) = (identity.kind.kind().scope, &identity.vhost) {
            body.insert("vhost".to_owned(), Json::from(&**vhost));
        }
        from_wire(identity.kind, &body).ok()
    }

    /// As a record keeps it.
    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// As a record keeps it.
    pub(super) fn from_json(json: &Json) -> Option<Self> {
        json.is_object().then(|| Self(json.to_string().into()))
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        self.0.len()
    }
}

const PASSWORD_HASH: &str = "password_hash";

/// The members that say which entity it is.
fn identifying(kind: KindId) -> impl Iterator<Item = &'static str> {
    let kind = kind.kind();
    kind.identity.iter().filter_map(|name| match kind.place(kind.attribute(name)?) {
        Place::Body(member) => Some(member),
        Place::Argument(_) | Place::Key(_) | Place::Nowhere => None,
    })
}

/// An entity without its secrets, and without what holds some.
pub(super) fn open(definition: &Definition) -> Definition {
    let mut open = definition.clone();
    let closed: Vec<&'static str> =
        definition.fields().filter(|(_, field)| hides(&field.value)).map(|(name, _)| name).collect();
    for name in closed {
        open.unset(name);
    }
    open.arguments.retain(|_, field| !hides(&field.value));
    open
}

fn hides(value: &Value) -> bool {
    matches!(value, Value::Secret(_)) || compare::hides_something(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diag::Span,
        kind::{KINDS, Secret},
    };

    fn entity(kind: KindId, json: Json) -> Definition {
        from_wire(kind, json.as_object().unwrap()).unwrap()
    }

    #[test]
    fn what_is_kept_is_what_was_said() {
        for (kind, json) in [
            (
                KindId::Queue,
                serde_json::json!({"vhost": "v", "name": "q", "durable": false, "auto_delete": true, "arguments": {"x-queue-type": "quorum", "x-theirs": [1, 2.0]}}),
            ),
            (
                KindId::OperatorPolicy,
                serde_json::json!({"vhost": "v", "name": "p", "value": {"pattern": "^a", "apply-to": "queues", "priority": 7, "definition": {"max-length": 5}}}),
            ),
            (
                KindId::Policy,
                serde_json::json!({"vhost": "v", "name": "p", "pattern": "^a", "apply-to": "all", "priority": 0, "definition": {"max-length": 5, "theirs": 1}}),
            ),
            (KindId::VhostLimits, serde_json::json!({"vhost": "v", "value": {"max-queues": 5}})),
            (
                KindId::Permission,
                serde_json::json!({"vhost": "v", "user": "u", "configure": "", "write": ".*", "read": "^$"}),
            ),
            (KindId::GlobalParameter, serde_json::json!({"name": "g", "value": {"a": [1, null]}})),
        ] {
            let said = entity(kind, json);
            let kept = Content::of(&said);
            assert_eq!(Content::from_json(&kept.json()), Some(kept.clone()));
            assert_eq!(kept.definition(&said.identity()), Some(said));
        }
    }

    #[test]
    fn nothing_secret_is_kept() {
        let planted = "pl4nted";
        for kind in KINDS.iter().filter(|kind| kind.scope != Scope::Contract) {
            let mut said =
                Definition::new(kind.id, Some("v".into()), Span::NONE, crate::kind::Provenance::Written);
            for attribute in kind.all_attributes() {
                let secret = match attribute.ty {
                    crate::kind::Type::Secret => Value::Secret(Secret::Literal(planted.into())),
                    crate::kind::Type::Json => Value::text("amqp://user:pl4nted@host"),
                    _ => continue,
                };
                said.set(attribute.name, secret, Span::NONE);
            }
            let inner = Value::Table([(Arc::from("my-token"), Value::text(planted))].into());
            said.arguments.insert("x".into(), crate::kind::Field { value: inner, span: Span::NONE });
            let kept = Content::of(&said);
            assert!(!format!("{kept:?}").contains(planted), "{kept:?}");
        }
    }
}
