//! A topic binding with more `#` than the broker matches quickly.

use topoc_routing::{ExchangeKind, topic};

use super::{
    Context, Lint,
    edit::{bind, key_span, value},
    hint,
};
use crate::{
    diag::{Diagnostic, Report},
    kind::version,
    syntax::quote,
};

/// How many `#` every broker takes and matches at ease.
const EASY: usize = 2;

pub(super) const LINT: Lint = Lint {
    code: hint("R005", "topic-too-many-hashes", "A topic binding has more than two `#`."),
    page: include_str!("topic_too_many_hashes.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    for binding in context.topology.bindings() {
        let key = binding.routing_key();
        let hashes = topic::words(key).filter(|word| *word == "#").count();
        if hashes <= EASY || context.routes_as(binding) != Some(&ExchangeKind::Topic) {
            continue;
        }
        let mut fewer: Vec<&str> = topic::words(key).collect();
        fewer.dedup_by(|next, word| *next == "#" && *word == "#");
        let easy = fewer.iter().filter(|word| **word == "#").count() <= EASY;
        let edit = if easy {
            format!("write `{}`, which is the same", bind(binding.source(), &fewer.join(".")))
        } else {
            "write `*` where one word is meant".to_owned()
        };
        let finding = Diagnostic::new(LINT.code, format!("`{key}` has {hashes} `#`"))
            .label(key_span(binding), "the broker tries each of them with every number of words")
            .note("the work for one key grows with its length to that power; RabbitMQ 4.3.5 and later refuse such a binding")
            .help(edit)
            .mend(value(binding.0, "routing-key", quote(&fewer.join("."))).filter(|_| easy))
            .given(binding.0.extent);
        let is_refused = context.topology.target.is_some_and(|(target, _)| target >= version(4, 3));
        report.push(if is_refused { finding.refused(binding.0.subject()) } else { finding });
    }
}
