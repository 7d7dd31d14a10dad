//! A consistent-hash exchange is told to hash two things.

use super::{Context, Lint, error};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: error(
        "A011",
        "hash-both-args",
        "A consistent-hash exchange is told to hash a header and a property.",
    ),
    page: include_str!("hash_both_args.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let hashing =
        context.topology.exchanges().filter(|exchange| exchange.routing_type() == "x-consistent-hash");
    for exchange in hashing.filter(|exchange| !exchange.0.external) {
        let (Some(header), Some(property)) =
            (exchange.0.field("hash-header"), exchange.0.field("hash-property"))
        else {
            continue;
        };
        let (first, second) =
            if header.span <= property.span { (header, property) } else { (property, header) };
        report.push(
            Diagnostic::new(LINT.code, format!("`{}` is to hash a header and a property", exchange.name()))
                .label(second.span, "one of the two …")
                .label(first.span, "… is one too many")
                .note("`rabbit_exchange_type_consistent_hash` refuses the exchange: 406 PRECONDITION_FAILED")
                .help("keep the one that tells apart what has to stay in order")
                .refused(exchange.0.subject()),
        );
    }
}
