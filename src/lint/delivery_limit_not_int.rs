//! A delivery limit is no whole number.

use super::{Context, Lint, context::described, edit::value, error};
use crate::{
    diag::{Diagnostic, Report},
    kind::KindId,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "A007",
        "delivery-limit-not-int",
        "A delivery limit is no whole number, and the broker takes its own.",
    ),
    page: include_str!("delivery_limit_not_int.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (definition, attribute, field) in described(context.topology) {
        if attribute.name != "delivery-limit" || field.value.is_of(attribute.ty) {
            continue;
        }
        let number = field.value.as_text().and_then(|text| text.trim().parse::<i64>().ok());
        let finding = Diagnostic::new(
            LINT.code,
            format!(
                "`delivery-limit` of the {} `{}` is no whole number",
                definition.kind.word(),
                definition.name()
            ),
        )
        .label(field.span, "a whole number is wanted")
        .help(match number {
            Some(number) => format!("write `delivery-limit {number}`"),
            None => "write a number such as `delivery-limit 20`; -1 is no limit".to_owned(),
        })
        .mend(number.and_then(|number| value(definition, attribute.name, number.to_string())));
        report.push(if definition.kind == KindId::Queue {
            finding.note("the broker takes it, says nothing, and never reaches it; from RabbitMQ 4.3 on it takes its own limit of 20 instead")
        } else {
            finding.note("the broker refuses the policy with 400: not a valid delivery limit").refused(definition.subject())
        });
    }
}
