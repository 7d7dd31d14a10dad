//! A value is not of the type that its attribute has.

use super::{
    Context, Lint,
    context::described,
    edit::value,
    error,
    refusal::{TAKEN, is_refused},
};
use crate::{
    diag::{Diagnostic, Report, with_article},
    kind::{Attribute, Type, Value},
    syntax::{Scalar, quote},
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
                        ))
                        .refused(definition.subject()),
                );
            }
            continue;
        }
        let (name, owner) = (attribute.spelling(), definition.kind.word());
        let found = found(attribute, &field.value);
        let finding = Diagnostic::new(
            LINT.code,
            format!("`{name}` of {} wants {}, not {found}", with_article(owner), wanted(attribute.ty)),
        )
        .label(field.span, format!("{owner} `{}`", definition.title()))
        .help(format!("write `{}`", edit(attribute, &field.value)))
        .mend(certain(attribute, &field.value).and_then(|kdl| value(definition, attribute.name, kdl)));
        report.push(if definition.kind.kind().wire.is_none() {
            finding.note("nothing else can be read as one, and no code can be generated for it")
        } else if is_refused(context.topology, definition, attribute, &field.value) {
            finding
                .note("the broker refuses a value of another type: 406 PRECONDITION_FAILED, or 400 over HTTP")
                .refused(definition.subject())
        } else {
            finding.note(TAKEN)
        });
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

fn found(attribute: &Attribute, value: &Value) -> String {
    match value {
        Value::Bool(bool) => format!("#{bool}"),
        Value::Integer(number) => number.to_string(),
        // a whole number is none any more where 64 bits cannot hold it
        Value::Float(number) if number.fract() == 0.0 => "a number of more than 64 bits".to_owned(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) if attribute.ty != Type::Secret => quote(text),
        Value::Text(_) => "a string".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
        Value::Null => "nothing".to_owned(),
        Value::Secret(_) => "a secret".to_owned(),
    }
}

/// A number with a unit in words, in topoc's: `5 minutes`, `5min`, `2 gb`.
fn with_unit(text: &str, ty: Type) -> Option<String> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let unit = text[digits.len()..].trim().to_lowercase();
    let unit = match (ty, unit.as_str()) {
        (Type::Duration(..), "milliseconds" | "millisecond" | "millis" | "msec") => "ms",
        (Type::Duration(..) | Type::Seconds(..), "s" | "sec" | "secs" | "second" | "seconds") => "s",
        (Type::Duration(..) | Type::Seconds(..), "m" | "min" | "mins" | "minute" | "minutes") => "m",
        (Type::Duration(..) | Type::Seconds(..), "h" | "hr" | "hrs" | "hour" | "hours") => "h",
        (Type::Duration(..) | Type::Seconds(..), "d" | "day" | "days") => "D",
        (Type::Size(..), "b" | "byte" | "bytes") => "B",
        (Type::Size(..), "k" | "kb") => "KB",
        (Type::Size(..), "m" | "mb") => "MB",
        (Type::Size(..), "g" | "gb") => "GB",
        (Type::Size(..), "t" | "tb") => "TB",
        (Type::Size(..), "kib") => "KiB",
        (Type::Size(..), "mib") => "MiB",
        (Type::Size(..), "gib") => "GiB",
        (Type::Size(..), "tib") => "TiB",
        _ => return None,
    };
    (!digits.is_empty()).then(|| format!("{digits}{unit}"))
}

/// The same value in the right type as KDL, where there is no doubt what it is.
fn certain(attribute: &Attribute, value: &Value) -> Option<String> {
    let number = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = digits.starts_with(|c: char| c.is_ascii_digit());
        text.replace('_', "").parse::<i64>().ok().filter(|_| plain)
    };
    let read = match (attribute.ty, value) {
        (Type::Integer(..) | Type::Duration(..) | Type::Size(..) | Type::Seconds(..), Value::Text(text)) => {
            match number(text) {
                Some(number) => Scalar::Integer(number.into()),
                None => Scalar::Text(with_unit(text, attribute.ty)?.into()),
            }
        }
        (Type::Bool, Value::Text(text)) => Scalar::Bool(text.parse().ok()?),
        (Type::Text | Type::Exchange | Type::Queue, Value::Integer(number)) => {
            Scalar::Text(number.to_string().into())
        }
        _ => return None,
    };
    let typed = Value::typed(&read, attribute.ty);
    (typed.is_of(attribute.ty) && typed.is_in_range(attribute.ty)).then(|| read.to_kdl())
}

/// The same value in the right type where it can be read off, else the attribute's example.
fn edit(attribute: &Attribute, value: &Value) -> String {
    let number = |text: &str| text.replace(['_', ',', ' '], "").parse::<i64>().ok();
    match (attribute.ty, value) {
        (Type::Integer(..) | Type::Duration(..) | Type::Size(..) | Type::Seconds(..), Value::Text(text)) => {
            let number = number(text).map(|number| format!("{} {number}", attribute.name));
            number.or_else(|| Some(format!("{} {}", attribute.name, quote(&with_unit(text, attribute.ty)?))))
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
