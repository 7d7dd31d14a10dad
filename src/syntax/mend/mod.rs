//! Changes as they are meant → edits of the text: only what is certainly right wherever the text is used.

mod places;
mod repeats;

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt,
};

pub(crate) use self::repeats::repeated;
use self::{places::Places, repeats::Repeats};
use super::Expansion;
use crate::diag::{
    CODES, Change, Code, Diagnostic, Edit, FileId, Fix, Remedy, Report, Severity, SourceMap, Span, codes,
};

/// What texts are used for, as far as it decides whether an edit of them is right.
#[derive(Debug, Default)]
pub(crate) struct Ground {
    /// What stands for several things at once.
    repeats: Repeats,
    /// The files that are no KDL: until they are, nothing else in them is certain.
    broken: BTreeSet<FileId>,
    /// The codes of errors for which something may be missing.
    harmful: BTreeSet<&'static str>,
    /// Whether there are variables.
    variables: bool,
    /// The texts as they were before their secrets were hidden, if they have any.
    kept: Option<Kept>,
}

/// Texts with secrets in them, which nothing prints.
struct Kept(SourceMap);

impl fmt::Debug for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Kept")
    }
}

impl Ground {
    /// What can be said when all has been written out; `repeated` are the places that may be used several times, and
    /// the report is what was found in the texts themselves.
    pub(crate) fn new(report: &Report, repeated: Vec<Span>, expansion: &Expansion) -> Self {
        let codes = [codes::NOT_KDL, codes::TOO_LARGE];
        let broken = report.diagnostics().iter().filter(|found| codes.contains(&found.code));
        Self {
            repeats: Repeats::new(repeated, &expansion.nodes),
            broken: broken.flat_map(|found| &found.labels).map(|label| label.span.file).collect(),
            harmful: harmful(report).collect(),
            variables: !expansion.variables.is_empty(),
            kept: None,
        }
    }

    /// Takes note of what was found since.
    pub(crate) fn add(&mut self, report: &Report) {
        self.harmful.extend(harmful(report));
    }

    /// Whether some file is no KDL.
    pub(crate) fn is_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Keeps the texts as they are.
    pub(crate) fn keep(&mut self, sources: &SourceMap) {
        self.kept = Some(Kept(sources.clone()));
    }

    /// The texts as they are in the files, where those at hand are not.
    pub(crate) fn texts<'a>(&'a self, hidden: &'a SourceMap) -> &'a SourceMap {
        self.kept.as_ref().map_or(hidden, |kept| &kept.0)
    }
}

/// Errors of the language beside which everything is declared that is meant to be.
const HARMLESS: &[Code] = &[
    codes::DUPLICATE,
    codes::UNWANTED_VALUE,
    codes::AMBIGUOUS_NAME,
    codes::UNKNOWN_NAME,
    codes::UNKNOWN_LINT,
    codes::NO_RUST,
];

/// The codes of errors for which something may be missing that could not be read.
fn harmful(report: &Report) -> impl Iterator<Item = &'static str> {
    let errors = report.diagnostics().iter().filter(|found| found.code.severity == Severity::Error);
    let codes = errors.map(|found| found.code);
    codes.filter(|code| CODES.contains(code) && !HARMLESS.contains(code)).map(|code| code.code)
}

/// Makes fixes of the changes that findings in the text itself carry, which say what they say wherever it is used.
pub(crate) fn settle_text(report: &mut Report, sources: &SourceMap) {
    for found in report.diagnostics_mut() {
        if let Some(remedy) = found.remedy.take().filter(|remedy| !remedy.changes.is_empty()) {
            found.fix = fix(&remedy.changes, sources, &Ground::default(), &mut BTreeMap::new());
        }
    }
}

