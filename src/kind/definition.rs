//! One entity, desired or live.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{KindId, Preset, Value, wire::without_undefined};
use crate::diag::{Span, Subject};

/// An attribute's value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The value.
    pub value: Value,
    /// Where it was written; [`Span::NONE`] for live and derived entities.
    pub span: Span,
}

/// Why an entity that nobody wrote is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derived {
    /// A delay or dead queue of a queue's `retry`.
    RetryLadder,
    /// A part of a `super-stream`.
    SuperStream,
    /// A permission that a service's flows need.
    LeastPrivilege,
}

/// Where an entity comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// Written in a file.
    Written,
    /// Made from something that is.
    Derived(Derived),
    /// Found on a broker.
    Live,
}

/// A lint that is silenced for an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The lint's name.
    pub lint: Arc<str>,
    /// Where that name is written.
    pub named: Span,
    /// Why.
    pub because: Option<Arc<str>>,
    /// Where it is written.
    pub span: Span,
    /// The node that it is written in, with all that the node holds.
    pub within: Span,
}

/// Which entity: what two descriptions of the same thing have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Its kind.
    pub kind: KindId,
    /// Its vhost; none for what is global.
    pub vhost: Option<Arc<str>>,
    /// Its identifying fields in the kind's order, and for a binding its arguments.
    pub parts: Vec<Arc<str>>,
}

/// One entity, desired or live: both sides are of this type.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Its kind.
    pub kind: KindId,
    /// Its vhost; none for what is global.
    pub vhost: Option<Arc<str>>,
    /// Its attributes by name, sorted; what is not said is not there.
    fields: Vec<(&'static str, Field)>,
    /// Arguments that the kind does not know, by the broker's name, and a binding's.
    pub arguments: BTreeMap<Arc<str>, Field>,
    /// Keys of a policy that are written as its own, and that topoc does not know: not by `argument`.
    pub unrecognized: BTreeSet<Arc<str>>,
    /// The node that describes it; for a derived entity the node it is derived from.
    pub span: Span,
    /// All of that node, with what is written in it.
    pub extent: Span,
    /// Where it comes from.
    pub provenance: Provenance,
    /// Whether somebody else makes it.
    pub external: bool,
    /// Whether a part of it could not be made sense of, so that nothing can be said of what it lacks.
    pub garbled: bool,
    /// The lints that are silenced for it.
    pub allows: Vec<Allow>,
    /// The broker's own handle of a live binding (`properties_key`).
    pub handle: Option<Arc<str>>,
}

impl Definition {
    /// An entity without attributes.
    #[must_use]
    pub fn new(kind: KindId, vhost: Option<Arc<str>>, span: Span, provenance: Provenance) -> Self {
        Self {
            kind,
            vhost,
            fields: Vec::new(),
            arguments: BTreeMap::new(),
            unrecognized: BTreeSet::new(),
            span,
            extent: span,
            provenance,
            external: false,
            garbled: false,
            allows: Vec::new(),
            handle: None,
        }
    }

