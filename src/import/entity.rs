//! An entity → its node: what it says, without what is said by default.

use std::collections::BTreeMap;

use super::node::{Node, json, scalar, string};
use crate::{
    kind::{Attribute, Definition, KindId, Place, Preset, Secret, Type, Value, is_password_hash},
    topology::{local_uri, secrets},
};

/// What goes beside the text.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// The environment variables that the text asks for, each with what it is for.
    pub(super) variables: BTreeMap<String, String>,
    /// Whether passwords are written, as the hashes that the broker has.
    pub(super) hashes: bool,
}

/// An entity as a node. None where the language has no form for it.
pub(super) fn entity(definition: &Definition, beside: &mut Beside) -> Option<Node> {
    let kind = definition.kind;
    let mut node = match (kind, definition.text("type")) {
        (KindId::Queue, Some("stream")) => Node::named("stream", definition.name()),
        (KindId::VhostLimits | KindId::UserLimits, _) => Node::new("limits"),
        (KindId::Permission, _) => Node::new("permission"),
        (KindId::TopicPermission, _) => Node::named("topic-permission", definition.text("exchange")?),
        _ => Node::named(kind.word(), definition.name()),
    };
    if matches!(kind, KindId::Permission | KindId::TopicPermission) {
        node.property("vhost", string(definition.vhost.as_deref()?));
    }
    let described = kind.kind();
    let is_stream = kind == KindId::Queue && definition.text("type") == Some("stream");
    let mut blocks: Vec<(&str, Node)> = Vec::new();
    for attribute in described.all_attributes() {
        let skipped = described.identity.contains(&attribute.name)
            || attribute.implied
            || (is_stream && attribute.name == "type")
            || (kind == KindId::FederationUpstreamSet && attribute.name == "upstreams");
        let Some(field) = definition.field(attribute.name).filter(|_| !skipped) else { continue };
        if is_default(definition, attribute, &field.value) || is_the_broker_itself(definition, &field.value) {
            continue;
        }
        if let Some(within) = attribute.within {
            if !blocks.iter().any(|(name, _)| *name == within.node) {
                blocks.push((within.node, Node::new(within.node)));
            }
            let value = within_value(definition, attribute, &field.value, beside)?;
            let (_, block) = blocks.iter_mut().find(|(name, _)| *name == within.node)?;
            match within.property {
                None => *block = std::mem::take(block).argument(value),
                Some(property) => {
                    block.property(&format!("{property}{}", suffix(attribute, &field.value)), value);
                }
            }
            continue;
        }
        match (&field.value, attribute.ty) {
            (Value::Secret(secret), _) => secret_of(&mut node, definition, attribute, secret, beside)?,
            (Value::List(items), Type::Words(_)) => {
                let mut words = Node::new(attribute.name);
                for item in items {
                    words = words.argument(scalar(item, Type::Text)?);
                }
                // no word is no node
                node.children.extend((!items.is_empty()).then_some(words));
            }
            (Value::List(_) | Value::Table(_), _) | (_, Type::Json) => {
                node.children.push(json(Node::new(attribute.name), &field.value)?);
            }
            (value, ty) if is_setting(kind, described.place(attribute)) => {
                node.children.push(Node::new(attribute.name).argument(scalar(value, ty)?));
            }
            (value, ty) => node.property(attribute.name, scalar(value, ty)?),
        }
    }
    node.children.extend(blocks.into_iter().map(|(_, block)| block));
    if kind == KindId::FederationUpstreamSet {
        node.children.extend(upstreams(definition)?);
    }
    for (name, field) in &definition.arguments {
        let argument = Node::named("argument", name);
        node.children.push(match scalar(&field.value, Type::Json) {
            Some(_) if field.value == Value::Null => return None,
            Some(value) => argument.argument(value),
            None => block(argument, &field.value)?,
        });
    }
    Some(node)
}

/// What a policy sets stands below it.
fn is_setting(kind: KindId, place: Place) -> bool {
    matches!(kind, KindId::Policy | KindId::OperatorPolicy) && matches!(place, Place::Key(_))
}

/// A list or object below a name that has its own argument.
fn block(mut node: Node, value: &Value) -> Option<Node> {
    node.children = json(Node::new("held"), value)?.children;
    Some(node)
}

fn is_default(definition: &Definition, attribute: &Attribute, value: &Value) -> bool {
    // what it is should be seen
    if attribute.name == "type" {
        return false;
    }
    if definition.kind == KindId::User && attribute.name == "hashing-algorithm" {
        return value.as_text().is_some_and(|text| &**text == crate::kind::DEFAULT_HASHING);
    }
    match (attribute.default, value) {
        (Some(Preset::Bool(preset)), Value::Bool(value)) => preset == *value,
        (Some(Preset::Integer(preset)), Value::Integer(value)) => preset == *value,
        (Some(Preset::Text(preset)), Value::Text(value)) => *preset == **value,
        _ => false,
    }
}

