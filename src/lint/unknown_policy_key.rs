//! A policy holds a key that is none.

use super::{Context, Lint, error};
use crate::{
    diag::{Change, Diagnostic, Report, did_you_mean, surely, with_article},
    kind::{Attribute, KindId, Place},
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: error("V013", "unknown-policy-key", "A policy holds a key that the broker does not know."),
    page: include_str!("unknown_policy_key.md"),
    check,
};

/// Keys of plugins that are no attribute of anything.
const PLUGINS: [&str; 1] = ["routing-key"];

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let policies =
        [KindId::Policy, KindId::OperatorPolicy].into_iter().flat_map(|kind| context.topology.of(kind));
    for policy in policies.filter(|policy| !policy.external) {
        for key in &policy.unrecognized {
            // what is left of mirroring has a lint of its own
            let Some(field) = policy.arguments.get(key) else { continue };
            let mirroring = policy.kind == KindId::Policy && key.starts_with("ha-");
            if PLUGINS.contains(&&**key) || mirroring {
                continue;
            }
            let word = policy.kind.word().replace('-', " ");
            let kind = policy.kind.kind();
            let keys =
                kind.all_attributes().filter(|attribute| matches!(kind.place(attribute), Place::Key(_)));
            let names = keys.filter(|attribute| attribute.within.is_none()).map(|attribute| attribute.name);
            let names: Vec<&str> = names.collect();
            let slip = surely(key, names.iter().copied()).filter(|near| policy.field(near).is_none());
            let of_queue = KindId::Queue.kind().attribute(key);
            let is_it = |attribute: &Attribute| {
                attribute.within.map_or(attribute.name == &**key, |within| within.node == &**key)
            };
            let in_policy = KindId::Policy.kind().all_attributes().any(is_it);
            let help = match of_queue {
                _ if &**key == "vhost" => {
                    let name =
                        field.value.as_text().map_or_else(|| "\"name\"".to_owned(), |name| quote(name));
                    format!("put the {word} into its vhost: `vhost {name} {{ {} … }}`", policy.kind.word())
                }
                _ if in_policy => "write it in a `policy`: an operator policy takes only limits".to_owned(),
                Some(attribute) => format!("write it in the queue: `{}`", attribute.example),
                None => did_you_mean(key, names, "key"),
            };
            report.push(
                Diagnostic::new(LINT.code, format!("`{key}` is no key of {}", with_article(&word)))
                    .label(field.span, format!("in {word} `{}`", policy.name()))
                    .note("the broker refuses the policy with 400: not recognised policy settings")
                    .help(help)
                    .refused(policy.subject())
                    .mend(slip.map(|near| Change::Name(field.span, near.to_owned()))),
            );
        }
    }
}
