//! Two names differ only in case or separators.

use rustc_hash::FxHashMap;

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report},
    kind::{Definition, Provenance, Scope},
    syntax::quote,
};

pub(super) const LINT: Lint = Lint {
    code: warning(
        "N006",
        "near-duplicate-name",
        "Two names differ only in upper and lower case or in separators.",
    ),
    page: include_str!("near_duplicate_name.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut first: FxHashMap<_, &Definition> = FxHashMap::default();
    for entity in context.topology.definitions() {
        let kind = entity.kind.kind();
        if kind.scope != Scope::Vhost || kind.identity != ["name"] {
            continue;
        }
        let key = (entity.kind, entity.vhost.as_deref(), plain(entity.name()));
        let Some(earlier) = first.get(&key) else {
            first.insert(key, entity);
            continue;
        };
        if !meant(earlier, entity) {
            report.push(pair(earlier, entity));
        }
    }
}

fn plain(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).map(|c| if ".-_/:".contains(c) { '-' } else { c }).collect()
}

/// Whether nobody can have mistaken one for the other: one loop made both, or both are somebody else's.
fn meant(earlier: &Definition, later: &Definition) -> bool {
    let derived = |entity: &Definition| matches!(entity.provenance, Provenance::Derived(_));
    earlier.span == later.span || (derived(earlier) && derived(later)) || (earlier.external && later.external)
}

fn pair(earlier: &Definition, later: &Definition) -> Diagnostic {
    let (word, old, new) = (later.kind.word(), earlier.name(), later.name());
    Diagnostic::new(LINT.code, format!("the {word}s `{old}` and `{new}` differ only in case or separators"))
        .label(later.span_of("name"), "this one …")
        .label(earlier.span_of("name"), "… and this one are two to the broker")
        .note("names are bytes to the broker: one of the two fills while the other is consumed, without an error")
        .help(format!(
            "write {} in both places, or `allow \"near-duplicate-name\" because=\"…\"` if two are meant",
            quote(old)
        ))
}
