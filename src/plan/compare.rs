//! One entity as it is and as it is to be → what differs.

use std::{borrow::Cow, collections::BTreeSet};

use super::{Changed, show::digits};
use crate::{
    kind::{Attribute, Change, Definition, KindId, Place, Type, Value},
    topology::secrets,
};

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The attribute, or the argument that topoc does not know.
    pub name: String,
    /// As it is; none: not there.
    pub from: Option<String>,
    /// As it is to be; none: not there.
    pub to: Option<String>,
    /// Whether only replacing the entity changes it.
    pub replaces: bool,
    /// Whether neither side may be shown.
    pub secret: bool,
    /// Where it was changed since the topology was last applied; none where that is not known.
    pub changed: Option<Changed>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        if self.secret {
            write!(f, "{} changes", self.name)?;
        } else {
            write!(f, "{} {} → {}", self.name, side(&self.from), side(&self.to))?;
        }
        match self.changed {
            None | Some(Changed::File) => Ok(()),
            Some(Changed::Broker) => f.write_str(" (changed on the broker)"),
            Some(Changed::Both) => f.write_str(" (changed in the file and on the broker)"),
        }
    }
}

/// How a value reads in a plan, with dots in the place of passwords: a parameter's JSON may hold some.
pub(super) fn shown(value: &Value, ty: Type) -> String {
    match (value, ty) {
        (Value::Integer(integer), Type::Integer(..)) => digits(*integer),
        (Value::Text(text), _) if text.is_empty() => "\"\"".to_owned(),
        _ => secrets::without_passwords(&masked(value).show(ty)),
    }
}

/// Whether a value holds something that may not be shown.
pub(super) fn hides_something(value: &Value) -> bool {
    match value {
        Value::Text(text) => secrets::without_passwords(text) != **text,
        Value::List(items) => items.iter().any(hides_something),
        Value::Table(table) => {
            table.iter().any(|(name, value)| secrets::is_secret_name(name) || hides_something(value))
        }
        _ => false,
    }
}

fn masked(value: &Value) -> Cow<'_, Value> {
    Cow::Owned(match value {
        Value::List(items) => Value::List(items.iter().map(|item| masked(item).into_owned()).collect()),
        Value::Table(table) => {
            let entries = table.iter().map(|(name, value)| {
                let hidden = secrets::is_secret_name(name);
                (name.clone(), if hidden { Value::text("…") } else { masked(value).into_owned() })
            });
            Value::Table(entries.collect())
        }
        _ => return Cow::Borrowed(value),
    })
}

/// The two sides of a difference; neither where they read alike, as two passwords do.
fn sides(from: Option<&Value>, to: Option<&Value>, ty: Type) -> Option<(Option<String>, Option<String>)> {
    let side = |value: Option<&Value>| value.map(|value| shown(value, ty));
    Some((side(from), side(to))).filter(|(from, to)| from != to)
}

