//! A service connects as an administrator.

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Report},
    kind::Value,
};

const TAG: &str = "administrator";

pub(super) const LINT: Lint = Lint {
    code: error("S002", "admin-service-user", "A service connects as an administrator."),
    page: include_str!("admin_service_user.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for (service, user) in context.service_users() {
        let Some(Value::List(tags)) = user.value("tags") else { continue };
        if !tags.iter().any(|tag| tag.as_text().is_some_and(|tag| &**tag == TAG)) {
            continue;
        }
        report.push(
            Diagnostic::new(
                LINT.code,
                format!("the service `{}` connects as an administrator", service.name.text),
            )
            .label(user.span_of("tags"), format!("`{}` may read, change and delete everything", user.name()))
            .note("whoever finds its password in a container's environment owns the broker")
            .help("remove the tag `administrator`: tags are for the management UI and API, AMQP needs none"),
        );
    }
}
