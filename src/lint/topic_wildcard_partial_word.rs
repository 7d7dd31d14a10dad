//! A wildcard stands inside a word, where it is an ordinary character.

use topoc_routing::{ExchangeKind, topic};

use super::{
    Context, Lint,
    edit::{bind, key_span},
    error,
};
use crate::diag::{Diagnostic, Report};

pub(super) const LINT: Lint = Lint {
    code: error(
        "R004",
        "topic-wildcard-partial-word",
        "A wildcard stands inside a word, where it is an ordinary character.",
    ),
    page: include_str!("topic_wildcard_partial_word.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for binding in context.topology.bindings() {
        let key = binding.routing_key();
        let Some(word) =
            partial_word(key).filter(|_| context.routes_as(binding) == Some(&ExchangeKind::Topic))
        else {
            continue;
        };
        let wildcard = if word.contains('*') { "*" } else { "#" };
        let meant: Vec<&str> =
            topic::words(key).map(|word| if is_partial(word) { wildcard_of(word) } else { word }).collect();
        report.push(
            Diagnostic::new(LINT.code, format!("`{wildcard}` in `{word}` is an ordinary character"))
                .label(key_span(binding), format!("takes the key `{key}` as it stands, and no other"))
                .note("in a topic's key a wildcard is a whole word between dots")
                .help(format!(
                    "write `{}`, or spell out the words that are meant",
                    bind(binding.source(), &meant.join("."))
                )),
        );
    }
}

/// The first word of a key with a wildcard among other characters.
pub(super) fn partial_word(key: &str) -> Option<&str> {
    topic::words(key).find(|word| is_partial(word))
}

fn is_partial(word: &str) -> bool {
    word.len() > 1 && word.contains(['*', '#'])
}

fn wildcard_of(word: &str) -> &'static str {
    if word.contains('*') { "*" } else { "#" }
}
