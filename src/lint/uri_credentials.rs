//! An address holds a password.

use super::{Context, Lint, error, plaintext_password::variable};
use crate::{
    diag::{Diagnostic, Report},
    kind::{KindId, Type},
    syntax::quote,
    topology::secrets::{in_the_open, without_passwords},
};

pub(super) const LINT: Lint = Lint {
    code: error("S010", "uri-credentials", "An address holds a password."),
    page: include_str!("uri_credentials.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for open in
        in_the_open(context.topology).filter(|open| open.owner.is_none_or(|owner| owner.kind != KindId::User))
    {
        let (whose, edit) = match open.owner {
            Some(owner) => {
                let end = match open.attribute {
                    "src-uri" => "_SOURCE",
                    "dest-uri" => "_DESTINATION",
                    _ => "",
                };
                let whose = format!("the {} `{}`", owner.kind.word(), owner.name());
                let attribute = owner.kind.kind().attribute(open.attribute);
                let edit = if attribute.is_some_and(|attribute| attribute.ty == Type::Secret) {
                    format!("write `uri-env=\"{}{end}_URI\"`", variable(owner.name()))
                } else {
                    let without = open.value.replacen(&format!(":{}@", open.text), "@", 1);
                    format!("write {}, and give the password to who needs it in another way", quote(&without))
                };
                (whose, edit)
            }
            None => ("the environment's broker".to_owned(), "write the address without it, and set TOPOC_BROKER_USERNAME and TOPOC_BROKER_PASSWORD where topoc runs".to_owned()),
        };
        report.push(
            Diagnostic::new(LINT.code, format!("the address of {whose} holds a password"))
                .label(open.span, without_passwords(open.value))
                .note("a topology is read by many and kept in version control for ever, and the broker shows the address to each policymaker: change the password too")
                .help(edit),
        );
    }
}
