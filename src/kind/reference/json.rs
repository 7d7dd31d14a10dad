//! The reference as JSON: the language's schema.

use serde_json::{Map, Value, json};

use super::{listed, words};
use crate::{
    kind::{
        Attribute, COMMON, Change, KINDS, Kind, LanguageWord, Place, Scope, Twin, Type, VERSIONS, WORDS,
        Within,
    },
    syntax::{Form, Property, Values, Wanted},
};

/// Every kind with its attributes and child nodes.
#[must_use]
pub fn json() -> Value {
    json!({
        "version": 1,
        "rabbitmq": VERSIONS.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "words": WORDS.iter().map(word).collect::<Vec<_>>(),
        "kinds": KINDS.iter().map(|kind| describe(kind)).collect::<Vec<_>>(),
        "common": COMMON.iter().map(nested).collect::<Vec<_>>(),
    })
}

fn word(word: &LanguageWord) -> Value {
    json!({ "name": word.name, "doc": word.doc, "node": word.form.map(nested) })
}

fn describe(kind: &'static Kind) -> Value {
    let scope = match kind.scope {
        Scope::Vhost => "vhost",
        Scope::Global => "global",
        Scope::Contract => "contract",
    };
    json!({
        "keyword": kind.keyword,
        "scope": scope,
        "doc": kind.doc,
        "identity": kind.identity,
        "attributes": listed(kind).map(|a| attribute(kind, a)).collect::<Vec<_>>(),
        "children": kind.nested.iter().map(nested).collect::<Vec<_>>(),
    })
}

fn nested(form: &Form) -> Value {
    let values = match form.values {
        Values::None | Values::Free => None,
        Values::Name(what) | Values::Text(what) | Values::NameAnd(what, _) | Values::Several(what) => {
            Some(what)
        }
    };
    json!({
        "keyword": form.keyword,
        "repeats": form.repeats,
        "doc": form.doc,
        "example": form.example,
        "values": values,
        "properties": form.own_properties().iter().map(property).collect::<Vec<_>>(),
        "children": form.own_children().iter().map(nested).collect::<Vec<_>>(),
    })
}

fn property(property: &Property) -> Value {
    let mut members = match property.wanted {
        Wanted::Any => Map::from_iter([("type".to_owned(), Value::from("any"))]),
        Wanted::Text | Wanted::AnyText => ty(Type::Text),
        Wanted::Whole(min, max) => ty(Type::Integer(min, max)),
        Wanted::OneOf(words) => ty(Type::OneOf(words)),
    };
    let described = [
        ("name", Value::from(property.name)),
        ("doc", Value::from(property.doc)),
        ("example", Value::from(property.example)),
        ("required", Value::from(property.required)),
    ];
    members.extend(described.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(members)
}

fn attribute(kind: &Kind, attribute: &Attribute) -> Value {
    let change = match attribute.change {
        Change::InPlace => "in-place",
        Change::Replace => "replace",
        Change::AtDeclare => "at-declare",
    };
    let twin = match attribute.twin {
        Twin::None => None,
        Twin::Min => Some("min"),
        Twin::Argument => Some("argument"),
        Twin::Policy => Some("policy"),
    };
    let wire = match kind.place(attribute) {
        Place::Body(name) => Some(("body", name)),
        Place::Argument(name) => Some(("argument", name)),
        Place::Key(name) => Some(("key", name)),
        Place::Nowhere => None,
    };
    let mut value = json!({
        "name": attribute.name,
        "doc": attribute.doc,
        "example": attribute.example,
        "required": attribute.required,
        "since": attribute.since.to_string(),
        "change": change,
    });
    let Some(object) = value.as_object_mut() else { return value };
    object.append(&mut ty(attribute.ty));
    let optional = [
        ("default", words::of_default(attribute).map(Value::from)),
        ("on", Some(attribute.on).filter(|on| !on.is_empty()).map(Value::from)),
        ("until", attribute.until.map(|until| Value::from(until.to_string()))),
        ("policy", twin.map(Value::from)),
        ("operator-policy-since", attribute.operator.map(|since| Value::from(since.to_string()))),
        ("within", attribute.within.map(within)),
        ("wire", wire.map(|(place, name)| json!({ "place": place, "name": name }))),
    ];
    for (name, member) in optional {
        if let Some(member) = member {
            object.insert(name.to_owned(), member);
        }
    }
    value
}

fn within(within: Within) -> Value {
    json!({ "node": within.node, "property": within.property })
}

fn ty(ty: Type) -> Map<String, Value> {
    let (name, range, words) = match ty {
        Type::Text => ("text", None, None),
        Type::Exchange => ("exchange", None, None),
        Type::Queue => ("queue", None, None),
        Type::Bool => ("bool", None, None),
        Type::Integer(min, max) => ("integer", Some((min, max)), None),
        Type::Duration(min, max) => ("duration", Some((min, max)), None),
        Type::Seconds(min, max) => ("seconds", Some((min, max)), None),
        Type::Size(min, max) => ("size", Some((min, max)), None),
        Type::Age => ("age", None, None),
        Type::OneOf(words) => ("one-of", None, Some(words)),
        Type::Pattern => ("pattern", None, None),
        Type::Secret => ("secret", None, None),
        Type::Open(words) => ("open", None, Some(words)),
        Type::Words(known) => ("words", None, Some(known).filter(|known| !known.is_empty())),
        Type::Json => ("json", None, None),
    };
    let mut members = Map::from_iter([("type".to_owned(), Value::from(name))]);
    if let Some((min, max)) = range {
        if min > i64::MIN {
            members.insert("min".to_owned(), Value::from(min));
        }
        if max < i64::MAX {
            members.insert("max".to_owned(), Value::from(max));
        }
    }
    if let Some(words) = words {
        members.insert("words".to_owned(), Value::from(words));
    }
    members
}
