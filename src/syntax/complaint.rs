//! What the `kdl` crate says of a text that is no KDL, in the words of somebody who writes topologies.

use super::habits::{Habit, habits};
use crate::diag::{Change, Diagnostic, Span, codes};

/// What one call of the parser found in a text that begins at `base` of its file: one diagnostic a line at most,
/// and none that only follows from another.
pub(super) fn complaints(
    text: &str,
    found: &[kdl::KdlDiagnostic],
    at: impl Fn(usize, usize) -> Span,
) -> Vec<Diagnostic> {
    if text.trim_start().starts_with(['{', '[']) {
        let start = text.len() - text.trim_start().len();
        return vec![
            Diagnostic::new(codes::NOT_KDL, "a block stands where a node's name should")
                .label(at(start, start + 1), "nothing is named here")
                .note("a topology is KDL, not JSON")
                .help("write the node before its block: `vhost \"shop\" { … }`"),
        ];
    }
    let mut sorted: Vec<&kdl::KdlDiagnostic> = found.iter().collect();
    sorted.sort_by_key(|error| (follows(error), error.span.offset()));
    let mut lines = Vec::new();
    let mut out = Vec::new();
    for Habit { start, end, diagnostic, edits } in habits(text) {
        lines.push(text[..start].matches('\n').count());
        let diagnostic = diagnostic.label(at(start, end), "");
        let changes = edits.into_iter().map(|(place, text)| Change::Text(at(place.start, place.end), text));
        out.push(changes.fold(diagnostic, Diagnostic::mend));
    }
    for error in sorted {
        if follows(error) && !out.is_empty() {
            break;
        }
        let (start, end) = place(text, error);
        let line = text[..start].matches('\n').count();
        if lines.contains(&line) {
            continue;
        }
        lines.push(line);
        let word = text[start..end].trim_start_matches('=').trim();
        let bare = matches!(word, "true" | "false").then(|| {
            let begin = start + text[start..end].find(word).unwrap_or(0);
            Change::Text(at(begin, begin), "#".to_owned())
        });
        out.push(describe(text, error, start, end).label(at(start, end), "").mend(bare));
    }
    out
}

/// Whether an error is what the parser says after it lost its way.
fn follows(error: &kdl::KdlDiagnostic) -> bool {
    let message = error.message.as_deref().unwrap_or("");
    ["Expected end of document", "No closing", "Closing '}'", "Found child block"]
        .iter()
        .any(|start| message.starts_with(start))
}

/// Where an error is, within the text and on characters' bounds.
fn place(text: &str, error: &kdl::KdlDiagnostic) -> (usize, usize) {
    let bound = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (mut start, mut end) = (bound(error.span.offset()), bound(error.span.offset() + error.span.len()));
    // the parser likes to point past the end; a label there shows an empty line
    let last = text.trim_end().len();
    if start >= last {
        start = bound(last.saturating_sub(1));
        end = last;
    }
    // of a property, what stands after the `=` is in question
    if error.message.as_deref().is_some_and(|message| message.contains("property value"))
        && let Some(equals) = text[start..end].rfind('=')
    {
        start += equals;
        let rest = &text[start..];
        end = start
            + rest.find(|c: char| c.is_whitespace() || matches!(c, ';' | '{' | '}')).unwrap_or(rest.len());
    }
    (start, end)
}

fn describe(text: &str, error: &kdl::KdlDiagnostic, start: usize, end: usize) -> Diagnostic {
    let message = error.message.as_deref().unwrap_or("");
    let whole = text[start..end].trim_start_matches('=').trim();
    // enough to find it by
    let short: String = whole.chars().take(40).collect();
    let written = if short.len() < whole.len() { format!("{short}…") } else { short };
    let written = written.as_str();
    let say = |sentence: String| Diagnostic::new(codes::NOT_KDL, sentence);
    if matches!(written, "true" | "false" | "null") {
        return say(format!("`{written}` is written `#{written}`"))
            .note("a bare word is text in KDL 2, but for these three, which could be either")
            .help(format!("write `#{written}`, or `\"{written}\"` for the text"));
    }
    if message.contains("property value") {
        return if written.is_empty() {
            say("a `=` has no value after it".to_owned())
                .help("write the value right after it: `name=\"value\"`")
        } else {
            say(format!("`{written}` is no value"))
                .help(format!("text that begins like a number is quoted: `{written:?}`"))
        };
    }
    if written.starts_with(|c: char| c.is_ascii_digit()) && !message.contains("Non-digit") {
        return say(format!("`{written}` is no number"))
            .help(format!("text that begins like a number is quoted: `{written:?}`"));
    }
    if message.starts_with("Expected quoted string") {
        return say("something stands right after a string".to_owned())
            .help("leave a space between two values");
    }
    if message.starts_with("Found invalid node name") {
        return say(format!("`{written}` is no name for a node"))
            .help("a node begins with its name: letters, digits and `-`, or a string in double quotes");
    }
    let mut diagnostic = say(format!("the text is not KDL: {}", lower_first(message)));
    diagnostic.help.clone_from(&error.help);
    diagnostic
}

fn lower_first(sentence: &str) -> String {
    let trimmed = sentence.trim_end_matches('.');
    let mut chars = trimmed.chars();
    chars.next().map_or_else(
        || "it stops making sense here".to_owned(),
        |first| first.to_lowercase().chain(chars).collect(),
    )
}

/// Single quotes are letters in KDL: who writes them means something else.
pub(super) fn single_quotes(written: &str, span: Span) -> Option<Diagnostic> {
    let begin = written.find('\'')?;
    // in double quotes they are as good as any other
    if written[..begin].ends_with('"') {
        return None;
    }
    let written = &written[begin..];
    let inner = &written[1..];
    let closed = inner.strip_suffix('\'');
    let inner = closed.unwrap_or(inner);
    let plain = closed.is_some() && !inner.contains(['"', '\\', '\'']);
    let quotes = [span.start as usize + begin, span.end as usize - 1];
    let changes = quotes
        .into_iter()
        .filter(|_| plain)
        .map(|at| Change::Text(Span::new(span.file, at, at + 1), "\"".to_owned()));
    let diagnostic = Diagnostic::new(codes::NOT_KDL, format!("`{written}` is in single quotes"))
        .label(span, "")
        .note("KDL takes them as letters of a bare word")
        .help(format!("write `{inner:?}`"));
    Some(changes.fold(diagnostic, Diagnostic::mend))
}
