//! Diagnostics as GitHub workflow commands, which annotate the lines of a pull request.

use std::fmt::Write as _;

use super::{Report, Severity, SourceMap};

/// One command a line.
#[must_use]
pub fn report(report: &Report, sources: &SourceMap) -> String {
    let mut out = String::new();
    for diagnostic in report.diagnostics() {
        let command = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "notice",
        };
        let _ = write!(out, "::{command} ");
        let span = diagnostic.primary();
        if let Some(file) = sources.get(span.file) {
            let (start, end) = (file.location(span.start as usize), file.location(span.end as usize));
            let _ = write!(out, "file={},line={},col={},", property(&file.name), start.line, start.column);
            // GitHub takes an end column only where the end is in the same line
            if end.line == start.line && end.column > start.column {
                let _ = write!(out, "endLine={},endColumn={},", end.line, end.column - 1);
            }
        }
        let mut text = diagnostic.message.clone();
        for line in diagnostic.note.iter().chain(&diagnostic.help) {
            text.push('\n');
            text.push_str(line);
        }
        let _ = writeln!(out, "title={}::{}", property(diagnostic.code.name), data(&text));
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Diagnostic, Span, codes};

    #[test]
    fn what_would_end_a_command_is_escaped() {
        let mut sources = SourceMap::default();
        let file = sources.add("a,b:c.kdl", "queue 50%\n");
        let mut all = Report::default();
        all.push(
            Diagnostic::new(codes::MISSING, "50% of\nit: is, gone")
                .label(Span::new(file, 6, 9), "")
                .help("write it"),
        );
        all.push(Diagnostic::new(codes::UNREADABLE, "no place"));
        assert_eq!(
            report(&all, &sources),
            "::error file=a%2Cb%3Ac.kdl,line=1,col=7,endLine=1,endColumn=9,title=missing::50%25 of%0Ait: is, gone%0Awrite it\n\
             ::error title=unreadable-file::no place\n"
        );
    }
}
