//! A password stands in the topology.

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report},
    kind::KindId,
    topology::secrets::in_the_open,
};

pub(super) const LINT: Lint = Lint {
    code: error("S009", "plaintext-password", "A password stands in the topology."),
    page: include_str!("plaintext_password.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for open in in_the_open(context.topology) {
        let Some(user) = open.owner.filter(|owner| owner.kind == KindId::User) else { continue };
        report.push(
            Diagnostic::new(LINT.code, format!("the password of `{}` stands in the topology", user.name()))
                .label(open.span, "written out here")
                .note("a topology is read by many and kept in version control for ever: change the password too")
                .help(format!("write `password env=\"{}_PASSWORD\"`", variable(user.name()))),
        );
    }
}

/// A name as environment variables are spelled.
pub(super) fn variable(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}
