//! What the texts of a run say when something in them is changed.

use std::collections::BTreeMap;

use crate::{
    Compiled,
    diag::{Edit, Report, SourceMap, edited},
    syntax::{Inputs, ReadError, ReadOnce, Sources, format},
};

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
pub(super) fn changed(edits: &[Edit], sources: &SourceMap, texts: &ReadOnce<'_>) -> Vec<Changed> {
    let mut by_file: BTreeMap<_, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        by_file.entry(edit.span.file).or_default().push(edit);
    }
    let changed = by_file.into_iter().filter_map(|(file, edits)| {
        let source = sources.get(file)?;
        let (before, full) = (source.text.clone(), texts.text(&source.name)?);
        let (mut after, mut text) =
            (edited(&before, edits.iter().copied())?, edited(&full, edits.iter().copied())?);
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

/// Some texts in the place of files.
struct Overlaid<'a> {
    texts: &'a ReadOnce<'a>,
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
    texts: &ReadOnce<'_>,
    changed: &[Changed],
    inputs: &Inputs,
) -> Compiled {
    crate::compile(paths, &Overlaid { texts, changed }, inputs)
}
