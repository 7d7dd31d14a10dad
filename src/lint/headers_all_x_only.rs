//! A headers binding compares only headers that the broker skips, so it takes everything.

use topoc_routing::ExchangeKind;

use super::{Context, Lint, edit::with_x, error};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: error(
        "R010",
        "headers-all-x-only",
        "A binding compares only headers that `all` skips, so it takes everything.",
    ),
    page: include_str!("headers_all_x_only.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for binding in context.topology.bindings() {
        let mut names = binding.arguments().map(|(name, _)| name);
        let skipped = binding.header_match() == "all"
            && names.next().is_some_and(|name| name.starts_with("x-"))
            && names.all(|name| name.starts_with("x-"));
        if !skipped || context.routes_as(binding) != Some(&ExchangeKind::Headers) {
            continue;
        }
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("`{}` gets every message of `{}`", binding.destination(), binding.source()),
            )
            .label(binding.0.span, "`all` skips headers that start with `x-`, and there are no others")
            .note("a binding that compares nothing matches everything (`rabbit_exchange_type_headers`)")
            .help("write `match=\"all-with-x\"`")
            .mend(with_x(binding, "\"all-with-x\""))
            .given(binding.0.extent),
        );
    }
}
