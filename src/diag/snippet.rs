//! Source excerpts with labels, drawn by miette's graphical handler.
//!
//! miette draws what it is given to the last character, so it is given an excerpt that is fit to be drawn: the
//! few lines that matter, tabs and control characters written out, long lines cut, labels within one line.

use std::fmt::Write as _;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};

use super::{Diagnostic, Label, Severity, SourceFile, SourceMap};

/// How many characters of a line are shown at most.
const MAX_COLUMNS: usize = 140;
/// How many characters stay before a label in a line that is cut.
const LEAD: usize = 40;
/// Labels with fewer lines between them share an excerpt.
const NEAR_LINES: usize = 4;
/// How many excerpts a diagnostic shows.
const MAX_EXCERPTS: usize = 6;
const TAB: &str = "    ";

/// Draws the places of a diagnostic, the primary one first.
pub(super) fn draw(out: &mut String, diagnostic: &Diagnostic, sources: &SourceMap, color: bool) {
    let groups = groups(&diagnostic.labels, sources);
    for (source, labels) in groups.iter().take(MAX_EXCERPTS) {
        excerpt(out, source, labels, diagnostic.severity, color);
    }
    if groups.len() > MAX_EXCERPTS {
        // writing to a string cannot go wrong
        let _ = writeln!(out, "   and {} more places", groups.len() - MAX_EXCERPTS);
    }
}

/// A label in its file: which line, and the bytes of the line that it covers.
struct Placed<'a> {
    label: &'a Label,
    primary: bool,
    line: usize,
    start: usize,
    end: usize,
}

/// Labels that are drawn together, in the order of the diagnostic.
fn groups<'a>(labels: &'a [Label], sources: &'a SourceMap) -> Vec<(&'a SourceFile, Vec<Placed<'a>>)> {
    let mut groups: Vec<(&SourceFile, Vec<Placed<'_>>)> = Vec::new();
    for (index, label) in labels.iter().enumerate() {
        let Some(source) = sources.get(label.span.file) else { continue };
        let placed = place(source, label, index == 0);
        let group = groups.iter_mut().find(|(file, members)| {
            std::ptr::eq(*file, source)
                && members.iter().any(|member| member.line.abs_diff(placed.line) < NEAR_LINES)
        });
        match group {
            Some((_, members)) => members.push(placed),
            None => groups.push((source, vec![placed])),
        }
    }
    groups
}

