//! A queue states a key for its dead letters and no exchange.

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report},
    graph::Source,
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: error("A005", "dlrk-without-dlx-arg", "A queue states a key for its dead letters and no exchange."),
    page: include_str!("dlrk_without_dlx_arg.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for queue in context.topology.queues().filter(|queue| !queue.0.external) {
        let Some(key) = queue.0.field("dead-letter-routing-key") else { continue };
        if queue.0.field("dead-letter-exchange").is_some() {
            continue;
        }
        let diagnostic = Diagnostic::new(
            LINT.code,
            format!("`{}` has a key for its dead letters and no exchange", queue.name()),
        )
        .label(key.span, "the broker takes the key only beside the exchange")
        .note("it refuses to declare the queue, even if a policy gives the exchange: 406 PRECONDITION_FAILED")
        .refused(queue.0.subject());
        let written = key.value.as_text().map_or("", |text| &**text);
        let by_policy = context.graph.effective.value(queue.0, "dead-letter-exchange");
        report.push(match by_policy {
            Some(Source::Policy(policy, field) | Source::OperatorPolicy(policy, field)) => {
                let exchange = field.value.as_text().map_or("", |text| &**text);
                diagnostic.label(field.span, format!("policy `{}` gives the exchange", policy.name())).help(
                    format!(
                        "write `dead-letter {} routing-key={}`, on the queue or in the policy",
                        quote(exchange),
                        quote(written)
                    ),
                )
            }
            _ => diagnostic.help(format!(
                "name the exchange: `dead-letter \"\" routing-key={}`, or one of your own",
                quote(written)
            )),
        });
    }
}
