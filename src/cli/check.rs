//! `topoc check`: everything that can be said of a topology without a broker.

use std::{path::Path, time::Instant};

use clap::{Args, ValueEnum};

use super::{
    Broker, Exit, Input, Outcome, Screen, Stop,
    arguments::{CommandSources, Files},
    pending::command,
    unified, write,
};
use crate::{
    Compiled,
    diag::{Code, Report, Severity, Span, counted, github, human, json, sarif},
    kind::{KindId, Provenance, VERSIONS, Version},
    lint,
    mend::{self, MendedFile},
    syntax::{STANDARD_INPUT, Sources},
};

/// Check a topology: references, types, ranges, routes, permissions
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc check topology.kdl
  topoc check topology.kdl --fix
  topoc check topology/ --env production --deny warning
  topoc check topology.kdl --format sarif > topoc.sarif")]
pub(super) struct Check {
    #[command(flatten)]
    input: Input,
    /// In which form to answer: human, json (docs/json.md), sarif (for code scanning) or github (annotations)
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: CheckFormat,
    /// Leave with 1 also for a warning, or also for a hint: warning or hint
    #[arg(long, value_name = "SEVERITY", hide_possible_values = true)]
    deny: Option<Deny>,
    /// Show every finding, also repeats
    #[arg(long)]
    all: bool,
    /// Show only what counts for the exit code, errors or more with --deny, and no summary
    #[arg(long, short)]
    quiet: bool,
    /// Check for this RabbitMQ series in place of the topology's own
    #[arg(long, value_name = "SERIES", value_parser = series)]
    target: Option<Version>,
    /// Mend in the files what only one edit can mend, then show what is left; of standard input, print the text
    #[arg(long, conflicts_with = "target")]
    fix: bool,
    /// With --fix, write nothing; show what would change, and leave with 1 if anything would
    #[arg(long, requires = "fix")]
    diff: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CheckFormat {
    /// For people
    Human,
    /// For programs: docs/json.md describes it
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// GitHub workflow commands, which annotate pull requests
    Github,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Deny {
    /// Warnings and errors
    #[value(alias = "warnings")]
    Warning,
    /// Hints, warnings and errors
    #[value(alias = "hints")]
    Hint,
}

pub(super) fn series(text: &str) -> Result<Version, String> {
    Version::parse(text).filter(|version| VERSIONS.contains(version)).ok_or_else(|| {
        let known: Vec<String> = VERSIONS.iter().map(ToString::to_string).collect();
        format!("the series are {}", known.join(", "))
    })
}

impl Check {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let start = Instant::now();
        let Files { paths, report } = self.input.files()?;
        let compile = |from: &dyn Sources| {
            let mut compiled = crate::compile(&paths, from, &self.input.inputs());
            if let Some(version) = self.target {
                compiled.topology.target = Some((version, Span::NONE));
            }
            compiled.lint();
            compiled
        };
        if !self.fix {
            let mut compiled = compile(&CommandSources);
            compiled.report.extend(report);
            return self.show(&mut compiled, start, false, screen);
        }
        let mut mended = mend::mend(&CommandSources, &compile);
        mended.compiled.report.extend(report);
        let beside = self.diff || mended.files.iter().any(|file| file.name == STANDARD_INPUT);
        for file in &mended.files {
            self.take(file, screen)?;
        }
        screen.flush()?;
        let exit = self.show(&mut mended.compiled, start, beside, screen)?;
        if !mended.is_complete {
            writeln!(screen.err(), "there is more to mend: {}", self.more("--fix"))?;
        }
        let changed = self.diff && mended.files.iter().any(MendedFile::is_changed);
        Ok(if changed { Exit::Wrong } else { exit })
    }

    /// Writes a file that has been mended, or shows what would change.
    fn take(&self, file: &MendedFile, screen: &mut Screen) -> Result<(), Stop> {
        let MendedFile { name, before, after, findings } = file;
        if self.diff {
            if file.is_changed() {
                unified::diff(name, "mended", (before, after), screen)?;
            }
            return Ok(());
        }
        if name == STANDARD_INPUT {
            write!(screen.out(), "{after}")?;
        }
        if !file.is_changed() {
            return Ok(());
        }
        if name != STANDARD_INPUT {
            write::whole(Path::new(name), after).map_err(|error| {
                Stop::wrong(format!("`{name}` cannot be written: {error}"), "it is as it was before")
            })?;
        }
        let all = counted(findings.values().sum(), "finding");
        let each: Vec<String> = findings
            .iter()
            .map(|(name, count)| if *count == 1 { (*name).to_owned() } else { format!("{count} {name}") })
            .collect();
        Ok(writeln!(screen.err(), "mended {all} in {name}: {}", each.join(", "))?)
    }

    /// Shows what was found, beside standard output where that has something else.
    fn show(&self, compiled: &mut Compiled, start: Instant, beside: bool, screen: &mut Screen) -> Outcome {
        let exit = self.exit(&compiled.report);
        if self.quiet {
            compiled.report.retain(|diagnostic| diagnostic.severity <= self.bound());
        }
        let (report, sources) = (&compiled.report, &compiled.sources);
        let look = if beside { screen.look_err() } else { screen.look() };
        let text = match self.format {
            CheckFormat::Human => {
                let look = human::Look { all: self.all, ..look };
                let mut text = human::report(report, sources, look, &self.more("--all"));
                if !self.quiet {
                    text += &format!("{} ({} ms)\n", summary(compiled), start.elapsed().as_millis());
                    text += &self.fixable(report);
                }
                text
            }
            CheckFormat::Json => format!("{:#}\n", json::report(report, sources)),
            CheckFormat::Sarif => format!("{:#}\n", sarif::report(report, sources, &page)),
            CheckFormat::Github => github::report(report, sources),
        };
        let to = if beside { screen.err() } else { screen.out() };
        write!(to, "{text}")?;
        Ok(exit)
    }

    /// How many findings can be mended, and the command that does it.
    fn fixable(&self, report: &Report) -> String {
        let count = report.diagnostics().iter().filter(|found| found.fix.is_some()).count();
        match count {
            // what is left after --fix is left
            0 => String::new(),
            _ if self.fix && !self.diff => String::new(),
            _ if self.target.is_some() => String::new(),
            count => format!("{} can be mended: {}\n", counted(count, "finding"), self.more("--fix")),
        }
    }

    /// The same command with another flag.
    fn more(&self, flag: &str) -> String {
        let series = self.target.map(|series| series.to_string());
        let target = series.iter().flat_map(|series| ["--target", series]);
        let flags: Vec<&str> = target.chain([flag]).collect();
        command("check", &self.input, &Broker::default(), &flags)
    }

    /// The least that is wrong.
    fn bound(&self) -> Severity {
        match self.deny {
            None => Severity::Error,
            Some(Deny::Warning) => Severity::Warning,
            Some(Deny::Hint) => Severity::Hint,
        }
    }

    fn exit(&self, report: &Report) -> Exit {
        let wrong = report.diagnostics().iter().any(|diagnostic| diagnostic.severity <= self.bound());
        if wrong { Exit::Wrong } else { Exit::Ok }
    }
}

fn page(code: Code) -> String {
    lint::find(code.name).map_or_else(|| code.summary.to_owned(), |lint| lint.page.to_owned())
}

/// `checked 9 queues, 5 exchanges in 1 file: 1 error, 1 warning`.
fn summary(compiled: &Compiled) -> String {
    let written =
        |kind| compiled.topology.of(kind).filter(|found| found.provenance == Provenance::Written).count();
    let what = [
        (written(KindId::Queue), "queue"),
        (written(KindId::Exchange), "exchange"),
        (written(KindId::Binding), "binding"),
        (written(KindId::Policy), "policy"),
        (written(KindId::OperatorPolicy), "operator policy"),
        (written(KindId::Vhost), "vhost"),
        (written(KindId::User), "user"),
        (written(KindId::Permission), "permission"),
        (written(KindId::TopicPermission), "topic permission"),
        (written(KindId::VhostLimits) + written(KindId::UserLimits), "limits node"),
        (written(KindId::Shovel), "shovel"),
        (written(KindId::FederationUpstream), "federation upstream"),
        (written(KindId::FederationUpstreamSet), "federation upstream set"),
        (written(KindId::Parameter), "parameter"),
        (written(KindId::GlobalParameter), "global parameter"),
        (compiled.topology.contract.messages.len(), "message"),
        (compiled.topology.contract.services.len(), "service"),
    ];
    let mut parts: Vec<String> =
        what.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| counted(count, word)).collect();
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    }
    let found: Vec<String> = [Severity::Error, Severity::Warning, Severity::Hint]
        .into_iter()
        .map(|severity| (compiled.report.count(severity), severity.word()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted(count, word))
        .collect();
    let found = if found.is_empty() { "no findings".to_owned() } else { found.join(", ") };
    format!("checked {} in {}: {found}", parts.join(", "), counted(compiled.sources.files().len(), "file"))
}