/// Where a shovel without an address takes from and gives to.
fn is_the_broker_itself(definition: &Definition, value: &Value) -> bool {
    let vhost = definition.vhost.as_deref().unwrap_or("");
    matches!(value, Value::Secret(Secret::Literal(uri)) if definition.kind == KindId::Shovel && **uri == *local_uri(vhost))
}

/// An address without a password may stand in the file.
fn in_the_open(secret: &Secret) -> Option<&str> {
    match secret {
        Secret::Literal(text) if secrets::password(text).is_none() && !text.contains(' ') => Some(text),
        _ => None,
    }
}

fn suffix(attribute: &Attribute, value: &Value) -> &'static str {
    match value {
        Value::Secret(secret) if attribute.ty == Type::Secret && in_the_open(secret).is_none() => "-env",
        _ => "",
    }
}

fn within_value(
    definition: &Definition,
    attribute: &Attribute,
    value: &Value,
    beside: &mut Beside,
) -> Option<String> {
    match value {
        Value::Secret(secret) => Some(match in_the_open(secret) {
            Some(text) => string(text),
            None => string(&beside.variable(definition, attribute)),
        }),
        value => scalar(value, attribute.ty),
    }
}

fn secret_of(
    node: &mut Node,
    definition: &Definition,
    attribute: &Attribute,
    secret: &Secret,
    beside: &mut Beside,
) -> Option<()> {
    match secret {
        // the broker keeps the one that it has
        Secret::Hash(hash) if beside.hashes && is_password_hash(hash) => {
            let mut password = Node::new(attribute.name);
            password.property("hash", string(hash));
            node.children.push(password);
        }
        Secret::Hash(_) => {}
        secret => match in_the_open(secret) {
            Some(text) => node.property(attribute.name, string(text)),
            None => {
                let variable = beside.variable(definition, attribute);
                node.property(&format!("{}-env", attribute.name), string(&variable));
            }
        },
    }
    Some(())
}

impl Beside {
    /// The name of an environment variable for a secret: `EU_URI`.
    fn variable(&mut self, definition: &Definition, attribute: &Attribute) -> String {
        let plain = |text: &str| -> String {
            text.chars()
                .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
                .collect()
        };
        let name = format!("{}_{}", plain(definition.name()), plain(attribute.name));
        let name = if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name };
        let vhost = definition.vhost.as_deref().unwrap_or("/");
        let what = format!(
            "{} of {} `{}` in vhost `{vhost}`",
            attribute.name,
            definition.kind.word(),
            definition.name()
        );
        let mut unique = name.clone();
        let mut count = 1;
        while self.variables.get(&unique).is_some_and(|other| *other != what) {
            count += 1;
            unique = format!("{name}_{count}");
        }
        self.variables.insert(unique.clone(), what);
        unique
    }
}

/// `upstream "eu" max-hops=2`.
fn upstreams(definition: &Definition) -> Option<Vec<Node>> {
    let Some(Value::List(items)) = definition.field("upstreams").map(|field| &field.value) else {
        return Some(Vec::new());
    };
    let nodes = items.iter().map(|item| {
        let Value::Table(settings) = item else { return None };
        let mut node = Node::named("upstream", settings.get("upstream")?.as_text()?);
        for (name, value) in settings.iter().filter(|(name, _)| &***name != "upstream") {
            let attribute = KindId::FederationUpstream.kind().attribute(name)?;
            node.property(attribute.name, scalar(value, attribute.ty)?);
        }
        Some(node)
    });
    nodes.collect()
}

/// `bind "orders" routing-key="order.*"`.
pub(super) fn bind(binding: &Definition, by_headers: bool) -> Option<Node> {
    let mut node = Node::named("bind", binding.text("source")?);
    for attribute in KindId::Binding.kind().all_attributes().filter(|attribute| !attribute.implied) {
        let value = binding.field(attribute.name).map(|field| &field.value);
        if let Some(value) =
            value.filter(|value| attribute.name != "source" && !is_default(binding, attribute, value))
        {
            node.property(attribute.name, scalar(value, attribute.ty)?);
        }
    }
    for (name, field) in &binding.arguments {
        let keyword = if by_headers { "header" } else { "argument" };
        let argument = Node::named(keyword, name);
        node.children.push(match &field.value {
            Value::Null if by_headers => argument,
            Value::Null => return None,
            value => match scalar(value, Type::Json) {
                Some(value) => argument.argument(value),
                None => block(argument, value)?,
            },
        });
    }
    Some(node)
}

/// An entity that somebody else makes, or that the language cannot describe: it is named, and left as it is.
pub(super) fn external(kind: KindId, name: &str, of_type: Option<&str>, component: Option<&str>) -> Node {
    let mut node = Node::named(kind.word(), name);
    for (property, value) in [("type", of_type), ("component", component)] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            node.property(property, string(value));
        }
    }
    node.property("external", "#true".to_owned());
    node
}
