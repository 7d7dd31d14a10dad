//! `type`, `enum`, `message` and `rpc` nodes → contracts.

use std::sync::Arc;

use super::{
    Topology,
    attributes::Reader,
    contract::{
        EnumType, FieldDecl, FieldType, KeyParameter, Message, MessageHeader, Payload, Reference, Rpc,
        StructType,
    },
    decode::set_name,
    types,
};
use crate::{
    diag::{Diagnostic, Report, Span, codes, with_article},
    kind::{Definition, KindId, Provenance, Value},
    syntax::{Entry, Node, Word},
};

/// Reads a contract.
pub(super) fn decode(topology: &mut Topology, node: &Node, report: &mut Report) {
    match &*node.name.text {
        "type" => structure(topology, node, report),
        "enum" => enumeration(topology, node, report),
        "message" => message(topology, node, report),
        _ => rpc(topology, node, report),
    }
}

/// A contract's name and definition, unless there is one of that name already.
pub(super) fn begin(
    kind: KindId,
    node: &Node,
    first: impl Fn(&str) -> Option<Span>,
    report: &mut Report,
) -> Option<(Word, Definition)> {
    let title = Reader { kind: kind.kind(), node, report }.title()?;
    if let Some(first) = first(&title.text) {
        report.push(
            Diagnostic::new(
                codes::DUPLICATE,
                format!("the {} `{}` is described twice", kind.word(), title.text),
            )
            .label(node.span, "again here")
            .label(first, "first here")
            .help("remove or rename one of the two"),
        );
        return None;
    }
    let mut definition = Definition::new(kind, None, node.span, Provenance::Written);
    set_name(&mut definition, &title);
    Some((title, definition))
}

/// Fields name types and enums alike.
fn one_name(name: &Word, first: &Word, kind: KindId) -> Diagnostic {
    Diagnostic::new(
        codes::DUPLICATE,
        format!("`{}` is the name of {} too", name.text, with_article(kind.word())),
    )
    .label(name.span, "again here")
    .label(first.span, "first here")
    .note("a field of that type could be either")
    .help("rename one of the two")
}

fn structure(topology: &mut Topology, node: &Node, report: &mut Report) {
    let first = |name: &str| topology.contract.structure(name).map(|found| found.name.span);
    let Some((name, mut definition)) = begin(KindId::Type, node, first, report) else { return };
    if let Some(other) = topology.contract.enumeration(&name.text) {
        report.push(one_name(&name, &other.name, KindId::Enum));
    }
    let (allows, fields): (Vec<_>, Vec<_>) =
        node.children.iter().cloned().partition(|child| child.is("allow"));
    let header = Node { children: allows, ..node.clone() };
    Reader { kind: KindId::Type.kind(), node: &header, report }.attributes(&mut definition, 1);
    let fields = field_list(&fields, report);
    topology.contract.types.push(StructType { name, fields, definition });
}

fn enumeration(topology: &mut Topology, node: &Node, report: &mut Report) {
    let first = |name: &str| topology.contract.enumeration(name).map(|found| found.name.span);
    let Some((name, mut definition)) = begin(KindId::Enum, node, first, report) else { return };
    if let Some(other) = topology.contract.structure(&name.text) {
        report.push(one_name(&name, &other.name, KindId::Type));
    }
    let mut reader = Reader { kind: KindId::Enum.kind(), node, report };
    reader.attributes(&mut definition, usize::MAX);
    let words: Vec<Word> = distinct(node.arguments().skip(1), report);
    if words.is_empty() && node.arguments().count() < 2 {
        report.push(
            Diagnostic::new(codes::MISSING, format!("the enum `{}` has no words", name.text))
                .label(node.span, "")
                .help("write `enum \"Currency\" \"EUR\" \"USD\"`"),
        );
    }
    topology.contract.enums.push(EnumType { name, words, definition });
}

/// Words, which are all texts and each said once.
fn distinct<'a>(entries: impl Iterator<Item = &'a Entry>, report: &mut Report) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for entry in entries {
        match entry.value.text() {
            Some(text) if words.iter().any(|word| word.text == *text) => report.push(
                Diagnostic::new(codes::DUPLICATE, format!("`{text}` is said twice"))
                    .label(entry.span, "again here")
                    .help("remove one of the two"),
            ),
            Some(text) => words.push(Word { text: text.clone(), span: entry.span }),
            None => report.push(
                Diagnostic::new(codes::BAD_VALUE, format!("{} is no word", entry.value.to_kdl()))
                    .label(entry.span, "")
                    .help("write it as a string"),
            ),
        }
    }
    words
}

/// `order-id "uuid"`, one node a field.
fn field_list(nodes: &[Node], report: &mut Report) -> Vec<FieldDecl> {
    let mut fields: Vec<FieldDecl> = Vec::new();
    for node in nodes {
        if let Some(first) = fields.iter().find(|field| field.name.text == node.name.text) {
            report.push(
                Diagnostic::new(
                    codes::DUPLICATE,
                    format!("the field `{}` is described twice", node.name.text),
                )
                .label(node.span, "again here")
                .label(first.name.span, "first here")
                .help("remove or rename one of the two"),
            );
            continue;
        }
        let more = node.entries.get(1).map(|entry| entry.span);
        if let Some(span) = more.or_else(|| node.children.first().map(|child| child.span)) {
            report.push(
                Diagnostic::new(
                    codes::UNWANTED_VALUE,
                    format!("the field `{}` has more than a type", node.name.text),
                )
                .label(span, "")
                .help(format!("write `{} \"string\"`; a structure of its own is a `type`", node.name.text)),
            );
        }
        let Some(written) = node.title() else {
            report.push(
                Diagnostic::new(codes::MISSING, format!("the field `{}` needs a type", node.name.text))
                    .label(node.span, "")
                    .help(format!("write `{} \"string\"`", node.name.text)),
            );
            continue;
        };
        fields.extend(field_type(&written, report).map(|ty| FieldDecl {
            name: node.name.clone(),
            ty,
            span: written.span,
        }));
    }
    fields
}