/// What differs. `same_secret` compares a secret; none where it cannot.
pub(super) fn differences(
    desired: &Definition,
    live: &Definition,
    heeds_default_queue_type: bool,
    mut same_secret: impl FnMut(&'static str) -> Option<bool>,
) -> Vec<Difference> {
    let kind = desired.kind.kind();
    let immutable = matches!(desired.kind, KindId::Exchange | KindId::Queue);
    let mut found = Vec::new();
    for attribute in kind.all_attributes() {
        let password = desired.kind == KindId::User && attribute.ty == Type::Secret;
        let is_key = kind.identity.contains(&attribute.name);
        if is_key || (kind.place(attribute) == Place::Nowhere && !password) {
            continue;
        }
        // definitions do not say it
        if desired.kind == KindId::Vhost && attribute.name == "tracing" && live.field("tracing").is_none() {
            continue;
        }
        if attribute.change == Change::AtDeclare && immutable {
            continue;
        }
        let (from, to) = (live.value(attribute.name), desired.value(attribute.name));
        if left_alone(desired, attribute, from.as_ref(), to.as_ref(), heeds_default_queue_type) {
            continue;
        }
        let replaces = immutable && attribute.change == Change::Replace;
        if attribute.ty == Type::Secret {
            let same = match (&from, &to) {
                (None, None) => Some(true),
                (_, Some(Value::Secret(_))) => same_secret(attribute.name),
                _ => Some(false),
            };
            if same == Some(false) {
                let name = attribute.name.to_owned();
                found.push(Difference { name, from: None, to: None, replaces, secret: true, changed: None });
            }
            continue;
        }
        if !same(from.as_ref(), to.as_ref()) {
            let sides = sides(from.as_ref(), to.as_ref(), attribute.ty);
            let secret = sides.is_none();
            let (from, to) = sides.unwrap_or_default();
            let name = attribute.name.to_owned();
            found.push(Difference { name, from, to, replaces, secret, changed: None });
        }
    }
    // a binding's arguments are what it is
    if desired.kind == KindId::Binding {
        return found;
    }
    // what only the live one has was put there by somebody who knows more: it stays
    for (name, field) in &desired.arguments {
        let from = live.arguments.get(name).map(|field| &field.value);
        if !same(from, Some(&field.value)) {
            let sides = sides(from, Some(&field.value), Type::Json);
            let secret = sides.is_none();
            let (from, to) = sides.unwrap_or_default();
            let name = name.to_string();
            found.push(Difference { name, from, to, replaces: immutable, secret, changed: None });
        }
    }
    found
}

/// Whether a description says all that is live, and nothing else. Passwords are the broker's to compare.
#[must_use]
pub fn describes(desired: &Definition, live: &Definition) -> bool {
    let left_out = desired.kind != KindId::Binding
        && live.arguments.keys().any(|name| !desired.arguments.contains_key(name));
    // a type that is not said may be any
    let untyped = desired.kind == KindId::Queue && desired.text("type") != live.text("type");
    !left_out && !untyped && differences(desired, live, true, |_| Some(true)).is_empty()
}

fn left_alone(
    desired: &Definition,
    attribute: &Attribute,
    from: Option<&Value>,
    to: Option<&Value>,
    heeds_default_queue_type: bool,
) -> bool {
    match (desired.kind, attribute.name) {
        // the broker puts in the default of the time of the declaration, and never changes it afterwards
        (KindId::Queue, "type") => {
            to.is_none()
                || (from.is_none() && to.and_then(Value::as_text).is_some_and(|to| &**to == "classic"))
        }
        // one that nobody set reads as `classic` from 3.12 on, and before that it reads as nothing, whatever is set
        (KindId::Vhost, "default-queue-type") => to.is_none() || !heeds_default_queue_type,
        // words for people; every broker describes `/` by itself
        (KindId::Vhost, "description" | "tags") => to.is_none(),
        // a user is never left without the password that it has, and a plain password brings its own algorithm
        (KindId::User, "password" | "hashing-algorithm") => to.is_none(),
        _ => false,
    }
}

/// Whether two values are the same to the broker.
fn same(from: Option<&Value>, to: Option<&Value>) -> bool {
    let words = |items: &[Value]| -> Option<BTreeSet<String>> {
        items.iter().map(|item| item.as_text().map(ToString::to_string)).collect()
    };
    match (from, to) {
        (Some(Value::List(from)), Some(Value::List(to))) => {
            from == to || words(from).is_some_and(|from| Some(from) == words(to))
        }
        (None, Some(Value::List(items))) | (Some(Value::List(items)), None) => items.is_empty(),
        _ => from == to,
    }
}

/// The entity as it is to be sent: with all that only the live one has and that topoc does not know, so that it survives.
pub(super) fn merged(desired: &Definition, live: &Definition) -> Definition {
    let mut merged = desired.clone();
    if desired.kind != KindId::Binding {
        for (name, field) in &live.arguments {
            merged.arguments.entry(name.clone()).or_insert_with(|| field.clone());
        }
    }
    let kept: &[&'static str] = match desired.kind {
        KindId::Vhost => &["description", "tags", "default-queue-type"],
        // a queue that is made anew stays of the type that it has
        KindId::Queue => &["type"],
        KindId::User if desired.field("password").is_none() => &["password", "hashing-algorithm"],
        _ => &[],
    };
    for name in kept {
        if let (None, Some(field)) = (merged.field(name), live.field(name)) {
            merged.set(name, field.value.clone(), field.span);
        }
    }
    merged
}
