//! Files and what they include → one list of nodes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    node::{Node, Word},
    parse::{is_full, parse_counted, too_many},
    sources::{ReadError, Sources},
    words::INCLUDE,
};
use crate::diag::{Diagnostic, FileId, Report, SourceMap, Span, codes};

/// What the files of a run hold.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All texts that were read, in the order they were read.
    pub sources: SourceMap,
    /// The nodes of all files, an included file's in the place of its `include`.
    pub nodes: Vec<Node>,
    /// The files that are included in several places.
    pub(crate) several: Vec<Span>,
}

/// Reads files with all that they include, each once in a place.
pub fn load(paths: &[String], from: &dyn Sources, report: &mut Report) -> Loaded {
    let mut loader = Loader {
        from,
        loaded: Loaded::default(),
        read: BTreeMap::new(),
        done: BTreeSet::new(),
        open: Vec::new(),
        place: Vec::new(),
        count: AtomicUsize::new(0),
    };
    for path in paths {
        let path = normalize(path);
        let nodes = loader.file(&path, None, report);
        loader.loaded.nodes.extend(nodes);
    }
    if is_full(&loader.count) {
        // a part of what was meant would raise mistakes that nobody made
        loader.loaded.nodes.clear();
    }
    loader.loaded
}

/// Reads one source by itself, without what it includes.
pub fn read(path: &str, from: &dyn Sources, sources: &mut SourceMap, report: &mut Report) -> Option<FileId> {
    read_text(path, None, from, sources, report)
}

fn read_text(
    path: &str,
    included: Option<&Word>,
    from: &dyn Sources,
    sources: &mut SourceMap,
    report: &mut Report,
) -> Option<FileId> {
    let bytes = match from.read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            report.push(unreadable(path, error, included));
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => Some(sources.add(path, text)),
        Err(error) => {
            report.push(not_utf8(path, error.as_bytes(), error.utf8_error().valid_up_to(), included));
            None
        }
    }
}

/// How many nodes these are, with all that is in them.
fn size(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| 1 + size(&node.children)).sum()
}

struct Loader<'a> {
    from: &'a dyn Sources,
    loaded: Loaded,
    /// What each file holds, as far as it could be read: a file may be included in several places.
    read: BTreeMap<String, Vec<Node>>,
    /// The files that each place has.
    done: BTreeSet<(Vec<Place>, String)>,
    /// The files that are being read, each included by the one before it.
    open: Vec<String>,
    /// The nodes that the reading is in: none at the top level.
    place: Vec<Place>,
    /// How many nodes have been parsed.
    count: AtomicUsize,
}

/// A node that other files may be included in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// A vhost, by its name as it is written: several nodes of one are one place.
    Vhost(Option<Arc<str>>),
    /// A loop.
    Loop(Span),
}

impl Loader<'_> {
    fn file(&mut self, path: &str, included: Option<&Word>, report: &mut Report) -> Vec<Node> {
        if self.open.iter().any(|open| open == path) {
            report.push(cycle(&self.open, path, included));
            return Vec::new();
        }
        if !self.done.insert((self.place.clone(), path.to_owned())) {
            return Vec::new();
        }
        let nodes = match self.read.get(path) {
            Some(nodes) => {
                if is_full(&self.count) {
                    return Vec::new();
                }
                if let (Some(first), Some(last)) = (nodes.first(), nodes.last()) {
                    self.loaded.several.push(first.extent.to(last.extent));
                }
                self.count.fetch_add(size(nodes), Ordering::Relaxed);
                if is_full(&self.count) {
                    report.push(*too_many(included.map_or(Span::NONE, |word| word.span)));
                    return Vec::new();
                }
                nodes.clone()
            }
            None => {
                let nodes = self.parse(path, included, report);
                self.read.insert(path.to_owned(), nodes.clone());
                nodes
            }
        };
        self.open.push(path.to_owned());
        let all = self.within(path, nodes, report);
        self.open.pop();
        all
    }

    fn parse(&mut self, path: &str, included: Option<&Word>, report: &mut Report) -> Vec<Node> {
        let Some(id) = read_text(path, included, self.from, &mut self.loaded.sources, report) else {
            return Vec::new();
        };
        let before = report.diagnostics().len();
        let nodes = parse_counted(&self.loaded.sources, id, &self.count, report);
        if nodes.is_empty() && report.diagnostics().len() == before {
            let end = self.loaded.sources.get(id).map_or(0, |source| source.text.len().min(1));
            report.push(
                Diagnostic::new(codes::EMPTY, format!("`{path}` declares nothing"))
                    .label(Span::new(id, 0, end), "no node is here")
                    .help("`topoc init` writes a starter topology"),
            );
        }
        nodes
    }

    /// The nodes of a place in a file, those of other files in the place of each `include`.
    fn within(&mut self, path: &str, nodes: Vec<Node>, report: &mut Report) -> Vec<Node> {
        let mut all = Vec::with_capacity(nodes.len());
        for mut node in nodes {
            if node.is("include") {
                all.extend(self.include(path, &node, report));
                continue;
            }
            // elsewhere it is no word of the language
            let place = match &*node.name.text {
                "vhost" => Some(Place::Vhost(node.title().map(|title| title.text))),
                "for" => Some(Place::Loop(node.name.span)),
                _ => None,
            };
            if let Some(place) = place {
                self.place.push(place);
                let children = std::mem::take(&mut node.children);
                node.children = self.within(path, children, report);
                self.place.pop();
            }
            all.push(node);
        }
        all
    }

    fn include(&mut self, from: &str, node: &Node, report: &mut Report) -> Vec<Node> {
        let Some(word) = INCLUDE.check(node, report).then(|| node.title()).flatten() else {
            return Vec::new();
        };
        if word.text.contains("${") {
            report.push(
                Diagnostic::new(codes::BAD_VALUE, "an `include` cannot depend on a variable")
                    .label(word.span, "files are read before variables have values")
                    .help("write the path itself, or a pattern such as `\"vhosts/*.kdl\"`"),
            );
            return Vec::new();
        }
        let pattern = relative(from, &word.text);
        if !word.text.contains(['*', '?', '[']) {
            return self.file(&pattern, Some(&word), report);
        }
        match self.from.glob(&pattern) {
            Ok(paths) if paths.is_empty() => {
                report.push(
                    Diagnostic::new(codes::UNREADABLE, format!("no file matches `{pattern}`"))
                        .label(word.span, "named here")
                        .help("a path is relative to the file that names it"),
                );
                Vec::new()
            }
            Ok(paths) => {
                // a file that its own pattern matches is not meant
                let paths = paths.into_iter().map(|path| normalize(&path)).filter(|path| path != from);
                paths.flat_map(|path| self.file(&path, Some(&word), report)).collect()
            }
            Err(reason) => {
                report.push(
                    Diagnostic::new(
                        codes::BAD_VALUE,
                        format!("`{}` is no file pattern: {reason}", word.text),
                    )
                    .label(word.span, "")
                    .help("`*` is any name, `**` any folders, `[ab]` a choice of characters"),
                );
                Vec::new()
            }
        }
    }
}

