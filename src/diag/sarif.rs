//! Diagnostics as SARIF 2.1.0, which code scanning reads.

use serde_json::{Value, json};

use super::{Code, Diagnostic, Fix, Label, Report, Severity, SourceFile, SourceMap, Span};
use crate::uri;

/// The report as one SARIF run. `page` gives a code's documentation in Markdown.
#[must_use]
pub fn report(report: &Report, sources: &SourceMap, page: &dyn Fn(Code) -> String) -> Value {
    let mut rules: Vec<Code> = report.diagnostics().iter().map(|diagnostic| diagnostic.code).collect();
    rules.sort_by_key(|code| code.code);
    rules.dedup();
    let results: Vec<Value> = report.diagnostics().iter().map(|d| result(d, sources, &rules)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "topoc",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|code| rule(*code, &page(*code))).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: Code, page: &str) -> Value {
    json!({
        "id": code.code,
        "name": code.name,
        "shortDescription": { "text": code.summary },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": level(code.severity) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    }
}

fn result(diagnostic: &Diagnostic, sources: &SourceMap, rules: &[Code]) -> Value {
    let mut text = diagnostic.message.clone();
    for more in diagnostic.note.iter().chain(&diagnostic.help) {
        text.push('\n');
        text.push_str(more);
    }
    let mut places = diagnostic.labels.iter().filter_map(|label| location(label, sources));
    let primary: Vec<Value> = places.next().into_iter().collect();
    let mut value = json!({
        "ruleId": diagnostic.code.code,
        "ruleIndex": rules.iter().position(|rule| rule.code == diagnostic.code.code),
        "level": level(diagnostic.severity),
        "message": { "text": text },
        "locations": primary,
    });
    let related: Vec<Value> = places.collect();
    if let Some(object) = value.as_object_mut().filter(|_| !related.is_empty()) {
        object.insert("relatedLocations".to_owned(), Value::from(related));
    }
    if let (Some(object), Some(fix)) = (value.as_object_mut(), &diagnostic.fix) {
        object.insert("fixes".to_owned(), json!([fixed(diagnostic, fix, sources)]));
    }
    value
}

/// A fix, its edits by file.
fn fixed(diagnostic: &Diagnostic, fix: &Fix, sources: &SourceMap) -> Value {
    let changes = fix.edits.chunk_by(|a, b| a.span.file == b.span.file).filter_map(|edits| {
        let file = sources.get(edits.first()?.span.file)?;
        let replacements = edits.iter().map(|edit| {
            json!({ "deletedRegion": region(edit.span, file), "insertedContent": { "text": edit.replacement } })
        });
        Some(json!({
            "artifactLocation": { "uri": reference(&file.name) },
            "replacements": replacements.collect::<Vec<_>>(),
        }))
    });
    json!({
        "description": { "text": diagnostic.help.as_ref().unwrap_or(&diagnostic.message) },
        "artifactChanges": changes.collect::<Vec<_>>(),
    })
}

fn region(span: Span, file: &SourceFile) -> Value {
    let (start, end) = (file.location(span.start as usize), file.location(span.end as usize));
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

fn location(label: &Label, sources: &SourceMap) -> Option<Value> {
    let file = sources.get(label.span.file)?;
    let mut value = json!({ "physicalLocation": {
        "artifactLocation": { "uri": reference(&file.name) },
        "region": region(label.span, file),
    }});
    if let Some(object) = value.as_object_mut().filter(|_| !label.text.is_empty()) {
        object.insert("message".to_owned(), json!({ "text": label.text }));
    }
    Some(value)
}

/// A path as a URI reference.
fn reference(path: &str) -> String {
    let encoded = uri::path(path);
    if path.starts_with('/') { format!("file://{encoded}") } else { encoded }
}
