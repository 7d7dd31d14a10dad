//! Findings mended by the fixes that they carry, round by round, until nothing is left that can be.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    Compiled,
    diag::{Edit, FileId, Fix, Span, codes, edited},
    syntax::{ReadOnce, Sources, touch},
};

/// More rounds than this mean that two fixes undo each other, or that a line has more mistakes than anybody makes.
const MAX_ROUNDS: usize = 100;

/// What became of a topology.
#[derive(Debug)]
pub struct Mended {
    /// The topology as it is now, and what is left to be found in it.
    pub compiled: Compiled,
    /// The files that could be read, by name.
    pub files: Vec<MendedFile>,
    /// Whether it was done before the rounds were over: otherwise more is mended when it is asked for again.
    pub is_complete: bool,
}

/// A file before and now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MendedFile {
    /// Its path.
    pub name: String,
    /// Its text before.
    pub before: String,
    /// Its text now.
    pub after: String,
    /// The names of what was found in it and is mended, each with how many there were.
    pub findings: BTreeMap<&'static str, usize>,
}

impl MendedFile {
    /// Whether it is not as it was.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.before != self.after
    }
}

/// Mends what can be mended. `compile` reads the topology from the sources that it is given, as often as it is asked.
///
/// What one round has changed the next looks at anew: fixes that would touch what another rests on wait for it. A file
/// that is KDL stays KDL, and no file gets more mistakes of that kind than it had.
pub fn mend(from: &dyn Sources, compile: &dyn Fn(&dyn Sources) -> Compiled) -> Mended {
    let texts = Texts { now: ReadOnce::new(from), first: RefCell::default() };
    let mut compiled = compile(&texts.now);
    let mut begin = strange(&compiled);
    let mut seen = texts.now.paths();
    let mut findings: BTreeMap<String, BTreeMap<&'static str, usize>> = BTreeMap::new();
    let mut rounds = 0;
    while rounds < MAX_ROUNDS {
        rounds += 1;
        let strange_before = strange(&compiled);
        let mut undo = Vec::new();
        for (file, chosen) in choose(&compiled) {
            let Some(name) = compiled.sources.get(file).map(|source| source.name.clone()) else { continue };
            let Some(text) = texts.now.text(&name) else { continue };
            let Some(mended) = edited(&text, &chosen.edits).filter(|mended| *mended != text) else {
                continue;
            };
            texts.set(&name, mended);
            undo.push((name, text, chosen.findings));
        }
        if undo.is_empty() {
            break;
        }
        compiled = compile(&texts.now);
        let now = strange(&compiled);
        let broken = |name: &String| now.contains_key(name) && !strange_before.contains_key(name);
        if undo.iter().any(|(name, ..)| broken(name)) {
            undo.into_iter().for_each(|(name, text, _)| texts.set(&name, text));
            compiled = compile(&texts.now);
            break;
        }
        for (name, _, mended) in undo {
            let counts = findings.entry(name).or_default();
            mended.into_iter().for_each(|(finding, count)| *counts.entry(finding).or_default() += count);
        }
        // a file may be included by what was no KDL before
        begin.extend(now.into_iter().filter(|(name, _)| !seen.contains(name)));
        seen.extend(texts.now.paths());
    }
    let end = strange(&compiled);
    let worse: Vec<String> =
        findings.keys().filter(|name| end.get(*name) > begin.get(*name)).cloned().collect();
    if !worse.is_empty() {
        worse.iter().for_each(|name| texts.undo(name));
        findings.retain(|name, _| !worse.contains(name));
        compiled = compile(&texts.now);
    }
    let files = texts.now.paths().into_iter().filter_map(|name| {
        let after = texts.now.text(&name)?;
        Some(MendedFile {
            before: texts.first(&name).unwrap_or_else(|| after.clone()),
            findings: findings.remove(&name).unwrap_or_default(),
            name,
            after,
        })
    });
    Mended { files: files.collect(), is_complete: rounds < MAX_ROUNDS, compiled }
}

/// How often each file is no KDL.
fn strange(compiled: &Compiled) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let found = compiled.report.diagnostics().iter();
    for diagnostic in found.filter(|found| [codes::NOT_KDL, codes::TOO_LARGE].contains(&found.code)) {
        if let Some(source) = compiled.sources.get(diagnostic.primary().file) {
            *counts.entry(source.name.clone()).or_default() += 1;
        }
    }
    counts
}

/// What a round does to a file.
#[derive(Default)]
struct Chosen {
    edits: Vec<Edit>,
    findings: BTreeMap<&'static str, usize>,
}

/// The fixes that go together: none changes what another changes or rests on.
fn choose(compiled: &Compiled) -> BTreeMap<FileId, Chosen> {
    let mut chosen: BTreeMap<FileId, Chosen> = BTreeMap::new();
    let (mut edited, mut rests) = (Taken::default(), Taken::default());
    let mut done: BTreeSet<&Fix> = BTreeSet::new();
    let fixable = compiled.report.diagnostics().iter().filter_map(|found| Some((found, found.fix.as_ref()?)));
    for (found, fix) in fixable {
        let Some(file) = fix.edits.first().map(|edit| edit.span.file) else { continue };
        if !done.contains(fix) {
            let labels = || found.labels.iter().map(|label| label.span);
            let free = fix.edits.iter().all(|edit| !edited.touches(edit.span) && !rests.touches(edit.span));
            if !free || labels().any(|label| edited.touches(label)) {
                continue;
            }
            for edit in &fix.edits {
                edited.add(edit.span);
                chosen.entry(edit.span.file).or_default().edits.push(edit.clone());
            }
            labels().for_each(|label| rests.add(label));
            done.insert(fix);
        }
        *chosen.entry(file).or_default().findings.entry(found.code.name).or_default() += 1;
    }
    chosen
}

/// Places, to be asked whether another has anything in common with one of them.
#[derive(Default)]
struct Taken {
    places: BTreeSet<Span>,
    longest: u32,
}

impl Taken {
    fn add(&mut self, span: Span) {
        self.longest = self.longest.max(span.end - span.start);
        self.places.insert(span);
    }

    fn touches(&self, span: Span) -> bool {
        let first = Span { start: span.start.saturating_sub(self.longest), end: 0, ..span };
        let last = Span { start: span.end, end: u32::MAX, ..span };
        self.places.range(first..=last).any(|place| touch(*place, span))
    }
}

/// Texts as they are now, and as they were.
struct Texts<'a> {
    now: ReadOnce<'a>,
    /// As they were, of those that have been changed.
    first: RefCell<BTreeMap<String, String>>,
}

impl Texts<'_> {
    fn first(&self, name: &str) -> Option<String> {
        self.first.borrow().get(name).cloned()
    }

    fn set(&self, name: &str, text: String) {
        if let Some(now) = self.now.text(name) {
            self.first.borrow_mut().entry(name.to_owned()).or_insert(now);
        }
        self.now.set(name, text);
    }

    fn undo(&self, name: &str) {
        if let Some(first) = self.first(name) {
            self.set(name, first);
        }
    }
}