/// Makes fixes of the changes that findings carry: none where a variable decides, and none where one text stands for
/// several things of which only some are mended by it.
pub(crate) fn settle(report: &mut Report, sources: &SourceMap, ground: &Ground) {
    let mut places: BTreeMap<FileId, Places<'_>> = BTreeMap::new();
    let mut times: BTreeMap<(&str, Fix), usize> = BTreeMap::new();
    let harmful: BTreeSet<&str> = harmful(report).chain(ground.harmful.iter().copied()).collect();
    for found in report.diagnostics_mut() {
        let Some(remedy) = found.remedy.take().filter(|remedy| !remedy.changes.is_empty()) else { continue };
        let in_part = harmful.iter().any(|code| *code != found.code.code);
        if (remedy.whole && in_part)
            || (remedy.every_run && ground.variables)
            || varies(found, &remedy, sources)
        {
            continue;
        }
        found.fix = fix(&remedy.changes, sources, ground, &mut places);
        if let Some(fix) = &found.fix {
            *times.entry((found.code.code, fix.clone())).or_default() += 1;
        }
    }
    for found in report.diagnostics_mut() {
        let Some(fix) = &found.fix else { continue };
        let used = fix.edits.iter().map(|edit| ground.repeats.times(edit.span)).max().unwrap_or(0);
        if times.get(&(found.code.code, fix.clone())).is_some_and(|times| *times < used) {
            found.fix = None;
        }
    }
}

/// Whether another run may come to something else, because a variable or loop has a say.
fn varies(found: &Diagnostic, remedy: &Remedy, sources: &SourceMap) -> bool {
    // what a `${…}` names is the same word in every run
    if remedy.changes.iter().all(|change| matches!(change, Change::Variable(..))) {
        return false;
    }
    let labels = found.labels.iter().map(|label| label.span);
    let changes = remedy.changes.iter().map(Change::span);
    labels.chain(changes).chain(remedy.given.iter().copied()).any(|span| sources.text(span).contains("${"))
}

fn fix<'s>(
    changes: &[Change],
    sources: &'s SourceMap,
    ground: &Ground,
    places: &mut BTreeMap<FileId, Places<'s>>,
) -> Option<Fix> {
    let mut edits = Vec::with_capacity(changes.len());
    for change in changes {
        let span = change.span();
        let file = sources.get(span.file).filter(|_| !ground.broken.contains(&span.file))?;
        if let Change::Variable(place, name, near) = change {
            edits.extend(renamed(*place, name, near, sources));
            continue;
        }
        if let Change::Text(span, text) = change {
            edits.push(Edit { span: *span, replacement: text.clone() });
            continue;
        }
        let places = match places.entry(span.file) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(Places::new(&file.text)),
        };
        let bytes = match change {
            Change::Child(_) => places.child(span.start as usize)?,
            meant => vec![places.edit(meant)?],
        };
        edits.extend(bytes.into_iter().map(|(place, replacement)| Edit {
            span: Span::new(span.file, place.start, place.end),
            replacement,
        }));
    }
    if edits.is_empty() {
        return None;
    }
    edits.sort();
    edits.dedup();
    let apart = edits.windows(2).all(|pair| !touch(pair[0].span, pair[1].span));
    apart.then_some(Fix { edits })
}

/// Every `${name}` of a place with another name; `$${` is none.
fn renamed(place: Span, name: &str, near: &str, sources: &SourceMap) -> Vec<Edit> {
    let text = sources.text(place);
    let said = format!("${{{name}}}");
    let found = text.match_indices(&said).filter(|(at, _)| !text[..*at].ends_with('$'));
    let edits = found.map(|(at, _)| {
        let start = place.start as usize + at + "${".len();
        Edit { span: Span::new(place.file, start, start + name.len()), replacement: near.to_owned() }
    });
    edits.collect()
}

/// Whether two places have anything in common; so have two where something is put in.
#[must_use]
pub(crate) fn touch(a: Span, b: Span) -> bool {
    let empty = a.start == a.end || b.start == b.end;
    a.file == b.file && (a.start < b.end && b.start < a.end || empty && a.start <= b.end && b.start <= a.end)
}
