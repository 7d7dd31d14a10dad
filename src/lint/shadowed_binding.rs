//! A binding takes nothing that another one to the same destination does not take.

use std::collections::BTreeMap;

use topoc_routing::{
    ExchangeKind,
    language::KeyPattern,
    topic::{self, TopicTrie},
};

use super::{
    Context, Lint, edit::key_span, hint, topic_wildcard_partial_word::partial_word, wildcard_on_direct,
};
use crate::{
    diag::{Change, Diagnostic, Report},
    kind::Provenance,
    topology::Binding,
};

pub(super) const LINT: Lint = Lint {
    code: hint(
        "R008",
        "shadowed-binding",
        "Another binding to the same destination takes all that a binding takes.",
    ),
    page: include_str!("shadowed_binding.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut groups: BTreeMap<_, Vec<(Binding<'_>, KeyPattern)>> = BTreeMap::new();
    for binding in context.topology.bindings().filter(|binding| binding.0.provenance == Provenance::Written) {
        let key = binding.routing_key();
        let Some(kind) = context.routes_as(binding) else { continue };
        let told = match kind {
            ExchangeKind::Direct => wildcard_on_direct::concerns(key),
            ExchangeKind::Topic => partial_word(key).is_some(),
            // of a key on a fanout exchange `key-on-fanout-ignored` speaks
            _ => true,
        };
        if let Some(pattern) = KeyPattern::of(kind, key).filter(|_| !told) {
            let ends = (binding.vhost(), binding.source(), binding.to_exchange(), binding.destination());
            groups.entry(ends).or_default().push((binding, pattern));
        }
    }
    for group in groups.values().filter(|group| group.len() > 1) {
        shadowed(group, report);
    }
}

fn shadowed(group: &[(Binding<'_>, KeyPattern)], report: &mut Report) {
    // only what takes a key of a binding can take all its keys; the rest is decided for those few
    let mut trie = TopicTrie::default();
    for (place, (_, pattern)) in group.iter().enumerate() {
        match pattern {
            KeyPattern::Exactly(key) => trie.insert_key(key, place),
            KeyPattern::Topic(key) => trie.insert(key, place),
            KeyPattern::Any => {}
        }
    }
    for (place, (binding, pattern)) in group.iter().enumerate() {
        let mut candidates = Vec::new();
        trie.find(&one_key(binding.routing_key(), pattern), &mut candidates);
        candidates.sort_unstable();
        let covers = |narrow: &KeyPattern, wide: &KeyPattern| {
            matches!(narrow.example_beyond(std::slice::from_ref(wide)), Ok(None))
        };
        let by = candidates.into_iter().filter(|other| *other != place).find(|other| {
            let (wider, wide) = &group[*other];
            // of two that take the same the later one is too many; one loop's body says one thing
            binding.0.span != wider.0.span
                && covers(pattern, wide)
                && (*other < place || !covers(wide, pattern))
        });
        if let Some((wider, _)) = by.map(|other| &group[other]) {
            report.push(finding(*binding, *wider));
        }
    }
}

/// A key that the pattern takes.
fn one_key(key: &str, pattern: &KeyPattern) -> String {
    match pattern {
        KeyPattern::Topic(_) => {
            // a word that nobody binds stands for any; `#` takes none
            let words = topic::words(key).filter(|word| *word != "#");
            words.map(|word| if word == "*" { "\0" } else { word }).collect::<Vec<_>>().join(".")
        }
        KeyPattern::Exactly(_) | KeyPattern::Any => key.to_owned(),
    }
}

fn finding(binding: Binding<'_>, wider: Binding<'_>) -> Diagnostic {
    let (source, destination) = (binding.source(), binding.destination());
    let key = binding.routing_key();
    Diagnostic::new(
        LINT.code,
        format!("`{destination}` gets what `{key}` takes from `{source}` by another binding too"),
    )
    .label(key_span(binding), "takes nothing that …")
    .label(key_span(wider), format!("… `{}` does not take", wider.routing_key()))
    .note("a destination gets one copy, however many of its bindings match; to remove this one stops nothing")
    .help(format!("remove the `bind` with `{key}`, or narrow the other one"))
    .mend((!binding.0.external && !wider.0.external).then_some(Change::Remove(binding.0.span)))
    .given(binding.0.extent)
    .given(wider.0.extent)
}
