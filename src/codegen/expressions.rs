//! What a message's publisher sets → Rust expressions: routing keys, properties, headers.

use super::{
    Builder,
    items::field_names,
    names::{Scope, is_identifier, joined, plain, snake},
    publish::Argument,
};
use crate::{
    diag::{Diagnostic, codes},
    kind::Value,
    topology::{FieldType, KeyPart, Message, MessageHeader},
};

/// A raw identifier cannot stand in a format string.
pub(super) fn argument(name: String) -> String {
    if is_identifier(&name) { name } else { format!("{name}_") }
}

/// The routing key as an expression, and whether it is a long one.
pub(super) fn key(message: &Message, parameters: &[(&str, Argument, bool)]) -> (String, bool) {
    let parts = message.key_parts();
    let fields = message.fields();
    let names = field_names(fields.iter().map(|field| &*field.name.text));
    let (mut format, mut values, mut alone) = (String::new(), String::new(), None);
    for part in &parts {
        let name = match part {
            KeyPart::Text(text) => {
                format.push_str(&text.replace('{', "{{").replace('}', "}}"));
                continue;
            }
            KeyPart::Parameter(name) => *name,
        };
        if let Some((_, argument, chosen)) = parameters.iter().find(|(of, ..)| *of == name) {
            let name = &argument.name;
            if *chosen {
                format.push_str("{}");
                values.push_str(&format!(", {name}.as_str()"));
                alone = Some(format!("{name}.as_str()"));
            } else {
                format.push_str(&format!("{{{name}}}"));
                alone = Some(format!("{name}.to_owned()"));
            }
            continue;
        }
        let Some((field, rust)) = fields.iter().zip(&names).find(|(field, _)| &*field.name.text == name)
        else {
            continue;
        };
        let text = as_key_word(&field.ty);
        format.push_str("{}");
        values.push_str(&format!(", message.{rust}{text}"));
        alone = Some(match text {
            "" if field.ty == FieldType::String => format!("message.{rust}.clone()"),
            "" => format!("message.{rust}.to_string()"),
            text => format!("message.{rust}{text}"),
        });
    }
    match (parts.as_slice(), alone) {
        ([KeyPart::Parameter(_)], Some(alone)) => (alone, false),
        (_, Some(_)) => (format!("format!({format:?}{values})"), true),
        (_, None) => (format!("{:?}", &*message.routing_key.text), false),
    }
}

/// What makes a word of a routing key of a field, after the field's expression; an enum's is its word on the wire.
fn as_key_word(ty: &FieldType) -> &'static str {
    if matches!(ty, FieldType::Named(_)) { ".as_str()" } else { "" }
}

/// What the message says of itself, as calls.
pub(super) fn settings(message: &Message) -> Vec<String> {
    let definition = &message.definition;
    let mut settings = Vec::new();
    if let Some(priority) = definition.integer("priority") {
        settings.push(format!(".priority({priority})"));
    }
    if let Some(millis) = definition.integer("expiration") {
        settings.push(format!(".expiration({})", duration(millis)));
    }
    if !definition.flag("persistent") {
        settings.push(".transient()".to_owned());
    }
    if !definition.flag("mandatory") {
        settings.push(".optional()".to_owned());
    }
    settings
}

/// Digits in groups of three, as clippy wants them.
pub(super) fn number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = if number < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}

/// A duration of milliseconds in the largest unit that holds it whole.
pub(super) fn duration(millis: i64) -> String {
    let units = [(3_600_000, "hours"), (60_000, "mins"), (1000, "secs")];
    let unit = units.into_iter().find(|(factor, _)| millis != 0 && millis % factor == 0);
    let (factor, unit) = unit.unwrap_or((1, "millis"));
    format!("topoc_runtime::codegen::Duration::from_{unit}({})", number(millis / factor))
}

/// A header as a call on the message: `.header("tier", tier)`.
pub(super) enum Header {
    /// It is always this.
    Constant(String),
    /// It is what the argument says.
    Given(Argument, String),
    /// It is there if the argument is.
    Perhaps(Argument, String),
}

/// What sets a header; none where its type is none of a header's.
pub(super) fn header_setting(
    builder: &mut Builder<'_>,
    message: &Message,
    header: &MessageHeader,
    scope: &mut Scope,
) -> Option<Header> {
    let name = &*header.name.text;
    let constant = match &header.value {
        Some(Value::Bool(bool)) => Some(bool.to_string()),
        Some(Value::Integer(integer)) => Some(format!("{}_i64", number(*integer))),
        Some(Value::Float(float)) if float.is_finite() => Some(format!("{float:?}_f64")),
        Some(Value::Text(text)) => Some(format!("{text:?}")),
        _ => None,
    };
    if let Some(constant) = constant {
        return Some(Header::Constant(format!(".header({name:?}, {constant})")));
    }
    let (ty, optional) = match &header.ty {
        Some(FieldType::Optional(inner)) => (Some(&**inner), true),
        ty => (ty.as_ref(), false),
    };
    let Some((rust, text)) = ty.and_then(|ty| header_type(builder, ty)) else {
        builder.report.push(
            Diagnostic::new(
                codes::NO_RUST,
                format!(
                    "the header `{name}` of `{}` is of a type that headers do not have",
                    message.name.text
                ),
            )
            .label(header.name.span, "here")
            .note("a header is a text, a truth value, a whole number of 64 bits with sign, or a fraction")
            .help("give it a type such as `string` or `i64`, or put the value into the payload"),
        );
        return None;
    };
    let wish = snake(name);
    let argument = argument(scope.take(&[plain(&wish), &joined(&wish, "_header")]));
    let setting = format!(".header({name:?}, {argument}{text})");
    if optional {
        return Some(Header::Perhaps(Argument { name: argument, ty: format!("Option<{rust}>") }, setting));
    }
    Some(Header::Given(Argument { name: argument, ty: rust }, setting))
}

/// The Rust type of a header's argument, and what makes a header's value of it.
fn header_type(builder: &Builder<'_>, ty: &FieldType) -> Option<(String, &'static str)> {
    let rust = builder.naming.rust(ty);
    match ty {
        FieldType::String => Some(("&str".to_owned(), "")),
        FieldType::Bool | FieldType::I32 | FieldType::I64 | FieldType::U32 | FieldType::F64 => {
            Some((rust, ""))
        }
        FieldType::Uuid | FieldType::Decimal | FieldType::Date | FieldType::Duration => {
            Some((rust, ".to_string()"))
        }
        FieldType::Timestamp => Some((rust, ".to_rfc3339()")),
        FieldType::Named(name) => {
            builder.topology.contract.enumeration(name).map(|_| (format!("super::{rust}"), ".as_str()"))
        }
        FieldType::U64
        | FieldType::Bytes
        | FieldType::List(_)
        | FieldType::Map(_)
        | FieldType::Optional(_) => None,
    }
}
