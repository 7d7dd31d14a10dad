//! One KDL text → nodes, by way of the `kdl` crate, which nothing outside this file knows.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use kdl::{KdlDocument, KdlEntry, KdlIdentifier, KdlNode, KdlValue};

use super::{
    bounds::MAX_NODES,
    complaint::{complaints, single_quotes},
    node::{Entry, Node, Scalar, Word},
    scan::{Piece, scan},
};
use crate::{
    diag::{Change, Diagnostic, FileId, Report, SourceMap, Span, codes},
    threads,
};

/// Pieces are parsed together until they hold so many bytes; larger blocks are parsed apart from their node.
const CHUNK_BYTES: usize = 64 * 1024;
/// In how many shares threads take a large file's pieces.
const SHARES: usize = 64;
/// How long a node may be without a block that is parsed apart: the parser takes some hundred times as much memory.
const MAX_NODE_BYTES: usize = 1024 * 1024;

/// Parses a source. Nodes that are well-formed come back even when others are not.
pub fn parse(sources: &SourceMap, file: FileId, report: &mut Report) -> Vec<Node> {
    parse_counted(sources, file, &AtomicUsize::new(0), report)
}

/// Parses one source of several, of which `count` nodes have been read before.
pub(super) fn parse_counted(
    sources: &SourceMap,
    file: FileId,
    count: &AtomicUsize,
    report: &mut Report,
) -> Vec<Node> {
    let Some(text) = sources.get(file).map(|source| source.text.as_str()).filter(|_| !is_full(count)) else {
        return Vec::new();
    };
    // a byte-order mark is no part of the first node's name
    let base = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut jobs = Vec::new();
    if let Err(diagnostic) = plan(&text[base..], file, base, Slot::Top, &mut jobs) {
        report.push(*diagnostic);
        return Vec::new();
    }
    let share = jobs.len().div_ceil(SHARES);
    let results = threads::map(&jobs, share, |job| parse_job(job, file, count));
    if is_full(count) {
        // a part of what was meant would raise mistakes that nobody made
        report.push(*too_many(Span::new(file, base, base)));
        return Vec::new();
    }
    assemble(&jobs, results, report)
}

/// Whether there are more nodes than there may be.
pub(super) fn is_full(count: &AtomicUsize) -> bool {
    count.load(Ordering::Relaxed) > MAX_NODES
}

/// What a file has is over the bound.
pub(super) fn too_many(place: Span) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new(codes::TOO_LARGE, format!("the files have more than {MAX_NODES} nodes"))
            .label(place, "the bound is reached here")
            .help("use `for` and `template` for what repeats, or cut the topology into several"),
    )
}

/// Where the nodes of a job belong.
#[derive(Clone, Copy)]
enum Slot {
    /// At the top level.
    Top,
    /// Below the last node of the job of this index.
    Below(usize),
}

/// A text that is parsed in one go.
struct Job<'a> {
    text: &'a str,
    base: usize,
    slot: Slot,
    pieces: Vec<Piece>,
}

/// Cuts a text into jobs of about [`CHUNK_BYTES`].
fn plan<'a>(
    text: &'a str,
    file: FileId,
    base: usize,
    slot: Slot,
    jobs: &mut Vec<Job<'a>>,
) -> Result<(), Box<Diagnostic>> {
    let mut pending: Vec<Piece> = Vec::new();
    let flush = |pending: &mut Vec<Piece>, jobs: &mut Vec<Job<'a>>| {
        if let (Some(first), Some(last)) = (pending.first(), pending.last()) {
            let (start, end) = (first.start, last.end);
            let pieces = pending
                .drain(..)
                .map(|piece| Piece { start: piece.start - start, end: piece.end - start, block: None })
                .collect();
            jobs.push(Job { text: &text[start..end], base: base + start, slot, pieces });
        }
    };
    let pieces = scan(text, file, base)?;
    if pieces.len() > MAX_NODES {
        return Err(too_many(Span::new(file, base, base)));
    }
    for piece in pieces {
        let size = piece.end - piece.start;
        let header = piece.block.map_or(size, |(open, _)| open - piece.start);
        if header > MAX_NODE_BYTES {
            let start = base + piece.start;
            let mib = MAX_NODE_BYTES >> 20;
            return Err(Box::new(
                Diagnostic::new(codes::TOO_LARGE, format!("a node has more than {mib} MiB"))
                    .label(Span::new(file, start, start), "it begins here")
                    .help("write `/*` and `*/` around what is not to be read, rather than `/-` before it"),
            ));
        }
        if size > CHUNK_BYTES
            && let Some((open, close)) = piece.block
        {
            flush(&mut pending, jobs);
            let header = Piece { start: 0, end: open - piece.start, block: None };
            let index = jobs.len();
            jobs.push(Job {
                text: &text[piece.start..open],
                base: base + piece.start,
                slot,
                pieces: vec![header],
            });
            plan(&text[open + 1..close], file, base + open + 1, Slot::Below(index), jobs)?;
            continue;
        }
        if pending.first().is_some_and(|first| piece.end - first.start > CHUNK_BYTES) {
            flush(&mut pending, jobs);
        }
        pending.push(piece);
    }
    flush(&mut pending, jobs);
    Ok(())
}

