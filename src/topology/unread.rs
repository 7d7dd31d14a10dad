//! Secrets in texts that are no KDL: where nodes cannot be read, passwords are found by how they look.

use std::ops::Range;

use crate::diag::{FileId, Report, SourceMap, Span, codes};

/// A shorter text is a part of ordinary words.
const TELLING: usize = 3;

/// Makes passwords unreadable in every text that a finding says is no KDL, and in what is said of it. Rather a
/// word too many than one too few.
pub fn hide(sources: &mut SourceMap, report: &mut Report) {
    let codes = [codes::NOT_KDL, codes::TOO_LARGE];
    let mut files: Vec<FileId> = Vec::new();
    let mut hidden: Vec<String> = Vec::new();
    for found in report.diagnostics().iter().filter(|found| codes.contains(&found.code)) {
        files.extend(found.labels.iter().map(|label| label.span.file));
    }
    files.sort_unstable();
    files.dedup();
    for file in files {
        let Some(text) = sources.get(file).map(|source| source.text.clone()) else { continue };
        for place in passwords(&text) {
            let secret = bare(&text[place.clone()]);
            hidden.push(secret.to_owned());
            hidden.extend(secret.split_whitespace().next().map(|word| bare(word).to_owned()));
            sources.hide(Span::new(file, place.start, place.end));
        }
    }
    hidden.retain(|secret| secret.len() >= TELLING);
    if hidden.is_empty() {
        return;
    }
    for found in report.diagnostics_mut().iter_mut().filter(|found| codes.contains(&found.code)) {
        found.message = without(&found.message, &hidden);
        found.help = found.help.as_ref().map(|help| without(help, &hidden));
    }
}

/// A sentence with dots in the place of what it quotes of a secret.
fn without(sentence: &str, hidden: &[String]) -> String {
    let parts = sentence.split('`').enumerate().map(|(at, part)| {
        let core = bare(bare(part).trim_end_matches('…'));
        let tells =
            |secret: &String| part.contains(&**secret) || (core.len() >= TELLING && secret.contains(core));
        if at % 2 == 1 && hidden.iter().any(tells) { "…" } else { part }
    });
    parts.collect::<Vec<_>>().join("`")
}

/// Without what quotes it.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '#' | '='))
}

/// Where passwords stand: what follows the word `password`, and what is between `://user:` and `@`.
fn passwords(text: &str) -> Vec<Range<usize>> {
    const WORD: &str = "password";
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut found = Vec::new();
    for (at, _) in text.match_indices(WORD) {
        let after = &text[at + WORD.len()..];
        if text[..at].ends_with(is_name) || after.starts_with(is_name) {
            continue;
        }
        let sign = |c: char| c.is_whitespace() && c != '\n' && c != '\r' || matches!(c, '=' | ':');
        let mut value = after.strip_prefix('"').filter(|rest| rest.starts_with(sign)).unwrap_or(after);
        value = value.trim_start_matches(sign);
        // a line that goes on
        if let Some(next) = value.strip_prefix('\\') {
            value = next.trim_start();
        }
        let start = text.len() - value.len();
        let end = start + value_end(value);
        // where the secret is kept is none
        let elsewhere = ["env=", "file="].iter().any(|source| value.starts_with(source));
        if end > start && !elsewhere && !value.starts_with(['{', '}', ';']) {
            found.push(start..end);
        }
    }
    for (at, scheme) in text.match_indices("://") {
        let start = at + scheme.len();
        let rest = &text[start..];
        let end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
        if let Some((before, _)) = rest[..end].rsplit_once('@')
            && let Some((user, password)) = before.split_once(':')
            && !password.is_empty()
        {
            found.push(start + user.len() + 1..start + before.len());
        }
    }
    found
}

/// Where a value ends: a string with its quotes, anything else with its line.
fn value_end(value: &str) -> usize {
    let line = &value[..value.find(['\n', '\r']).unwrap_or(value.len())];
    let hashes = value.len() - value.trim_start_matches('#').len();
    let quoted = &value[hashes..];
    let pounds = &value[..hashes];
    if let Some(inner) = quoted.strip_prefix("\"\"\"") {
        let close = format!("\"\"\"{pounds}");
        return inner.find(&close).map_or(value.len(), |at| hashes + 3 + at + close.len());
    }
    if let Some(inner) = line.get(hashes..).and_then(|quoted| quoted.strip_prefix('"')) {
        let close = format!("\"{pounds}");
        let ends = inner.match_indices(&close).find(|(at, _)| {
            let escaped = hashes == 0 && inner[..*at].ends_with('\\') && !inner[..*at].ends_with("\\\\");
            let after = &inner[at + close.len()..];
            !escaped && (after.is_empty() || after.starts_with([' ', '\t', ';', '{', '}', '/']))
        });
        if let Some((at, _)) = ends {
            return hashes + 1 + at + close.len();
        }
    }
    // the block that begins after it is none of it
    line.trim_end().trim_end_matches(" {").len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn hidden(text: &str, expected: &[&str]) {
        let found: Vec<&str> = passwords(text).into_iter().map(|place| &text[place]).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn passwords_are_found_by_how_they_look() {
        hidden("user \"b\" password=\"hunter2\" {", &["\"hunter2\""]);
        hidden("user \"b\" password=\"hunter2\nqueue \"q\"", &["\"hunter2"]);
        hidden("password \"hun\\\"ter2\" tags=\"a\"", &["\"hun\\\"ter2\""]);
        hidden("password \"hun\"ter2\" ; a", &["\"hun\"ter2\""]);
        hidden("password hunter 2\" {\n}", &["hunter 2\""]);
        hidden("password = 12hunter2\r\na", &["12hunter2"]);
        hidden("{ \"password\"=##\"hun\"#ter2\"## }", &["##\"hun\"#ter2\"##"]);
        hidden("password \"\"\"\n  hun\n  ter2\n  \"\"\"\nq", &["\"\"\"\n  hun\n  ter2\n  \"\"\""]);
        hidden("password \\\n  'hunter2'", &["'hunter2'"]);
        hidden("password #\"hunter2\nqueue", &["#\"hunter2"]);
        hidden("amqp \"amqps://shop:p@ss@mq/%2F\" \"http://h:1/\"", &["p@ss"]);
        hidden("password env=\"A\"\npassword file=\"b\"\npassword-hash=\"x\" my-password=\"y\"", &[]);
        hidden("password", &[]);
        hidden("password {", &[]);
        hidden("é password=é\u{2028}", &["é"]);
    }

    #[test]
    fn what_is_said_quotes_no_secret() {
        let hidden = ["12hunter2".to_owned()];
        assert_eq!(without("`12hunter2` is no number", &hidden), "`…` is no number");
        assert_eq!(without("write `\"12hunt…\"`, or `a`", &hidden), "write `…`, or `a`");
    }
}
