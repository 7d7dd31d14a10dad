//! A stream has a TTL, a length in messages or dead letters, which no log can have.

use super::{Context, Lint, arg_wrong_queue_type::misplaced, edit::said, error};
use crate::{
    diag::{Change, Diagnostic, Report},
    kind::{Attribute, Definition, Derived, Provenance, is_age, show_duration},
    syntax::quote,
    topology::{Queue, QueueType},
};

pub(super) const LINT: Lint = Lint {
    code: error("A008", "stream-ttl-or-dlx", "A stream has a TTL, a length in messages or dead letters."),
    page: include_str!("stream_ttl_or_dlx.md"),
    check,
};

/// Whether this lint, not `arg-wrong-queue-type`, speaks of an attribute on a stream.
pub(super) fn concerns(attribute: &Attribute) -> bool {
    edit(attribute).is_some()
}

/// What to write on a stream instead.
fn edit(attribute: &Attribute) -> Option<&'static str> {
    match (attribute.name, attribute.within.map(|within| within.node)) {
        ("message-ttl" | "expires", _) => {
            Some("write `max-age=\"7D\"` for how long the stream keeps messages")
        }
        ("max-length", _) => Some("write `max-length-bytes=\"20GB\"` for how much the stream keeps"),
        ("overflow", _) | (_, Some("dead-letter")) => Some("remove it"),
        _ => None,
    }
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let streams = context
        .topology
        .queues()
        .filter(|queue| !queue.0.external && queue.declared_type() == Some(QueueType::Stream));
    for stream in streams {
        for (attribute, span) in misplaced(stream.0, QueueType::Stream) {
            let Some(edit) = edit(attribute) else { continue };
            let name = attribute.within.map_or(attribute.name, |within| within.node);
            let mut diagnostic =
                Diagnostic::new(LINT.code, format!("the stream `{}` has a `{name}`", written_name(stream)))
                    .label(span, "streams do not have it")
                    .note("a stream is a log: its messages neither die nor expire one by one; the broker refuses it: 406 PRECONDITION_FAILED")
                    .help(edit)
                    .refused(stream.0.subject());
            for change in mended(stream.0, attribute) {
                diagnostic = diagnostic.mend(change);
            }
            report.push(diagnostic);
        }
    }
}

/// What surely says the same of a log, where it is written of this very stream.
fn mended(stream: &Definition, attribute: &Attribute) -> Vec<Change> {
    let Some(span) = said(stream, attribute.name) else { return Vec::new() };
    let age = stream.integer(attribute.name).map(show_duration).filter(|age| is_age(age));
    match (attribute.name, age) {
        ("message-ttl", Some(age)) if stream.field("max-age").is_none() => {
            vec![Change::Name(span, "max-age".to_owned()), Change::Value(span, quote(&age))]
        }
        ("overflow", _) => vec![Change::Remove(span)],
        _ => Vec::new(),
    }
}

/// The name as it stands in the file: a partition's is that of its super stream.
fn written_name(stream: Queue<'_>) -> &str {
    let name = stream.name();
    match stream.0.provenance {
        Provenance::Derived(Derived::SuperStream) => name.rsplit_once('-').map_or(name, |(whole, _)| whole),
        _ => name,
    }
}