fn field_type(written: &Word, report: &mut Report) -> Option<FieldType> {
    let ty = FieldType::parse(&written.text);
    if ty.is_none() {
        report.push(
            Diagnostic::new(codes::BAD_VALUE, format!("`{}` is no type", written.text))
                .label(written.span, "")
                .help(types::help(&written.text, [])),
        );
    }
    ty
}

fn message(topology: &mut Topology, node: &Node, report: &mut Report) {
    let first = |name: &str| topology.contract.message(name).map(|found| found.name.span);
    let Some((name, mut definition)) = begin(KindId::Message, node, first, report) else { return };
    let nested = Reader { kind: KindId::Message.kind(), node, report }.attributes(&mut definition, 1);
    let mut message = Message {
        routing_key: Word { text: Arc::from(""), span: name.span },
        name,
        exchange: None,
        keys: Vec::new(),
        headers: Vec::new(),
        payload: Payload::Empty,
        definition,
    };
    for child in nested {
        match &*child.name.text {
            "publish-to" => publish_to(&mut message, child),
            "key" => message.keys.extend(key_parameter(child, report)),
            "header" => message.headers.extend(header(child, report)),
            _ => message.payload = payload(child, report),
        }
    }
    topology.contract.messages.push(message);
}

fn publish_to(message: &mut Message, node: &Node) {
    message.exchange = reference(node);
    let key = node.setting("routing-key").and_then(|entry| Some((entry.value.text()?.clone(), entry.span)));
    if let Some((text, span)) = key {
        message.routing_key = Word { text, span };
    }
}

/// A flow's mention of an exchange or queue: the first argument and `vhost=`.
pub(super) fn reference(node: &Node) -> Option<Reference> {
    let vhost = node.setting("vhost").and_then(|entry| {
        let text = entry.value.text()?.clone();
        Some(Word { text, span: entry.span })
    });
    Some(Reference { name: node.title()?, vhost, found: None })
}

fn key_parameter(node: &Node, report: &mut Report) -> Option<KeyParameter> {
    let mut one_of = Vec::new();
    for child in node.children.iter().filter(|child| child.is("one-of")) {
        one_of.extend(distinct(child.arguments(), report));
    }
    Some(KeyParameter { name: node.title()?, one_of })
}

fn header(node: &Node, report: &mut Report) -> Option<MessageHeader> {
    let value = node.arguments().nth(1).map(|entry| Value::from_scalar(&entry.value));
    let ty = node.setting("type").and_then(|entry| {
        let written = Word { text: entry.value.text()?.clone(), span: entry.span };
        Some(field_type(&written, report))
    });
    if value.is_some() == ty.is_some() {
        let name = node.title().map_or_else(String::new, |name| name.text.to_string());
        let (code, trouble) = match ty {
            None => (codes::MISSING, "needs a value, or a type"),
            Some(_) => (codes::DUPLICATE, "has a value and a type"),
        };
        report.push(
            Diagnostic::new(code, format!("the header `{name}` {trouble}"))
                .label(node.span, "")
                .note("a value is the same for all messages; of a type the publisher gives the value")
                .help(format!("write `header {name:?} \"value\"`, or `header {name:?} type=\"string\"`")),
        );
        return None;
    }
    Some(MessageHeader { name: node.title()?, value, ty: ty.flatten() })
}

fn payload(node: &Node, report: &mut Report) -> Payload {
    let word = |name: &str| {
        let entry = node.property(name)?;
        Some(Word { text: entry.value.text()?.clone(), span: entry.span })
    };
    let (schema, rust_type) = (word("schema"), word("rust-type"));
    let first = node.children.first().map(|child| child.span);
    let ways = [schema.as_ref().map(|word| word.span), rust_type.as_ref().map(|word| word.span), first];
    if let [first, again, ..] = ways.into_iter().flatten().collect::<Vec<_>>().as_slice() {
        report.push(
            Diagnostic::new(codes::DUPLICATE, "the payload is described in two ways")
                .label(*again, "again here")
                .label(*first, "first here")
                .help("keep its fields, its `schema` or its `rust-type`"),
        );
    }
    match (schema, rust_type) {
        (Some(path), _) => Payload::Schema(path),
        (None, Some(path)) => Payload::RustType(path),
        (None, None) => Payload::Fields(field_list(&node.children, report)),
    }
}

fn rpc(topology: &mut Topology, node: &Node, report: &mut Report) {
    let first = |name: &str| topology.contract.rpc(name).map(|found| found.name.span);
    let Some((name, mut definition)) = begin(KindId::Rpc, node, first, report) else { return };
    Reader { kind: KindId::Rpc.kind(), node, report }.attributes(&mut definition, 1);
    let word = |attribute: &str| {
        let field = definition.field(attribute)?;
        Some(Word { text: field.value.as_text()?.clone(), span: field.span })
    };
    let queue = word("queue").map(|name| Reference { name, vhost: word("vhost"), found: None });
    topology.contract.rpcs.push(Rpc {
        name,
        request: word("request"),
        response: word("response"),
        queue,
        definition,
    });
}
