//! What the lints say of the newer series, and did not say of the one before.

use std::collections::BTreeSet;

use super::{Effect, Finding, Place, Sight};
use crate::{
    diag::{Diagnostic, Fate, Severity, Span, Subject},
    kind::KindId,
};

/// They speak where a series is named, and what they say holds on every series.
const OF_EVERY_SERIES: [&str; 2] = ["classic-critical-4x", "implicit-queue-type"];

/// What lints find, and of what was found already all that they do not say better.
pub(super) fn compare(
    before: &Sight<'_>,
    after: &Sight<'_>,
    mut found_already: Vec<Finding>,
) -> Vec<Finding> {
    let known: BTreeSet<_> = before.report.diagnostics().iter().map(identity).collect();
    let told = Told::new(&found_already);
    let mut findings = Vec::new();
    // what counts no more is told by what nothing reads
    let mut unread: BTreeSet<(&str, &Subject)> = BTreeSet::new();
    for found in after.report.diagnostics() {
        let is_new = !known.contains(&identity(found)) && !OF_EVERY_SERIES.contains(&found.code.name);
        let effect = match &found.fate {
            Some((Fate::Refused, _)) => Effect::Refused,
            Some((Fate::Ignored, subject)) => {
                unread.extend(named(&found.message).map(|name| (name, subject)));
                Effect::Ignored
            }
            None if is_new && found.severity <= Severity::Warning && !told.is(found.primary()) => {
                Effect::Changes
            }
            None => continue,
        };
        let also = match effect {
            Effect::Refused if !is_new => format!("; RabbitMQ {} refuses it, too", before.version),
            Effect::Ignored if !is_new => format!("; RabbitMQ {} ignores it, too", before.version),
            _ => String::new(),
        };
        let subject = found.fate.as_ref().map(|(_, subject)| subject.clone());
        findings.push(Finding {
            effect,
            lint: Some(found.code.name),
            message: found.message.clone(),
            reason: format!("{}{also}", found.note.as_deref().unwrap_or(found.code.summary)),
            edit: found.help.clone().unwrap_or_default(),
            places: vec![Place { span: found.primary(), subject }],
        });
    }
    found_already.retain(|finding| {
        let subject = finding.places.first().and_then(|place| place.subject.as_ref());
        named(&finding.message).zip(subject).is_none_or(|about| !unread.contains(&about))
    });
    findings.extend(found_already);
    findings
}

/// What makes two findings the same in what a user is told: where they point, and the words.
fn identity(found: &Diagnostic) -> (&'static str, &str, Vec<(Span, &str)>, bool) {
    let labels = found.labels.iter().map(|label| (label.span, label.text.as_str())).collect();
    (found.code.code, &found.message, labels, found.fate.is_some())
}

/// The first name in backticks.
fn named(message: &str) -> Option<&str> {
    message.split('`').nth(1)
}

/// The places of which it is told already what changes there.
struct Told {
    places: BTreeSet<Span>,
    /// Messages, with all that is said of them: what lints find there follows from it.
    messages: Vec<Span>,
}

impl Told {
    fn new(findings: &[Finding]) -> Self {
        let places =
            || findings.iter().flat_map(|finding| &finding.places).filter(|place| place.span.is_known());
        let is_message = |place: &&Place| {
            place.subject.as_ref().is_some_and(|subject| subject.kind == KindId::Message.word())
        };
        Self {
            places: places().map(|place| place.span).collect(),
            messages: places().filter(is_message).map(|place| place.span).collect(),
        }
    }

    fn is(&self, span: Span) -> bool {
        self.places.contains(&span) || self.messages.iter().any(|message| message.contains(span))
    }
}
