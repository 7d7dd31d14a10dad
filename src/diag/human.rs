//! Diagnostics for people: what, where, why it matters, what to do now.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use super::{Diagnostic, Report, Severity, SourceMap, is_unprintable, snippet};

/// How diagnostics are shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Whether ANSI colours are written; they carry no meaning of their own.
    pub color: bool,
    /// Whether repeats of one code are all shown, rather than the first few with the number of the others.
    pub all: bool,
}

/// How many diagnostics of one code are shown before the rest is only counted.
const fn shown_of_a_code(severity: Severity) -> usize {
    match severity {
        Severity::Error => 5,
        Severity::Warning => 3,
        Severity::Hint => 1,
    }
}

/// The report as text, errors first; repeats are counted unless `look` says otherwise. `more` is the command
/// that shows them all, such as `topoc check --all`.
#[must_use]
pub fn report(report: &Report, sources: &SourceMap, look: Look, more: &str) -> String {
    let mut out = String::new();
    for (diagnostic, hidden) in select(report, look.all) {
        // a string takes every write
        let _ = show(&mut out, diagnostic, sources, look);
        if hidden > 0 {
            let _ = writeln!(out, "   and {hidden} more like this: {more}");
        }
        out.push('\n');
    }
    out
}

/// One diagnostic as text.
#[must_use]
pub fn diagnostic(diagnostic: &Diagnostic, sources: &SourceMap, look: Look) -> String {
    let mut out = String::new();
    let _ = show(&mut out, diagnostic, sources, look);
    out
}

/// Errors first, then warnings, then hints, each in the order of the report; with the last one shown of a code
/// goes the number of those that are not. Hints never outnumber errors.
fn select(report: &Report, all: bool) -> Vec<(&Diagnostic, usize)> {
    let mut sorted: Vec<&Diagnostic> = report.diagnostics().iter().collect();
    sorted.sort_by_key(|diagnostic| diagnostic.severity);
    if all {
        return sorted.into_iter().map(|diagnostic| (diagnostic, 0)).collect();
    }
    let key = |d: &Diagnostic| (d.severity, d.code.code);
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for diagnostic in &sorted {
        *counts.entry(key(diagnostic)).or_default() += 1;
    }
    let errors = report.count(Severity::Error);
    let mut hints = if errors == 0 { usize::MAX } else { errors };
    let mut seen: BTreeMap<_, usize> = BTreeMap::new();
    let mut chosen = Vec::new();
    for diagnostic in sorted {
        let limit = shown_of_a_code(diagnostic.severity);
        let seen = seen.entry(key(diagnostic)).or_default();
        if diagnostic.severity == Severity::Hint {
            if hints == 0 {
                continue;
            }
            hints -= usize::from(*seen < limit);
        }
        *seen += 1;
        if *seen <= limit {
            let total = counts[&key(diagnostic)];
            chosen.push((diagnostic, if *seen == limit { total - limit } else { 0 }));
        }
    }
    chosen
}

fn show(out: &mut String, diagnostic: &Diagnostic, sources: &SourceMap, look: Look) -> fmt::Result {
    let paint = Paint(look.color);
    let kind = format!("{}[{}]", diagnostic.severity.word(), diagnostic.code.name);
    let color = match diagnostic.severity {
        Severity::Error => "1;31",
        Severity::Warning => "1;33",
        Severity::Hint => "1;36",
    };
    let message = printable(&diagnostic.message, LONGEST_WORD);
    writeln!(out, "{}{}", paint.with(color, &kind), paint.with("1", &format!(": {message}")))?;
    snippet::draw(out, diagnostic, sources, look.color);
    if let Some(note) = &diagnostic.note {
        block(out, "   = ", note)?;
    }
    if let Some(help) = &diagnostic.help {
        block(out, &format!("   {} ", paint.with("36", "help:")), help)?;
    }
    let mended = if diagnostic.fix.is_some() { "; topoc check --fix mends it" } else { "" };
    writeln!(out, "   {} topoc explain {}{mended}", paint.with("2", "more:"), diagnostic.code.name)
}

/// A text after its head, its further lines below its first.
fn block(out: &mut String, head: &str, text: &str) -> fmt::Result {
    let (indent, longest) =
        if head.contains("help:") { ("         ", LONGEST_EDIT) } else { ("     ", LONGEST_WORD) };
    for (index, line) in text.trim_end().lines().enumerate() {
        writeln!(out, "{}{}", if index == 0 { head } else { indent }, printable(line, longest))?;
    }
    Ok(())
}

/// More characters than this without a space are a name that fills screens.
const LONGEST_WORD: usize = 2_000;

/// What people paste may be longer, but not without end: a pattern of many names.
const LONGEST_EDIT: usize = 50_000;

/// A text that cannot steer a terminal, its endless words cut short.
fn printable(text: &str, longest: usize) -> String {
    let mut out = String::with_capacity(text.len().min(longest));
    for word in text.split_inclusive(char::is_whitespace) {
        let length = word.chars().count();
        if length <= longest {
            out.push_str(&visible(word.chars()));
        } else {
            let (start, end) = (visible(word.chars().take(60)), visible(word.chars().skip(length - 20)));
            let _ = write!(out, "{start}…{end}");
        }
    }
    out
}

fn visible(text: impl Iterator<Item = char>) -> String {
    text.fold(String::new(), |mut out, c| {
        if is_unprintable(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
        out
    })
}

/// Writes ANSI sequences, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, style: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_word_is_cut_and_a_long_edit_is_not() {
        let pattern = format!("^({})$", vec!["orders.created"; 1_000].join("|"));
        assert_eq!(printable(&pattern, LONGEST_EDIT), pattern);
        let name = "ä".repeat(300_000);
        assert_eq!(
            printable(&format!("queue `{name}` is\tlong"), LONGEST_WORD),
            format!("queue `{}…{}` is\\u{{9}}long", "ä".repeat(59), "ä".repeat(18))
        );
    }
}
