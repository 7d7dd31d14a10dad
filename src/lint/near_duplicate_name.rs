//! Two names differ only in case or separators.

use rustc_hash::FxHashMap;

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report, is_unprintable, plural},
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
    let contract = context.topology.contract.definitions();
    for entity in context.topology.definitions().iter().chain(contract) {
        let kind = entity.kind.kind();
        if kind.scope == Scope::Global || kind.identity != ["name"] {
            continue;
        }
        let key = (entity.kind, entity.vhost.as_deref(), plain(entity));
        let Some(earlier) = first.get(&key) else {
            first.insert(key, entity);
            continue;
        };
        // one and the same name is the language's to speak of
        if earlier.name() != entity.name() && !meant(earlier, entity) {
            report.push(pair(earlier, entity));
        }
    }
}

/// The name without what is easily overlooked. Generated code has no separators in names, as people who write them
/// in UpperCamelCase do not.
fn plain(entity: &Definition) -> String {
    let contract = entity.kind.kind().scope == Scope::Contract;
    let is_separator = |c: char| ".-_/:".contains(c);
    let seen = entity.name().chars().filter(|c| !(is_unprintable(*c) || contract && is_separator(*c)));
    seen.flat_map(char::to_lowercase).map(|c| if is_separator(c) { '-' } else { c }).collect()
}

/// Whether nobody can have mistaken one for the other: one loop made both, or both are somebody else's.
fn meant(earlier: &Definition, later: &Definition) -> bool {
    let derived = |entity: &Definition| matches!(entity.provenance, Provenance::Derived(_));
    earlier.span == later.span || (derived(earlier) && derived(later)) || (earlier.external && later.external)
}

fn pair(earlier: &Definition, later: &Definition) -> Diagnostic {
    let (word, old, new) = (later.kind.word(), earlier.name(), later.name());
    let invisible = |name: &str| name.chars().any(is_unprintable);
    let differ = match invisible(old) || invisible(new) {
        true => "look the same: one has characters that nobody sees",
        false => "differ only in case or separators",
    };
    let (to, note) = match later.kind.kind().scope {
        Scope::Contract => (
            "… and this one are two",
            "what is published under one name is not what is waited for under the other, and generated code gives them names that differ by a number",
        ),
        _ => (
            "… and this one are two to the broker",
            "names are bytes to the broker: one of the two fills while the other is consumed, without an error",
        ),
    };
    Diagnostic::new(LINT.code, format!("the {} `{old}` and `{new}` {differ}", plural(word)))
        .label(later.span_of("name"), "this one …")
        .label(earlier.span_of("name"), to)
        .note(note)
        .help(format!(
            "write {} in both places, or `allow \"near-duplicate-name\" because=\"…\"` if two are meant",
            quote(if invisible(old) { new } else { old })
        ))
}
