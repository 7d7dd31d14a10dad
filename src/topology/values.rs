//! Values as they are written → values of attributes: secrets, words, JSON, arguments.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    diag::{Change, Diagnostic, Report, codes, did_you_mean},
    kind::{self, Attribute, Definition, Field, Kind, KindId, Place, Secret, Type, Value},
    syntax::{Entry, Node, Scalar, quote},
};

/// Where a secret is found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SecretSource {
    Env,
    File,
    Hash,
}

impl SecretSource {
    pub(super) const ALL: &[Self] = &[Self::Env, Self::File, Self::Hash];

    /// Those that an attribute may have: the broker takes a hash in place of a password alone.
    pub(super) fn of(attribute: &Attribute) -> &'static [Self] {
        match (attribute.ty, attribute.name) {
            (Type::Secret, "password") => Self::ALL,
            (Type::Secret, _) => &[Self::Env, Self::File],
            _ => &[],
        }
    }

    /// The property that says it: `password env="NAME"`.
    pub(super) const fn property(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::File => "file",
            Self::Hash => "hash",
        }
    }

    /// The attribute that a name such as `password-env` is of.
    pub(super) fn stem(self, name: &str) -> Option<&str> {
        name.strip_suffix(self.property())?.strip_suffix('-')
    }
}

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
        (Type::Words(_), Some(text)) => Value::List(split(text).collect()),
        _ => Value::typed(value, ty),
    }
}

pub(super) fn split(text: &str) -> impl Iterator<Item = Value> {
    text.split([',', ' ']).filter(|word| !word.is_empty()).map(Value::text)
}

/// `tags "monitoring" "management"`; none where no word is written.
pub(super) fn words(node: &Node, report: &mut Report) -> Option<Value> {
    let mut found = Vec::new();
    for entry in node.arguments() {
        match entry.value.text() {
            Some(text) => found.extend(split(text)),
            None => report.push(
                Diagnostic::new(
                    codes::BAD_VALUE,
                    format!("`{}` are texts, and {} is none", node.name.text, entry.value.to_kdl()),
                )
                .label(entry.span, "")
                .help(format!("write `{}`", quote(&entry.value.to_kdl()))),
            ),
        }
    }
    (!found.is_empty()).then_some(Value::List(found))
}

/// `argument "x-anything" value` and `header "name" value`: the name and its field.
pub(super) fn named_value(child: &Node, report: &mut Report) -> Option<(Arc<str>, Field)> {
    let name = child.title()?;
    let value = match child.arguments().nth(1) {
        Some(Entry { value: Scalar::Null, .. }) => None,
        Some(entry) => Some(Value::from_scalar(&entry.value)),
        None if !child.children.is_empty() => Some(json_children(child, report)),
        None => None,
    };
    let Some(value) = value else {
        let keyword = &child.name.text;
        report.push(
            Diagnostic::new(codes::MISSING, format!("the {keyword} `{}` needs a value", name.text))
                .label(child.span, "")
                .note("the management API takes none: 400 null_not_allowed")
                .help(format!("write `{keyword} {} \"value\"`", quote(&name.text))),
        );
        return None;
    };
    if let Some(extra) = child.children.first().filter(|_| child.arguments().count() > 1) {
        report.push(both(child, extra));
    }
    Some((name.text, Field { value, span: child.span }))
}

fn both(node: &Node, block: &Node) -> Diagnostic {
    Diagnostic::new(codes::UNWANTED_VALUE, format!("`{}` has both a value and a block", node.name.text))
        .label(node.span, "")
        .label(block.span, "")
        .help("write one of the two")
}

/// Reads `argument` nodes, and refuses those that have an attribute.
pub(super) fn argument(kind: &Kind, definition: &mut Definition, child: &Node, report: &mut Report) {
    let Some((name, field)) = named_value(child, report) else { return };
    let known = kind.all_attributes().find(|attribute| match kind.place(attribute) {
        Place::Argument(wire) | Place::Key(wire) => wire == &*name,
        Place::Body(_) | Place::Nowhere => false,
    });
    if let Some(attribute) = known {
        let unsaid = attribute.within.is_none() && definition.field(attribute.name).is_none();
        let apart = unsaid && !attribute.implied && field.value.is_of(attribute.ty);
        report.push(
            Diagnostic::new(codes::UNKNOWN_ATTRIBUTE, format!("`{name}` has an attribute of its own"))
                .label(child.span, "")
                .help(format!("write `{}`", attribute.example))
                .mend(apart.then(|| Change::Unwrap(child.span, attribute.name.to_owned()))),
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
    for (word, entry) in node.properties() {
        report.push(
            Diagnostic::new(
                codes::UNWANTED_VALUE,
                format!("`{}` of `{}` is a property", word.text, node.name.text),
            )
            .label(entry.span, "")
            .help(format!(
                "write an object as child nodes: `{} {{ {} {} }}`",
                node.name.text,
                word.text,
                entry.value.to_kdl()
            )),
        );
    }
    let values: Vec<Value> = node.arguments().map(|entry| Value::from_scalar(&entry.value)).collect();
    if let Some(block) = node.children.first().filter(|_| !values.is_empty()) {
        report.push(both(node, block));
    }
    match <[Value; 1]>::try_from(values) {
        Ok([value]) => value,
        Err(values) if !values.is_empty() => Value::List(values),
        Err(_) if !node.children.is_empty() => json_children(node, report),
        Err(_) => {
            let name = &node.name.text;
            report.push(
                Diagnostic::new(codes::MISSING, format!("`{name}` needs a value"))
                    .label(node.span, "")
                    .note("the broker turns an empty object into an empty list, so none can be kept")
                    .help(format!(
                        "write `{name} 1`, a list `{name} 1 2`, or an object `{name} {{ key 1 }}`"
                    )),
            );
            Value::Null
        }
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
