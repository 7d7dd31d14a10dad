//! A binding compares a header with a value of another type than its publisher gives it.

use topoc_routing::{ExchangeKind, Value as Wire};

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report, with_article},
    kind::Value,
    topology::{FieldType, Message, MessageHeader},
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "R012",
        "headers-type-mismatch",
        "A binding compares a header with a value of another type than the publisher's.",
    ),
    page: include_str!("headers_type_mismatch.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let version = context.graph.effective.version();
    for binding in context.topology.bindings().filter(|binding| !binding.0.external) {
        if context.routes_as(binding) != Some(&ExchangeKind::Headers) {
            continue;
        }
        let Some(routes) = context.graph.routes(binding.vhost()) else { continue };
        let Some(source) = routes.topology.exchange_id(binding.source()) else { continue };
        // dead letters and what others cannot route come with the headers of many a message
        if context.is_end(binding.vhost(), binding.source()) {
            continue;
        }
        let all_names = binding.header_match().ends_with("-with-x");
        for (name, wanted) in binding.arguments().filter(|(name, _)| all_names || !name.starts_with("x-")) {
            let wire = wire(&wanted.value);
            // one publisher that means it is enough
            let mut given: Vec<(&Message, &MessageHeader, Wire)> = Vec::new();
            for (message, flow) in context.flows().filter(|(message, _)| !message.headers.is_empty()) {
                if std::ptr::eq(flow.routes, routes) && flow.exchanges().contains(&source) {
                    let header = message.headers.iter().find(|header| header.name.text == *name);
                    given.extend(header.and_then(|header| Some((message, header, sample(header)?))));
                }
            }
            let Some((message, header, said)) = given.first() else { continue };
            if given.iter().any(|(_, _, said)| wire.compares_with(said, version)) {
                continue;
            }
            report.push(
                Diagnostic::new(
                    LINT.code,
                    format!(
                        "`{name}` is {} to the publisher of `{}`, and {} to this binding",
                        word(said),
                        message.name.text,
                        word(&wire)
                    ),
                )
                .label(wanted.span, format!("compared with {}", word(&wire)))
                .label(header.name.span, format!("published as {}", word(said)))
                .note("values of different types are never equal to the broker, not even `1` and `\"1\"`")
                .help(format!(
                    "write the value in `{}` as {}",
                    binding.destination(),
                    word(said)
                )),
            );
        }
    }
}

/// A value of the type that a header is published with; none where that is not known.
fn sample(header: &MessageHeader) -> Option<Wire> {
    if let Some(constant) = &header.value {
        return Some(wire(constant));
    }
    let ty = match header.ty.as_ref()? {
        FieldType::Optional(inner) => inner,
        ty => ty,
    };
    match ty {
        FieldType::Bool => Some(Wire::Bool(true)),
        FieldType::I32 | FieldType::I64 | FieldType::U32 => Some(Wire::Integer(0)),
        FieldType::F64 => Some(Wire::Float(0.5)),
        FieldType::String
        | FieldType::Uuid
        | FieldType::Decimal
        | FieldType::Date
        | FieldType::Duration
        | FieldType::Timestamp
        | FieldType::Named(_) => Some(Wire::String(Vec::new())),
        FieldType::U64
        | FieldType::Bytes
        | FieldType::List(_)
        | FieldType::Map(_)
        | FieldType::Optional(_) => None,
    }
}

fn wire(value: &Value) -> Wire {
    crate::graph::wire_value(value)
}

fn word(value: &Wire) -> String {
    match value {
        Wire::Bool(_) => with_article("truth value"),
        Wire::Integer(_) | Wire::Timestamp(_) => with_article("whole number"),
        Wire::Float(_) => with_article("fraction"),
        Wire::String(_) => with_article("text"),
        Wire::Void => "nothing".to_owned(),
        Wire::Opaque(_) => with_article("table or list"),
    }
}
