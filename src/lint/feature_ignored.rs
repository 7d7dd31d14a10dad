//! Something that the broker takes, and does nothing with any more.

use super::{Context, Lint, edit::said, warning};
use crate::{
    diag::{Change, Diagnostic, Report},
    graph::policy_keys,
    kind::{Definition, KindId, Version, version},
    topology::Policy,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "V014",
        "feature-ignored",
        "The broker that the topology names takes this and does nothing with it.",
    ),
    page: include_str!("feature_ignored.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let Some((target, target_span)) = context.topology.target else { return };
    let kinds = [KindId::Queue, KindId::Policy, KindId::OperatorPolicy].into_iter();
    let all = kinds.flat_map(|kind| context.topology.of(kind)).filter(|definition| !definition.external);
    for definition in all {
        for (name, field) in definition.fields() {
            let Some(gone) = gone(definition, name, target).filter(|gone| target >= *gone) else { continue };
            let (word, owner) = (definition.kind.word(), definition.name());
            report.push(
                Diagnostic::new(LINT.code, format!("`{name}` of the {word} `{owner}` does nothing"))
                    .label(field.span, format!("RabbitMQ {gone} is the first that ignores it"))
                    .label(target_span, "the topology must run on this")
                    .note(match definition.kind {
                        KindId::Queue => "the broker takes it and shows it, and nothing reads it; a living queue keeps it until it is made anew",
                        _ => "the broker takes it and shows it, and nothing reads it",
                    })
                    .help(format!("remove `{name}`"))
                    .mend(needless(definition, name))
                    .ignored(definition.subject()),
            );
        }
    }
}

/// Without the key of a policy that has others. A queue is declared with its arguments, also those without effect.
fn needless(definition: &Definition, name: &str) -> Option<Change> {
    let policy = definition.kind != KindId::Queue;
    let others = policy && policy_keys(Policy(definition)).any(|(key, _)| key != name);
    said(definition, name).filter(|_| others).map(Change::Remove)
}

/// The first series in which what is said has no effect.
fn gone(definition: &Definition, name: &str, target: Version) -> Option<Version> {
    match name {
        "queue-version" => {
            // a queue that says it is refused from 4.3 on, and `feature-denied` says so
            let taken = definition.kind != KindId::Queue || target < version(4, 3);
            (taken && definition.integer(name) == Some(1)).then_some(version(4, 0))
        }
        "queue-master-locator" => None,
        name if name.starts_with("ha-") => None,
        _ => definition.kind.kind().attribute(name)?.until,
    }
}
