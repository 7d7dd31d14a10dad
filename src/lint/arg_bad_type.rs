//! A value is not of the type that its attribute has.

use super::{Context, Lint, context::described, error};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Attribute, Type, Value},
};

pub(super) const LINT: Lint = Lint {
    code: error("A002", "arg-bad-type", "A value is not of the type that its attribute has."),
    page: include_str!("arg_bad_type.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (definition, attribute, field) in described(context.topology) {
        // `delivery-limit-not-int` says what the broker makes of that one
        if field.value.is_of(attribute.ty) || attribute.name == "delivery-limit" {
            if let Some(trouble) = pattern_trouble(attribute, &field.value) {
                report.push(
                    Diagnostic::new(LINT.code, format!("`{}` is no regular expression", attribute.name))
                        .label(field.span, trouble)
                        .note("the broker refuses it")
                        .help(format!(
                            "write `{}`; a dot or star that is meant as such needs a `\\\\` before it",
                            attribute.example
                        )),
                );
            }
            continue;
        }
        let (name, owner) = (attribute.spelling(), definition.kind.word());
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("`{name}` of a {owner} wants {}, not {}", wanted(attribute.ty), found(&field.value)),
            )
            .label(field.span, format!("{} `{}`", owner, definition.name()))
            .note("the broker refuses a value of another type: 406 PRECONDITION_FAILED, or 400 over HTTP")
            .help(format!("write `{}`", edit(attribute, &field.value))),
        );
    }
}

fn pattern_trouble(attribute: &Attribute, value: &Value) -> Option<String> {
    let text = value.as_text().filter(|_| attribute.ty == Type::Pattern)?;
    fancy_regex::Regex::new(text).err().map(|error| error.to_string())
}

/// What a type takes, with its indefinite article.
pub(super) fn wanted(ty: Type) -> String {
    match ty {
        Type::Text => "a string".to_owned(),
        Type::Exchange => "the name of an exchange".to_owned(),
        Type::Queue => "the name of a queue".to_owned(),
        Type::Bool => "`#true` or `#false`".to_owned(),
        Type::Integer(..) => "a whole number".to_owned(),
        Type::Duration(..) => "a duration such as \"30s\", or a whole number of milliseconds".to_owned(),
        Type::Seconds(..) => "a duration such as \"30s\", or a whole number of seconds".to_owned(),
        Type::Size(..) => "a size such as \"64MiB\", or a whole number of bytes".to_owned(),
        Type::Age => "an age such as \"7D\"".to_owned(),
        Type::OneOf(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            format!("one of {}", words.join(", "))
        }
        Type::Pattern => "a regular expression".to_owned(),
        Type::Secret => "a string, or where it is to be found".to_owned(),
        Type::Open(_) => "a word".to_owned(),
        Type::Words(_) => "words".to_owned(),
        Type::Json => "a value".to_owned(),
    }
}

fn found(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "a truth value",
        Value::Integer(_) => "a number",
        Value::Float(_) => "a number with a fraction",
        Value::Text(_) => "a string",
        Value::List(_) => "a list",
        Value::Table(_) => "a table",
        Value::Null => "nothing",
        Value::Secret(_) => "a secret",
    }
}

/// The same value in the right type where it can be read off, else the attribute's example.
fn edit(attribute: &Attribute, value: &Value) -> String {
    let number = |text: &str| text.replace(['_', ',', ' '], "").parse::<i64>().ok();
    match (attribute.ty, value) {
        (Type::Integer(..) | Type::Duration(..) | Type::Size(..) | Type::Seconds(..), Value::Text(text)) => {
            number(text).map(|number| format!("{} {number}", attribute.name))
        }
        (Type::Bool, Value::Text(text)) if matches!(&**text, "true" | "false") => {
            Some(format!("{} #{text}", attribute.name))
        }
        (Type::Age, Value::Integer(_)) => None,
        (Type::Text | Type::Exchange | Type::Queue, Value::Integer(number)) => {
            (attribute.within.is_none()).then(|| format!("{} \"{number}\"", attribute.name))
        }
        _ => None,
    }
    .unwrap_or_else(|| attribute.example.to_owned())
}
