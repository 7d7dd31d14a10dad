//! The account that every broker brings along.

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::KindId,
};

pub(super) const LINT: Lint = Lint {
    code: warning("S001", "guest-user", "A topology uses the account that every broker brings along."),
    page: include_str!("guest_user.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for user in context.topology.of(KindId::User).filter(|user| user.name() == "guest") {
        report.push(
            Diagnostic::new(LINT.code, "`guest` is the account that every broker brings along")
                .label(user.span_of("name"), "everybody knows its password, and it is an administrator")
                .note("it is safe only while the broker lets it in over loopback alone")
                .help("name an account of your own, and run `rabbitmqctl delete_user guest`"),
        );
    }
}
