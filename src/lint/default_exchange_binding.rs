//! A binding starts at the default exchange.

use super::{Context, Lint, error};
use crate::{
    diag::{Change, Diagnostic, Report},
    kind::Provenance,
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: error(
        "N005",
        "default-exchange-binding",
        "A binding starts at the default exchange, which takes none.",
    ),
    page: include_str!("default_exchange_binding.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for binding in context.topology.bindings().filter(|binding| binding.source().is_empty()) {
        let (destination, key) = (binding.destination(), binding.routing_key());
        let needless = !binding.to_exchange() && (key.is_empty() || key == destination);
        let written = binding.0.provenance == Provenance::Written && !binding.0.external;
        let help = if needless {
            format!(
                "remove the `bind`: `publish-to \"\" routing-key={}` reaches the queue already",
                quote(destination)
            )
        } else {
            format!("declare an exchange of your own and bind it: `{}`", super::edit::bind("name", key))
        };
        report.push(
            Diagnostic::new(LINT.code, format!("`{destination}` is bound to the default exchange"))
                .label(binding.0.span_of("source"), "nothing can be bound to `\"\"`")
                .note("the default exchange routes to each queue by the queue's name; a binding of it is refused: 403 ACCESS_REFUSED")
                .help(help)
                .refused(binding.0.subject())
                .mend((needless && written).then_some(Change::Remove(binding.0.span)))
                .given(binding.0.extent),
        );
    }
}