/// A path that a file names, relative to that file.
pub(crate) fn relative(from: &str, path: &str) -> String {
    match from.rsplit_once('/') {
        Some((folder, _)) if !path.starts_with('/') => normalize(&format!("{folder}/{path}")),
        _ => normalize(path),
    }
}

/// A path without `.` and with `..` taken up where that can be seen from the text.
fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, "" | "..")) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn included_here(mut diagnostic: Diagnostic, included: Option<&Word>) -> Diagnostic {
    if let Some(word) = included {
        diagnostic = diagnostic.label(word.span, "named here");
    }
    diagnostic
}

/// A file that cannot be read, and who names it.
pub(crate) fn unreadable(path: &str, error: ReadError, included: Option<&Word>) -> Diagnostic {
    let code = if matches!(error, ReadError::TooLarge(_)) { codes::TOO_LARGE } else { codes::UNREADABLE };
    let (trouble, help) = match error {
        ReadError::Missing => (
            format!("`{path}` does not exist"),
            if included.is_some() {
                "a path is relative to the file that names it".to_owned()
            } else {
                "`topoc init` writes a starter topology".to_owned()
            },
        ),
        ReadError::Directory => (
            format!("`{path}` is a folder"),
            format!("name its files: `{}/*.kdl`", path.trim_end_matches('/')),
        ),
        ReadError::Forbidden => (
            format!("`{path}` may not be read"),
            format!("run `ls -l {path}` and give yourself leave to read it"),
        ),
        ReadError::TooLarge(bytes) => (
            format!(
                "`{path}` has {} MiB, and a topology file may have {}",
                bytes.div_ceil(1 << 20),
                super::MAX_BYTES >> 20
            ),
            "use `for` and `template` for what repeats, and `include` to cut it apart".to_owned(),
        ),
        ReadError::Other(kind) => (format!("`{path}` cannot be read: {kind}"), "try again".to_owned()),
    };
    included_here(Diagnostic::new(code, trouble).help(help), included)
}

fn not_utf8(path: &str, bytes: &[u8], at: usize, included: Option<&Word>) -> Diagnostic {
    let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let encoding = if utf16 { "UTF-16" } else { "ISO-8859-1" };
    included_here(
        Diagnostic::new(
            codes::NOT_UTF8,
            format!("`{path}` is not UTF-8: byte {at}, in line {line}, begins no character"),
        )
        .help(if path == super::STANDARD_INPUT {
            format!("convert it before: `iconv -f {encoding} -t UTF-8 | …`")
        } else {
            format!("convert it: `iconv -f {encoding} -t UTF-8 {path}`")
        }),
        included,
    )
}

fn cycle(open: &[String], path: &str, included: Option<&Word>) -> Diagnostic {
    let start = open.iter().position(|file| file == path).unwrap_or(0);
    let chain: Vec<String> =
        open[start..].iter().map(String::as_str).chain([path]).map(|file| format!("`{file}`")).collect();
    included_here(
        Diagnostic::new(codes::INCLUDE_CYCLE, format!("`{path}` includes itself"))
            .note(format!("the chain is {}", chain.join(" → ")))
            .help("remove this `include`; a file that both need can be included by each of them"),
        included,
    )
}
