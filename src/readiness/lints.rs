//! What the lints say of the newer series, and did not say of the one before.

use std::collections::BTreeSet;

use super::{Effect, Finding, Place, Sight};
use crate::{
    diag::{Diagnostic, Fate, Severity, Span},
    kind::KindId,
};

/// They speak where a series is named, and what they say holds on every series.
const OF_EVERY_SERIES: [&str; 2] = ["classic-critical-4x", "implicit-queue-type"];

/// Adds what lints find to what is known already.
pub(super) fn compare(before: &Sight<'_>, after: &Sight<'_>, findings: &mut Vec<Finding>) {
    let known: BTreeSet<_> = before.report.diagnostics().iter().map(identity).collect();
    for found in after.report.diagnostics() {
        let is_new = !known.contains(&identity(found)) && !OF_EVERY_SERIES.contains(&found.code.name);
        let effect = match &found.fate {
            Some((Fate::Refused, _)) => Effect::Refused,
            Some((Fate::Ignored, _)) => Effect::Ignored,
            None if is_new && found.severity <= Severity::Warning => Effect::Changes,
            None => continue,
        };
        let place = place(found);
        // what counts no more is told by what no longer counts
        findings.retain(|finding| {
            finding.effect != Effect::Changes
                || effect != Effect::Ignored
                || !is_about(finding, &place, found)
        });
        // what follows from a change that is told already
        if effect == Effect::Changes && findings.iter().any(|finding| is_told(finding, &place)) {
            continue;
        }
        let also = match effect {
            Effect::Refused if !is_new => format!("; RabbitMQ {} refuses it, too", before.version),
            Effect::Ignored if !is_new => format!("; RabbitMQ {} ignores it, too", before.version),
            _ => String::new(),
        };
        findings.push(Finding {
            effect,
            lint: Some(found.code.name),
            message: found.message.clone(),
            reason: format!("{}{also}", found.note.as_deref().unwrap_or(found.code.summary)),
            edit: found.help.clone().unwrap_or_default(),
            places: vec![place],
        });
    }
}

/// What makes two findings the same in what a user is told: where they point, and the words.
fn identity(found: &Diagnostic) -> (&'static str, &str, Vec<(Span, &str)>, bool) {
    let labels = found.labels.iter().map(|label| (label.span, label.text.as_str())).collect();
    (found.code.code, &found.message, labels, found.fate.is_some())
}

fn place(found: &Diagnostic) -> Place {
    Place { span: found.primary(), subject: found.fate.as_ref().map(|(_, subject)| subject.clone()) }
}

/// Whether a finding speaks of the very place, or of the message that the place is in.
fn is_told(finding: &Finding, place: &Place) -> bool {
    finding.lint.is_none()
        && finding.places.iter().any(|told| {
            let of_message =
                told.subject.as_ref().is_some_and(|subject| subject.kind == KindId::Message.word());
            told.span.is_known() && (told.span == place.span || of_message && told.span.contains(place.span))
        })
}

/// Whether a change is that of the value which a lint calls ignored.
fn is_about(finding: &Finding, place: &Place, found: &Diagnostic) -> bool {
    let named = finding.message.split('`').nth(1);
    named.is_some_and(|name| found.message.starts_with(&format!("`{name}`")))
        && finding.places.iter().any(|known| known.subject == place.subject)
}
