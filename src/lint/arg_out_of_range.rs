//! A value is outside what the broker takes.

use super::{
    Context, Lint,
    arg_bad_type::wanted,
    context::described,
    edit, error,
    refusal::{REFUSED, TAKEN, is_refused},
};
use crate::{
    diag::{Change, Diagnostic, Report, nearest, surely},
    kind::{Attribute, Definition, Field, KindId, Type, Value, slip},
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: error("A003", "arg-out-of-range", "A value is outside what the broker takes."),
    page: include_str!("arg_out_of_range.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (definition, attribute, field) in described(context.topology) {
        if !field.value.is_of(attribute.ty) || field.value.is_in_range(attribute.ty) {
            continue;
        }
        let (name, owner) = (attribute.spelling(), definition.kind.word());
        if let Some(diagnostic) = slip_of_the_pen(definition, attribute, field) {
            report.push(diagnostic);
            continue;
        }
        let value = match field.value.show(attribute.ty) {
            empty if empty.is_empty() => "empty".to_owned(),
            value if matches!(field.value, Value::Text(_)) => quote(&value),
            value => value,
        };
        let finding = Diagnostic::new(
            LINT.code,
            format!("`{name}` of the {owner} `{}` cannot be {value}", definition.title()),
        )
        .label(field.span, range(attribute.ty))
        .help(help(attribute, &field.value))
        .mend(certain(definition, attribute, &field.value));
        report.push(if is_refused(context.topology, definition, attribute, &field.value) {
            finding.note(REFUSED).refused(definition.subject())
        } else {
            finding.note(TAKEN)
        });
    }
}

/// What to write; the least is not what a negative number means, as for `max-length` it keeps nothing.
fn help(attribute: &Attribute, value: &Value) -> String {
    let least = match attribute.ty {
        Type::Integer(min, _) | Type::Duration(min, _) | Type::Seconds(min, _) | Type::Size(min, _) => min,
        _ => i64::MIN,
    };
    match value {
        Value::Integer(number) if *number < 0 && least >= 0 => {
            format!("remove it, or say how much: `{}`", attribute.example)
        }
        value => format!("write `{}`", legal(attribute, value)),
    }
}

/// The only word that can be meant.
fn certain(definition: &Definition, attribute: &Attribute, value: &Value) -> Option<Change> {
    let (Type::OneOf(words), Value::Text(text)) = (attribute.ty, value) else { return None };
    edit::value(definition, attribute.name, quote(surely(text, words.iter().copied())?))
}

/// A word that only a plugin could know, and that is surely another one misspelt.
fn slip_of_the_pen(definition: &Definition, attribute: &Attribute, field: &Field) -> Option<Diagnostic> {
    let (written, meant) = match (attribute.ty, &field.value) {
        (Type::Open(words), Value::Text(text)) => (text.clone(), slip(text, words)?),
        (Type::Words(words), Value::List(items)) => {
            let texts = items.iter().filter_map(Value::as_text);
            texts.filter_map(|text| Some((text.clone(), slip(text, words)?))).next()?
        }
        _ => return None,
    };
    let slip = match (attribute.ty, &field.value) {
        (Type::Open(words), Value::Text(text)) => surely(text, words.iter().copied()),
        _ => None,
    };
    let (owner, name) = (definition.kind.word(), definition.name());
    let (what, note) = match definition.kind {
        KindId::User => ("tag", "it keeps the word, and gives the user no right for it"),
        _ => (
            "exchange type",
            "it answers 503 COMMAND_INVALID, unknown exchange type, and closes the connection",
        ),
    };
    let finding = Diagnostic::new(LINT.code, format!("the broker knows no {what} `{written}`"))
        .label(field.span, format!("of the {owner} `{name}`"))
        .note(note)
        .help(format!("write `{} {}`", attribute.name, quote(meant)))
        .mend(slip.and_then(|slip| edit::value(definition, attribute.name, quote(slip))));
    Some(if what == "tag" { finding } else { finding.refused(definition.subject()) })
}

fn range(ty: Type) -> String {
    let (Type::Integer(min, max) | Type::Duration(min, max) | Type::Seconds(min, max) | Type::Size(min, max)) =
        ty
    else {
        return format!("it is {}", wanted(ty));
    };
    let show = |bound: i64| Value::Integer(bound).show(ty);
    if max == i64::MAX {
        format!("it is {} or more", show(min))
    } else {
        format!("it is {} to {}", show(min), show(max))
    }
}

/// The legal value that is nearest, as an edit.
fn legal(attribute: &Attribute, value: &Value) -> String {
    let name = attribute.name;
    match (attribute.ty, value) {
        (
            Type::Integer(min, max)
            | Type::Duration(min, max)
            | Type::Seconds(min, max)
            | Type::Size(min, max),
            Value::Integer(number),
        ) => {
            let near = Value::Integer((*number).clamp(min, max)).show(attribute.ty);
            match attribute.ty {
                Type::Integer(..) => format!("{name} {near}"),
                _ => format!("{name} {}", quote(&near)),
            }
        }
        (Type::OneOf(words), Value::Text(text)) if attribute.within.is_none() => {
            let near = nearest(text, words.iter().copied());
            near.map_or_else(|| attribute.example.to_owned(), |near| format!("{name} {}", quote(near)))
        }
        _ => attribute.example.to_owned(),
    }
}