type Parsed = (Vec<Node>, Report);

/// Puts the nodes of all jobs where they belong.
fn assemble(jobs: &[Job<'_>], results: Vec<Parsed>, report: &mut Report) -> Vec<Node> {
    let mut lists: Vec<Vec<Node>> = Vec::with_capacity(jobs.len());
    for (nodes, found) in results {
        report.extend(found);
        lists.push(nodes);
    }
    let mut top: Vec<Vec<Node>> = Vec::new();
    // a job below another comes after it, so going backwards finds every block filled; order is kept by
    // collecting in reverse
    for index in (0..jobs.len()).rev() {
        let nodes = std::mem::take(&mut lists[index]);
        match jobs[index].slot {
            Slot::Top => top.push(nodes),
            Slot::Below(parent) => {
                if let Some(node) = lists[parent].last_mut() {
                    node.extent = nodes.last().map_or(node.extent, |last| node.extent.to(last.extent));
                    node.children.splice(0..0, nodes);
                }
            }
        }
    }
    top.into_iter().rev().flatten().collect()
}

/// Parses a job whole, and node by node where that does not succeed, so that errors stay local.
fn parse_job(job: &Job<'_>, file: FileId, count: &AtomicUsize) -> Parsed {
    let mut report = Report::default();
    if is_full(count) {
        return (Vec::new(), report);
    }
    if let Ok(document) = KdlDocument::parse_v2(job.text) {
        let convert = Convert { file, base: job.base, text: job.text, count };
        let nodes = document.nodes().iter().map(|node| convert.node(node, &mut report)).collect();
        return (nodes, report);
    }
    let mut nodes = Vec::new();
    for piece in &job.pieces {
        let text = &job.text[piece.start..piece.end];
        let convert = Convert { file, base: job.base + piece.start, text, count };
        match KdlDocument::parse_v2(text) {
            Ok(document) => nodes.extend(document.nodes().iter().map(|node| convert.node(node, &mut report))),
            Err(error) => {
                let at = |start, end| Span::new(file, convert.base + start, convert.base + end);
                complaints(text, &error.diagnostics, at).into_iter().for_each(|found| report.push(found));
            }
        }
    }
    (nodes, report)
}

/// From the parser's tree to ours.
struct Convert<'a> {
    file: FileId,
    base: usize,
    text: &'a str,
    count: &'a AtomicUsize,
}

impl Convert<'_> {
    fn span(&self, span: miette::SourceSpan) -> Span {
        Span::new(self.file, self.base + span.offset(), self.base + span.offset() + span.len())
    }

    fn node(&self, node: &KdlNode, report: &mut Report) -> Node {
        self.count.fetch_add(1, Ordering::Relaxed);
        let name = self.word(node.name());
        let entries: Vec<Entry> = node.entries().iter().map(|entry| self.entry(entry, report)).collect();
        let span = entries.last().map_or(name.span, |last| name.span.to(last.span));
        if let Some(ty) = node.ty() {
            report.push(self.annotation(ty));
        }
        let children = node.children().map_or(&[][..], KdlDocument::nodes);
        let children = children.iter().map(|child| self.node(child, report)).collect();
        Node { name, entries, children, span, extent: span.to(self.span(node.span())) }
    }

    fn word(&self, identifier: &kdl::KdlIdentifier) -> Word {
        Word { text: Arc::from(identifier.value()), span: self.span(identifier.span()) }
    }

    fn annotation(&self, ty: &KdlIdentifier) -> Diagnostic {
        let (name, span) = (ty.value(), self.span(ty.span()));
        let (start, end) = (ty.span().offset(), ty.span().offset() + ty.span().len());
        let whole = self.text.get(start.saturating_sub(1)..=end).unwrap_or("");
        // space or a comment beside the name stays as it is
        let alone = whole.starts_with('(') && whole.ends_with(')');
        let around = Span::new(self.file, (span.start as usize).saturating_sub(1), span.end as usize + 1);
        Diagnostic::new(
            codes::UNWANTED_VALUE,
            format!("the type annotation `({name})` has no meaning in topoc"),
        )
        .label(span, "")
        .help(format!("remove `({name})`: a value is typed by the attribute that it is given to"))
        .mend(alone.then(|| Change::Text(around, String::new())))
    }

    fn entry(&self, entry: &KdlEntry, report: &mut Report) -> Entry {
        if let Some(ty) = entry.ty() {
            report.push(self.annotation(ty));
        }
        if let KdlValue::String(value) = entry.value()
            && value.starts_with('\'')
            && let Some(written) =
                self.text.get(entry.span().offset()..entry.span().offset() + entry.span().len())
            && let Some(found) = single_quotes(written, self.span(entry.span()))
        {
            report.push(found);
        }
        let value = match entry.value() {
            KdlValue::String(text) => Scalar::Text(Arc::from(text.as_str())),
            KdlValue::Integer(integer) => Scalar::Integer(*integer),
            KdlValue::Float(float) => Scalar::Float(*float),
            KdlValue::Bool(bool) => Scalar::Bool(*bool),
            KdlValue::Null => Scalar::Null,
        };
        Entry { name: entry.name().map(|name| self.word(name)), value, span: self.span(entry.span()) }
    }
}
