//! A value is outside what the broker takes.

use super::{Context, Lint, arg_bad_type::wanted, context::described, error};
use crate::{
    diag::{Diagnostic, Report, nearest},
    kind::{Attribute, Type, Value},
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
        let value = field.value.show(attribute.ty);
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("`{name}` of the {owner} `{}` cannot be {value}", definition.name()),
            )
            .label(field.span, range(attribute.ty))
            .note("the broker refuses it: 406 PRECONDITION_FAILED, or 400 over HTTP")
            .help(format!("write `{}`", legal(attribute, &field.value))),
        );
    }
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