    /// What is said of an attribute.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        // a handful of short names: comparing lengths first beats a binary search
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, field)| field)
    }

    /// Says something of an attribute, in place of what was said before.
    pub fn set(&mut self, name: &'static str, value: Value, span: Span) {
        match self.fields.binary_search_by_key(&name, |(field, _)| field) {
            Ok(index) => self.fields[index].1 = Field { value, span },
            Err(index) => self.fields.insert(index, (name, Field { value, span })),
        }
    }

    /// Takes back what was said of an attribute.
    pub fn unset(&mut self, name: &str) -> Option<Field> {
        let index = self.fields.binary_search_by_key(&name, |(field, _)| field).ok()?;
        Some(self.fields.remove(index).1)
    }

    /// All that is said, by attribute name.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Field)> {
        self.fields.iter().map(|(name, field)| (*name, field))
    }

    /// The value of an attribute, with the kind's default where nothing is said.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Value> {
        if let Some(field) = self.field(name) {
            return Some(field.value.clone());
        }
        match self.kind.kind().attribute(name)?.default? {
            Preset::Bool(bool) => Some(Value::Bool(bool)),
            Preset::Integer(integer) => Some(Value::Integer(integer)),
            Preset::Text(text) => Some(Value::text(text)),
        }
    }

    /// A text attribute that is said.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.field(name).and_then(|field| field.value.as_text()).map(|text| &**text)
    }

    /// An integer attribute that is said: milliseconds, bytes or a count.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.field(name).and_then(|field| field.value.as_integer())
    }

    /// A truth attribute, with the kind's default where nothing is said.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        if let Some(bool) = self.field(name).and_then(|field| field.value.as_bool()) {
            return bool;
        }
        matches!(
            self.kind.kind().attribute(name).and_then(|attribute| attribute.default),
            Some(Preset::Bool(true))
        )
    }

    /// Where an attribute is written, else the entity itself.
    #[must_use]
    pub fn span_of(&self, name: &str) -> Span {
        self.field(name).map_or(self.span, |field| field.span)
    }

    /// The entity's own name; for kinds without one what identifies it best.
    #[must_use]
    pub fn name(&self) -> &str {
        let first = self.kind.kind().identity.last().copied().unwrap_or("name");
        self.text("name").or_else(|| self.text(first)).or(self.vhost.as_deref()).unwrap_or("")
    }

    /// How plans and diagnostics call it: a queue's name, or `order.exchange → inventory.queue key order.*`.
    #[must_use]
    pub fn title(&self) -> String {
        let text = |name: &str| self.text(name).unwrap_or("");
        match self.kind {
            KindId::Binding => {
                let mut title = format!("{} → {}", text("source"), text("destination"));
                if !text("routing-key").is_empty() {
                    title.push_str(" key ");
                    title.push_str(text("routing-key"));
                }
                for (name, field) in &self.arguments {
                    title.push_str(&match &field.value {
                        Value::Null => format!(" {name}"),
                        value => format!(" {name}={}", value.show(super::Type::Text)),
                    });
                }
                title
            }
            KindId::TopicPermission => format!("{} on {}", text("user"), text("exchange")),
            KindId::Parameter => format!("{}/{}", text("component"), text("name")),
            KindId::VhostLimits => self.vhost.as_deref().unwrap_or("/").to_owned(),
            _ => self.name().to_owned(),
        }
    }

    /// What findings about it are about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject { kind: self.kind.word(), vhost: self.vhost.clone(), name: self.title().into() }
    }

    /// Whether an argument of it, or what is in one, has no value: no JSON of the management API says that.
    #[must_use]
    pub fn has_void(&self) -> bool {
        fn is_void(value: &Value) -> bool {
            match value {
                Value::Null => true,
                Value::List(items) => items.iter().any(is_void),
                Value::Table(table) => table.values().any(is_void),
                _ => false,
            }
        }
        self.kind == KindId::Binding && self.arguments.values().any(|field| is_void(&field.value))
    }

    /// Which entity it is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let mut parts: Vec<Arc<str>> = Vec::with_capacity(self.kind.kind().identity.len());
        for name in self.kind.kind().identity {
            let text = self.field(name).and_then(|field| field.value.as_text().cloned());
            parts.push(text.unwrap_or_else(|| Arc::from("")));
        }
        if self.kind == KindId::Binding {
            // the broker compares a binding's arguments too; ownership records keep this text, so it is JSON, sorted
            let others = self.arguments.iter().map(|(name, field)| (&**name, &field.value));
            let matching = self.field("match").map(|field| ("x-match", &field.value));
            let all: BTreeMap<&str, serde_json::Value> = matching
                .into_iter()
                .chain(others)
                .map(|(name, value)| (name, super::to_json(&without_undefined(value))))
                .collect();
            if !all.is_empty() {
                parts.push(serde_json::json!(all).to_string().into());
            }
        }
        Identity { kind: self.kind, vhost: self.vhost.clone(), parts }
    }
}
