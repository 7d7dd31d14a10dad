//! A headers binding wants one of no headers, so it takes nothing.

use topoc_routing::ExchangeKind;

use super::{Context, Lint, edit::with_x, error};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: error("R011", "headers-any-empty", "A binding wants one of no headers, so it takes nothing."),
    page: include_str!("headers_any_empty.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for binding in context.topology.bindings().filter(|binding| binding.header_match() == "any") {
        let compared = binding.arguments().any(|(name, _)| !name.starts_with("x-"));
        if compared || context.routes_as(binding) != Some(&ExchangeKind::Headers) {
            continue;
        }
        let bare = binding.arguments().next().is_none();
        let (why, edit) = if bare {
            ("no header is named", "write `match=\"all\"` for everything, or name a `header`")
        } else {
            (
                "`any` skips headers that start with `x-`, and there are no others",
                "write `match=\"any-with-x\"`",
            )
        };
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("`{}` gets nothing of `{}`", binding.destination(), binding.source()),
            )
            .label(binding.0.span, why)
            .note("`any` matches when at least one header does (`rabbit_exchange_type_headers`)")
            .help(edit)
            .mend(with_x(binding, "\"any-with-x\"").filter(|_| !bare))
            .given(binding.0.extent),
        );
    }
}
