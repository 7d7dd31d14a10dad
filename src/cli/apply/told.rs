//! What `apply` says of what became of a plan, and what leads on from there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{
    super::{
        Screen, Stop,
        pending::{Pending, command},
    },
    Apply,
};
use crate::{
    broker::{Applied, Outcome},
    diag::{visible, visible_lines},
    plan::{Action, Consent, count, digits},
};

/// Up to so many steps are told one by one where nobody watches a bar.
const TOLD: usize = 60;
/// Of more, so many of each outcome.
const FIRST: usize = 10;

impl Apply {
    /// What was done; of many steps only what was not.
    pub(super) fn tell(
        &self,
        pending: &Pending<'_>,
        applied: &Applied,
        interrupted: bool,
        screen: &mut Screen,
    ) -> Result<(), Stop> {
        let steps = applied.outcomes.len();
        writeln!(screen.out())?;
        let mut told: BTreeMap<&str, usize> = BTreeMap::new();
        for (id, outcome) in applied.outcomes.iter().enumerate() {
            let alike = told.entry(outcome.word()).or_default();
            *alike += 1;
            let first = if *outcome == Outcome::Done { 0 } else { FIRST };
            if steps <= TOLD || self.all || *alike <= first {
                writeln!(screen.out(), "{}", line(pending, id, outcome))?;
            }
        }
        let hidden = |word: &&str| **word != *"done" && steps > TOLD && !self.all;
        for (word, number) in told.iter().filter(|(word, number)| hidden(word) && **number > FIRST) {
            let more = count((number - FIRST) as u64, "more step", "more steps");
            writeln!(screen.out(), " · … and {more} {}: --all", word.replace('-', " "))?;
        }
        if let Some(error) = &applied.unrecorded {
            writeln!(screen.out(), " ! what was done is not on record: {}", visible(&error.to_string()))?;
        }
        for remark in &applied.remarks {
            writeln!(screen.out(), " ! {}", visible(remark))?;
        }
        if let Some(why) = &applied.stopped {
            let why = (visible(&why.to_string()), visible(&why.help()));
            writeln!(screen.out(), " ! stopped: {}\n     help: {}", why.0, why.1)?;
        }
        let seconds = pending.started.elapsed().as_secs_f64();
        let mut ending: Vec<String> = Vec::new();
        for (word, said) in [
            ("done", "done"),
            ("failed", "failed"),
            ("refused", "refused"),
            ("skipped", "skipped"),
            ("not-started", "not started"),
        ] {
            let number = applied.outcomes.iter().filter(|outcome| outcome.word() == word).count();
            if number > 0 {
                ending.push(format!("{} {said}", digits(i64::try_from(number).unwrap_or(i64::MAX))));
            }
        }
        if applied.is_complete() {
            let changes = count(steps as u64, "change", "changes");
            writeln!(screen.out(), "applied {changes} to {} ({seconds:.1} s)", pending.target.name())?;
        } else {
            let why = if interrupted { "interrupted: " } else { "" };
            writeln!(screen.out(), "{why}{} ({seconds:.1} s).{}", ending.join(", "), self.go_on(applied))?;
        }
        Ok(())
    }

    /// What leads on from here, which is never what was done just now; none where the reasons say it all.
    fn go_on(&self, applied: &Applied) -> String {
        let lacks: BTreeSet<Consent> = applied
            .outcomes
            .iter()
            .flat_map(|outcome| match outcome {
                Outcome::Refused { lacks, .. } => lacks.as_slice(),
                _ => &[],
            })
            .copied()
            .collect();
        let harmless: Vec<Consent> =
            lacks.iter().copied().filter(|consent| *consent != Consent::DataLoss).collect();
        if lacks.contains(&Consent::DataLoss) {
            let all: Vec<Consent> = lacks.into_iter().filter(|consent| *consent != Consent::Gap).collect();
            let lose = format!("{}   to lose it", self.again(&all));
            return if harmless.is_empty() {
                format!("   go on with: {lose}")
            } else {
                format!("   go on with:\n  {}   once nothing is lost by it\n  {lose}", self.again(&harmless))
            };
        }
        if !harmless.is_empty() {
            return format!("   go on with: {}", self.again(&harmless));
        }
        let is_failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed { in_doubt: false, .. });
        if applied.outcomes.iter().any(is_failed) {
            return format!("   mend what failed, then go on with: {}", self.again(&[]));
        }
        let is_open = |o: &Outcome| matches!(o, Outcome::Failed { .. } | Outcome::NotStarted);
        if applied.unrecorded.is_some() || applied.outcomes.iter().any(is_open) {
            return format!("   go on with: {}", self.again(&[]));
        }
        String::new()
    }

    /// This run once more, with more consent.
    pub(super) fn again(&self, more: &[Consent]) -> String {
        let given = [
            (Consent::Adopt, self.adopt),
            (Consent::Gap, self.allow_gap),
            (Consent::DataLoss, self.allow_data_loss),
        ];
        let flags = given.iter().filter(|(consent, given)| *given || more.contains(consent));
        let flags: Vec<&str> =
            ["--yes"].into_iter().chain(flags.map(|(consent, _)| consent.flag())).collect();
        command("apply", &self.input, &self.broker, &flags)
    }

    pub(super) fn json(
        &self,
        pending: &Pending<'_>,
        applied: &Applied,
        screen: &mut Screen,
    ) -> Result<(), Stop> {
        let steps: Vec<_> = pending
            .plan
            .steps
            .iter()
            .zip(&applied.outcomes)
            .map(|(step, outcome)| {
                let mut json = step.to_json(&pending.compiled.sources);
                json["outcome"] = json!(outcome.word());
                json["trouble"] = json!(outcome.reason());
                json
            })
            .collect();
        let whole = json!({
            "version": 1,
            "topology": pending.plan.topology.as_deref(),
            "broker": pending.target.name(),
            "compared": pending.plan.compared,
            "record": true,
            "complete": applied.is_complete(),
            "done": applied.done(),
            "stopped": applied.stopped.as_ref().map(ToString::to_string),
            "changes": steps,
            "notes": pending.plan.notes.iter().chain(&applied.remarks).collect::<Vec<_>>(),
        });
        Ok(writeln!(screen.out(), "{whole:#}")?)
    }
}

pub(super) fn line(pending: &Pending<'_>, id: usize, outcome: &Outcome) -> String {
    let step = &pending.plan.steps[id];
    let title = visible(&step.title());
    match outcome {
        Outcome::Done => format!(" ✓ {title}"),
        Outcome::Failed { reason, help, .. } => {
            let help =
                help.as_ref().map(|help| format!("\n     help: {}", visible_lines(help))).unwrap_or_default();
            format!(" ✗ {title}: {}{help}", visible(&reason.trim().replace('\n', " ")))
        }
        Outcome::Refused { reason, .. } if step.action == Action::Refuse => {
            format!(" ≠ {} {}: {}", step.kind.word(), visible(&step.name()), visible(reason))
        }
        Outcome::Refused { reason, .. } => format!(" ≠ {title}: {}", visible(reason)),
        Outcome::Skipped(reason) => format!(" · {title}: {}", visible(reason)),
        Outcome::NotStarted => format!(" · {title}: not started"),
    }
}