/// A span over several lines is shown by its first: that is where the thing begins that it is about.
fn place<'a>(source: &SourceFile, label: &'a Label, primary: bool) -> Placed<'a> {
    let length = source.text.len();
    let begin = floor(&source.text, (label.span.start as usize).min(length));
    let line = source.location(begin).line;
    let (from, text) = source.line(line);
    let start = (begin - from).min(text.len());
    let end = floor(&source.text, (label.span.end as usize).clamp(begin, length)) - from;
    Placed { label, primary, line, start, end: end.clamp(start, text.len()) }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn excerpt(
    out: &mut String,
    source: &SourceFile,
    labels: &[Placed<'_>],
    severity: Severity,
    color: bool,
) -> Option<()> {
    let first = labels.iter().map(|label| label.line).min()?;
    let last = labels.iter().map(|label| label.line).max()?;
    let first = first - usize::from(first > 1 && !source.line(first - 1).1.trim().is_empty());
    let mut text = String::new();
    let mut drawn: Vec<(SourceSpan, &Placed<'_>)> = Vec::new();
    for number in first..=last {
        let here: Vec<&Placed<'_>> = labels.iter().filter(|label| label.line == number).collect();
        let base = text.len();
        let line = Drawable::new(source.line(number).1, here.iter().map(|label| label.start).min());
        for label in here {
            let (start, end) = (line.offset(label.start), line.offset(label.end));
            drawn.push(((base + start, end - start).into(), label));
        }
        text.push_str(&line.text);
        text.push('\n');
    }
    drawn.sort_by_key(|(span, _)| span.offset());
    let mut theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let main = match severity {
        Severity::Error => theme.styles.error,
        Severity::Warning => theme.styles.warning,
        Severity::Hint => theme.styles.advice,
    };
    let beside = theme.styles.help;
    theme.styles.link = beside;
    theme.styles.highlights =
        drawn.iter().map(|(_, label)| if label.primary { main } else { beside }).collect();
    let chief = drawn.iter().find(|(_, label)| label.primary).or(drawn.first())?.1;
    let column = source.location(source.line(chief.line).0 + chief.start).column;
    let excerpt = Excerpt {
        name: &source.name,
        text,
        first,
        chief: (chief.line, column),
        labels: drawn
            .iter()
            .map(|(span, label)| {
                let text = Some(one_line(&label.label.text)).filter(|text| !text.is_empty());
                LabeledSpan::new_with_span(text, *span)
            })
            .collect(),
    };
    let mut drawing = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_context_lines(1);
    // the excerpt gives every span, and a string takes every write
    handler.render_report(&mut drawing, &excerpt).ok()?;
    // what stands above the frame is the handler's own header, and ours is printed already
    for line in drawing.lines().skip_while(|line| !line.contains('╭')) {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    Some(())
}

fn one_line(text: &str) -> String {
    text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}

/// A line as it is shown, and where its bytes have gone.
struct Drawable {
    text: String,
    /// For every byte of the line that begins a character, and its end: the byte in the text.
    offsets: Vec<usize>,
}

impl Drawable {
    fn new(line: &str, label: Option<usize>) -> Self {
        let total = line.chars().count();
        let before = label.map_or(0, |at| line[..at].chars().count());
        let (mut text, mut offsets) = (String::with_capacity(line.len()), vec![0; line.len() + 1]);
        let window = if total <= MAX_COLUMNS {
            0..total
        } else {
            // the label is in sight, and its end too where it is not long itself
            let from = before.saturating_sub(LEAD).min(total - MAX_COLUMNS);
            from..from + MAX_COLUMNS
        };
        if window.start > 0 {
            text.push('…');
        }
        let mut at = 0;
        for (index, c) in line.chars().enumerate() {
            offsets[at..at + c.len_utf8()].fill(text.len());
            at += c.len_utf8();
            if !window.contains(&index) {
                continue;
            }
            match c {
                '\t' => text.push_str(TAB),
                '\u{feff}' if index == 0 => {}
                c if super::is_unprintable(c) => text.push('·'),
                c => text.push(c),
            }
        }
        offsets[line.len()] = text.len();
        if window.end < total {
            text.push('…');
        }
        Self { text, offsets }
    }

    fn offset(&self, byte: usize) -> usize {
        self.offsets.get(byte).copied().unwrap_or(self.text.len())
    }
}

/// The lines that are shown, as a source of miette's.
#[derive(Debug)]
struct Excerpt<'a> {
    name: &'a str,
    text: String,
    /// The number of the first line, from 1.
    first: usize,
    /// The line and column of the label that the frame names, from 1.
    chief: (usize, usize),
    labels: Vec<LabeledSpan>,
}

impl SourceCode for Excerpt<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // without context only the place is asked for; else the excerpt is the context
        let (line, column, start, end) = if before == 0 {
            (self.chief.0 - 1, self.chief.1 - 1, span.offset(), span.offset() + span.len())
        } else {
            (self.first - 1, 0, 0, self.text.len())
        };
        let data = self.text.as_bytes().get(start..end).ok_or(MietteError::OutOfBounds)?;
        let lines = self.text.lines().count();
        let span = (start, end - start).into();
        Ok(Box::new(MietteSpanContents::new_named(self.name.to_owned(), data, span, line, column, lines)))
    }
}

impl std::fmt::Display for Excerpt<'_> {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Excerpt<'_> {}

impl miette::Diagnostic for Excerpt<'_> {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
