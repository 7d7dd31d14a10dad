//! What topoc says about its input: diagnostics with their places, gathered into one report.
//!
//! This room knows text positions and words. It may not know what a topology is.

pub mod codes;
#[cfg(feature = "broker")]
mod command;
mod fix;
#[cfg(feature = "cli")]
pub mod github;
#[cfg(feature = "codegen")]
pub mod human;
#[cfg(feature = "cli")]
pub mod json;
mod nearest;
#[cfg(feature = "cli")]
pub mod sarif;
#[cfg(feature = "codegen")]
mod snippet;
mod source;
mod words;

pub use codes::{CODES, Code};
#[cfg(feature = "broker")]
pub use command::shell_word;
pub(crate) use fix::{Change, Remedy};
pub use fix::{Edit, Fix, edited};
pub(crate) use nearest::surely;
pub use nearest::{did_you_mean, nearest};
pub use source::{FileId, Location, SourceFile, SourceMap, Span};
pub use words::{article, counted, digits, one_of, plural, size, visible, visible_lines, with_article};

use std::{collections::BTreeSet, sync::Arc};

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The broker refuses it, or a message is certainly lost.
    Error,
    /// Likely wrong.
    Warning,
    /// Worth knowing.
    Hint,
}

impl Severity {
    /// The word that users read and write: `error`, `warning` or `hint`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }

    /// The severity that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Error, Self::Warning, Self::Hint].into_iter().find(|severity| severity.word() == word)
    }
}

/// A place in a source and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What; may be empty, when the message already says it.
    pub text: String,
}

/// What the broker makes of what a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It refuses it: whoever declares it gets an error.
    Refused,
    /// It takes it, and does nothing with it.
    Ignored,
}

/// The entity that a finding is about, by name: a live one has no place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// The word for its kind: `queue`.
    pub kind: &'static str,
    /// Its vhost; none for what is global.
    pub vhost: Option<Arc<str>>,
    /// How plans and diagnostics call it.
    pub name: Arc<str>,
}

/// One finding: what is wrong, where, why it would hurt, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable identity: a code of the language or a lint.
    pub code: Code,
    /// How much it matters; a lint level may have changed it from the code's default.
    pub severity: Severity,
    /// One plain sentence: the object first, then the trouble.
    pub message: String,
    /// Places, the primary one first. Empty when the trouble has no place, such as a missing file.
    pub labels: Vec<Label>,
    /// Why it hurts, in the broker's terms.
    pub note: Option<String>,
    /// The edit or command that mends it.
    pub help: Option<String>,
    /// The edits that mend it, where exactly one way is certainly right.
    pub fix: Option<Fix>,
    /// What the broker makes of which entity, where the finding claims that; the tests hold it to it.
    pub fate: Option<(Fate, Subject)>,
    /// What may become the fix.
    pub(crate) remedy: Option<Remedy>,
}

impl Diagnostic {
    /// A diagnostic of `code` at its default severity.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity,
            message: message.into(),
            labels: Vec::new(),
            note: None,
            help: None,
            fix: None,
            fate: None,
            remedy: None,
        }
    }

    /// Adds a labelled place; a span without a file (a derived or live object) is left out.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        if span.is_known() {
            self.labels.push(Label { span, text: text.into() });
        }
        self
    }

    /// Says why it hurts.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Says what to write or run instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a change that mends it, together with the others that are added; none says nothing.
    #[must_use]
    pub(crate) fn mend(mut self, change: impl Into<Option<Change>>) -> Self {
        if let Some(change) = change.into() {
            self.remedy.get_or_insert_default().changes.push(change);
        }
        self
    }

    /// Claims that the broker refuses this.
    #[must_use]
    pub fn refused(mut self, subject: Subject) -> Self {
        self.fate = Some((Fate::Refused, subject));
        self
    }

    /// Claims that the broker takes this and does nothing with it.
    #[must_use]
    pub fn ignored(mut self, subject: Subject) -> Self {
        self.fate = Some((Fate::Ignored, subject));
        self
    }

    /// Names a place without labels that decides whether the changes are right.
    #[must_use]
    pub(crate) fn given(mut self, place: Span) -> Self {
        self.remedy.get_or_insert_default().given.push(place);
        self
    }

    /// Says that the changes are right only where all of the topology could be read.
    #[must_use]
    pub(crate) fn given_all(mut self) -> Self {
        self.remedy.get_or_insert_default().whole = true;
        self
    }

    /// Says that they are right, besides, only where there are no variables at all.
    #[must_use]
    pub(crate) fn given_every_run(mut self) -> Self {
        self.remedy.get_or_insert_default().every_run = true;
        self.given_all()
    }

    /// Where the diagnostic points first.
    #[must_use]
    pub fn primary(&self) -> Span {
        self.labels.first().map_or(Span::NONE, |label| label.span)
    }
}

/// Whether a character is not itself visible: a control, one of no width, or one that turns the direction of what
/// follows.
pub(crate) fn is_unprintable(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}')
        || matches!(c, '\u{2066}'..='\u{2069}')
}

/// All that was found in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Adds all findings of another report.
    pub fn extend(&mut self, other: Self) {
        self.diagnostics.extend(other.diagnostics);
    }

    /// Keeps only the findings for which `keep` says so.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.diagnostics.retain(keep);
    }

    /// The findings, in the order of [`Report::sort`] once that was called.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The findings, to go through one by one.
    #[must_use]
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// The findings, to change their severity.
    pub fn diagnostics_mut(&mut self) -> &mut [Diagnostic] {
        &mut self.diagnostics
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// How many findings there are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }

    /// Whether any finding is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// Puts the findings into their stable order (file, place, code, message) and drops repeats, which
    /// templates and `for` bodies produce.
    pub fn sort(&mut self) {
        self.diagnostics.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.primary(), d.code.code);
            key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
        });
        let mut seen = BTreeSet::new();
        self.diagnostics.retain(|d| {
            let labels: Vec<_> = d.labels.iter().map(|label| label.span).collect();
            seen.insert((d.code.code, d.message.clone(), d.fate.clone(), labels))
        });
    }
}
