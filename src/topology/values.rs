//! Values as they are written → values of attributes: secrets, words, JSON, arguments.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    diag::{Diagnostic, Report, codes, did_you_mean},
    kind::{self, Definition, Field, Kind, KindId, Place, Secret, Type, Value},
    syntax::{Node, Scalar},
};

#[derive(Clone, Copy)]
pub(super) enum SecretSource {
    Env,
    File,
    Hash,
}

pub(super) const SECRET_SOURCES: &[(&str, SecretSource)] =
    &[("-env", SecretSource::Env), ("-file", SecretSource::File), ("-hash", SecretSource::Hash)];

pub(super) fn secret(source: SecretSource, value: &Scalar) -> Value {
    let Some(text) = value.text().cloned() else { return Value::from_scalar(value) };
    Value::Secret(match source {
        SecretSource::Env => Secret::Env(text),
        SecretSource::File => Secret::File(text),
        SecretSource::Hash => Secret::Hash(text),
    })
}

pub(super) fn plain(value: &Scalar, ty: Type) -> Value {
    match (ty, value.text()) {
        (Type::Secret, Some(text)) => Value::Secret(Secret::Literal(text.clone())),
        (Type::Words, Some(text)) => Value::List(split(text).collect()),
        _ => Value::typed(value, ty),
    }
}

pub(super) fn split(text: &str) -> impl Iterator<Item = Value> {
    text.split([',', ' ']).filter(|word| !word.is_empty()).map(Value::text)
}

/// `argument "x-anything" value` and `header "name" value`: the name and its field.
pub(super) fn named_value(child: &Node, report: &mut Report) -> Option<(Arc<str>, Field)> {
    let name = child.title();
    let values = child.arguments().count();
    let Some(name) = name.filter(|_| values <= 2 || !child.children.is_empty()) else {
        report.push(
            Diagnostic::new(codes::MISSING, format!("`{}` takes a name and a value", child.name.text))
                .label(child.span, "")
                .help(format!("write `{} \"name\" \"value\"`", child.name.text)),
        );
        return None;
    };
    let value = match child.arguments().nth(1) {
        Some(entry) => Value::from_scalar(&entry.value),
        None if !child.children.is_empty() => json_children(child, report),
        None => Value::Null,
    };
    Some((name.text, Field { value, span: child.span }))
}

/// Reads `argument` nodes, and refuses those that have an attribute.
pub(super) fn argument(kind: &Kind, definition: &mut Definition, child: &Node, report: &mut Report) {
    let Some((name, field)) = named_value(child, report) else { return };
    let known = kind.all_attributes().find(|attribute| match kind.place(attribute) {
        Place::Argument(wire) | Place::Key(wire) => wire == &*name,
        Place::Body(_) | Place::Nowhere => false,
    });
    if let Some(attribute) = known {
        report.push(
            Diagnostic::new(codes::UNKNOWN_ATTRIBUTE, format!("`{name}` has an attribute of its own"))
                .label(child.span, "")
                .help(format!("write `{}`", attribute.example)),
        );
        return;
    }
    if let Some(first) = definition.arguments.get(&name).map(|field| field.span) {
        report.push(
            Diagnostic::new(codes::DUPLICATE, format!("the {} `{name}` is said twice", child.name.text))
                .label(child.span, "again here")
                .label(first, "first here")
                .help("remove one of the two"),
        );
        return;
    }
    definition.arguments.insert(name, field);
}

/// JSON written as KDL: `value 1`, a list `value { - 1; - 2 }` or `value 1 2`, an object `value { key 1 }`.
pub(super) fn json(node: &Node, report: &mut Report) -> Value {
    let values: Vec<Value> = node.arguments().map(|entry| Value::from_scalar(&entry.value)).collect();
    match <[Value; 1]>::try_from(values) {
        Ok([value]) if node.children.is_empty() => value,
        Ok([value]) => {
            report.push(
                Diagnostic::new(
                    codes::UNWANTED_VALUE,
                    format!("`{}` has both a value and a block", node.name.text),
                )
                .label(node.span, "")
                .help("write one of the two"),
            );
            value
        }
        Err(values) if values.is_empty() => json_children(node, report),
        Err(values) => Value::List(values),
    }
}

fn json_children(node: &Node, report: &mut Report) -> Value {
    if !node.children.is_empty() && node.children.iter().all(|child| child.is("-")) {
        return Value::List(node.children.iter().map(|child| json(child, report)).collect());
    }
    let mut table = BTreeMap::new();
    for child in &node.children {
        let value = json(child, report);
        if table.insert(child.name.text.clone(), value).is_some() {
            report.push(
                Diagnostic::new(codes::DUPLICATE, format!("`{}` is said twice", child.name.text))
                    .label(child.span, "again here")
                    .help("remove one of the two; a list is written with `-` nodes"),
            );
        }
    }
    Value::Table(table)
}

/// The attributes of a kind as plain JSON settings, for an upstream's overrides in a set.
pub(super) fn overrides(kind: KindId, node: &Node, report: &mut Report) -> BTreeMap<Arc<str>, Value> {
    let mut scratch = Definition::new(kind, None, node.span, kind::Provenance::Written);
    let described = kind.kind();
    for (word, entry) in node.properties() {
        match described.attribute(&word.text) {
            Some(attribute) if matches!(attribute.place, Place::Key(_)) && attribute.ty != Type::Secret => {
                scratch.set(attribute.name, Value::typed(&entry.value, attribute.ty), entry.span);
            }
            _ => {
                let names = described
                    .attributes
                    .iter()
                    .filter(|a| matches!(a.place, Place::Key(_)) && a.ty != Type::Secret)
                    .map(|a| a.name);
                report.push(
                    Diagnostic::new(
                        codes::UNKNOWN_ATTRIBUTE,
                        format!("`{}` cannot differ within a set", word.text),
                    )
                    .label(word.span, "")
                    .help(did_you_mean(&word.text, names, "attribute")),
                );
            }
        }
    }
    scratch.fields().map(|(name, field)| (Arc::from(name), field.value.clone())).collect()
}
