//! Diagnostics as JSON, in the form that docs/json.md describes.

use serde_json::{Value, json};

use super::{Diagnostic, Edit, Fix, Label, Report, Severity, SourceMap, Span};

/// The version of the form; it grows only when a member changes its meaning or goes.
pub const VERSION: u32 = 1;

/// The whole report.
#[must_use]
pub fn report(report: &Report, sources: &SourceMap) -> Value {
    let diagnostics: Vec<Value> = report.diagnostics().iter().map(|d| diagnostic(d, sources)).collect();
    json!({
        "version": VERSION,
        "diagnostics": diagnostics,
        "summary": {
            "errors": report.count(Severity::Error),
            "warnings": report.count(Severity::Warning),
            "hints": report.count(Severity::Hint),
        },
    })
}

/// One diagnostic.
#[must_use]
pub fn diagnostic(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    json!({
        "code": diagnostic.code.code,
        "name": diagnostic.code.name,
        "severity": diagnostic.severity.word(),
        "message": diagnostic.message,
        "note": diagnostic.note,
        "help": diagnostic.help,
        "fix": diagnostic.fix.as_ref().map(|fix| fixed(fix, sources)),
        "labels": diagnostic.labels.iter().filter_map(|l| label(l, sources)).collect::<Vec<_>>(),
    })
}

fn fixed(fix: &Fix, sources: &SourceMap) -> Value {
    let edits = fix.edits.iter().filter_map(|Edit { span, replacement }| {
        let mut value = place(*span, sources)?;
        let object = value.as_object_mut()?;
        object.insert("start".to_owned(), span.start.into());
        object.insert("end".to_owned(), span.end.into());
        object.insert("text".to_owned(), replacement.as_str().into());
        Some(value)
    });
    json!({ "edits": edits.collect::<Vec<_>>() })
}

fn label(label: &Label, sources: &SourceMap) -> Option<Value> {
    let mut value = place(label.span, sources)?;
    value.as_object_mut()?.insert("text".to_owned(), Value::from(label.text.clone()));
    Some(value)
}

/// Where a span is: file, line and column of its start and its end, counted from 1 in characters; the end is
/// the character after the last.
#[must_use]
pub fn place(span: Span, sources: &SourceMap) -> Option<Value> {
    let file = sources.get(span.file)?;
    let (start, end) = (file.location(span.start as usize), file.location(span.end as usize));
    Some(json!({
        "file": file.name,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
    }))
}
