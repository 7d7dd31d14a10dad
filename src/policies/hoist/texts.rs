//! The texts of a run, read once, and what they say when something in them is changed.

use std::{cell::RefCell, collections::BTreeMap};

use crate::{
    Compiled,
    diag::{Edit, Report, SourceMap},
    syntax::{Inputs, ReadError, Sources, format},
};

/// Files that are read no more than once: standard input can only be read so, and the others may change meanwhile.
pub struct Texts<'a> {
    from: &'a dyn Sources,
    read: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl<'a> Texts<'a> {
    /// Reads from these files.
    #[must_use]
    pub fn new(from: &'a dyn Sources) -> Self {
        Self { from, read: RefCell::default() }
    }

    /// A file as it was read; compiled sources have stars in the place of secrets.
    pub(super) fn text(&self, path: &str) -> String {
        let read = self.read.borrow();
        read.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    }
}

impl Sources for Texts<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        if let Some(bytes) = self.read.borrow().get(path) {
            return Ok(bytes.clone());
        }
        let bytes = self.from.read(path)?;
        self.read.borrow_mut().insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        self.from.glob(pattern)
    }
}

/// A file before and after, with stars in the place of secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its path.
    pub path: String,
    /// What stands in it.
    pub before: String,
    /// What would stand in it.
    pub after: String,
    /// What is to be written: all of it, with the secrets.
    pub text: String,
}

/// The files that edits change. No two of the edits overlap.
pub(super) fn changed(edits: &[Edit], sources: &SourceMap, texts: &Texts<'_>) -> Vec<Changed> {
    let mut by_file: BTreeMap<_, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        by_file.entry(edit.span.file).or_default().push(edit);
    }
    let changed = by_file.into_iter().filter_map(|(file, mut edits)| {
        edits.sort();
        let source = sources.get(file)?;
        let (before, full) = (source.text.clone(), texts.text(&source.name));
        let (mut after, mut text) = (with_edits(&before, &edits)?, with_edits(&full, &edits)?);
        // what was in form stays so
        if formatted(&full).as_ref() == Some(&full)
            && let Some((shown, all)) = formatted(&after).zip(formatted(&text))
        {
            (after, text) = (shown, all);
        }
        Some(Changed { path: source.name.clone(), before, after, text })
    });
    changed.collect()
}

fn formatted(text: &str) -> Option<String> {
    let mut sources = SourceMap::default();
    let file = sources.add("", text);
    format(&sources, file, &mut Report::default())
}

fn with_edits(before: &str, edits: &[&Edit]) -> Option<String> {
    let (mut after, mut at) = (String::with_capacity(before.len()), 0);
    for edit in edits {
        after.push_str(before.get(at..edit.span.start as usize)?);
        after.push_str(&edit.replacement);
        at = edit.span.end as usize;
    }
    after.push_str(before.get(at..)?);
    Some(after)
}

/// Some texts in the place of files.
struct Overlaid<'a> {
    texts: &'a Texts<'a>,
    changed: &'a [Changed],
}

impl Sources for Overlaid<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        match self.changed.iter().find(|changed| changed.path == path) {
            Some(changed) => Ok(changed.text.clone().into_bytes()),
            None => self.texts.read(path),
        }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        self.texts.glob(pattern)
    }
}

/// The topology that the changed files describe.
pub(super) fn compile_changed(
    paths: &[String],
    texts: &Texts<'_>,
    changed: &[Changed],
    inputs: &Inputs,
) -> Compiled {
    crate::compile(paths, &Overlaid { texts, changed }, inputs)
}
