//! The guard before the KDL parser: one linear pass that knows strings and comments.
//!
//! The parser takes time exponential in nested slashdash blocks and overflows its stack on deep nesting, so
//! both are bounded here. The pass also finds where the top-level nodes end, so that they can be parsed apart:
//! in parallel, and with errors that stay local.

use super::{
    bounds::MAX_DEPTH,
    newline::{end_of_line, newline_at},
};
use crate::diag::{Diagnostic, FileId, Span, codes};

/// How many slashdashed blocks may nest in one another.
pub const MAX_SLASHDASH: usize = 4;

/// How deep comments between slashes and stars may nest; the parser goes one call deeper with each.
const MAX_COMMENTS: usize = 32;
/// How many blocks may stand behind one node: one, and those that are slashdashed. The parser goes one call deeper
/// with each.
const MAX_BLOCKS: usize = 32;

/// A top-level node: byte offsets into the text that was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// From here, comments before the node included …
    pub(super) start: usize,
    /// … to here, its terminator included.
    pub(super) end: usize,
    /// The braces of its children, where they can be parsed apart from the node's entries.
    pub(super) block: Option<(usize, usize)>,
}

/// Cuts a text into its top-level nodes, or says why it cannot be parsed. Places in diagnostics count from
/// `base`, where the text stands in its file.
pub(super) fn scan(text: &str, file: FileId, base: usize) -> Result<Vec<Piece>, Box<Diagnostic>> {
    let mut scanner = Scanner { file, base, blocks: Vec::new(), node: NodeState::default(), dashed: 0 };
    let mut pieces = Vec::new();
    let mut piece = Piece { start: 0, end: 0, block: None };
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let outside = scanner.blocks.is_empty();
        match bytes[i] {
            b'"' | b'#' => {
                let hashes = bytes[i..].iter().take_while(|byte| **byte == b'#').count();
                let quote = i + hashes;
                i = if bytes.get(quote) == Some(&b'"') {
                    quoted(text, quote, hashes)
                        .ok_or_else(|| scanner.unclosed(i, quote + 1, "string", "\""))?
                } else {
                    quote
                };
                scanner.node.content();
            }
            b'/' if bytes.get(i + 1) == Some(&b'/') => i = end_of_line(text, i),
            b'/' if bytes.get(i + 1) == Some(&b'*') => {
                i = match comment(bytes, i) {
                    Comment::EndsBefore(end) => end,
                    Comment::Unclosed => return Err(scanner.unclosed(i, i + 2, "comment", "*/")),
                    Comment::TooDeep(at) => return Err(scanner.deep_comment(at)),
                };
            }
            b'/' if bytes.get(i + 1) == Some(&b'-') => {
                scanner.node.after_dash = true;
                i += 2;
            }
            b'\\' => i = continued(text, i + 1),
            b'{' => {
                let apart = outside && !scanner.node.dashed && !scanner.node.after_dash;
                if apart {
                    scanner.node.whole |= piece.block.is_some();
                    piece.block = Some((i, i));
                }
                scanner.open(i, apart)?;
                i += 1;
            }
            b'}' => {
                if scanner.close(i)?
                    && let Some(block) = &mut piece.block
                {
                    block.1 = i;
                }
                i += 1;
            }
            byte if byte == b';' || newline_at(text, i).is_some() => {
                i += newline_at(text, i).unwrap_or(1);
                if scanner.node.ends(byte) {
                    if outside {
                        piece.end = i;
                        piece.block = piece.block.filter(|_| !scanner.node.whole);
                        pieces.push(piece);
                        piece = Piece { start: i, end: i, block: None };
                    }
                    scanner.node = NodeState::default();
                }
            }
            byte if byte.is_ascii_whitespace() => i += 1,
            _ => {
                i += 1;
                while i < bytes.len() && is_word(bytes[i]) && newline_at(text, i).is_none() {
                    i += 1;
                }
                scanner.node.whole |= piece.block.is_some() && outside;
                scanner.node.content();
            }
        }
    }
    if let Some(block) = scanner.blocks.last() {
        return Err(scanner.unclosed(block.open, block.open + 1, "block", "}"));
    }
    piece.end = bytes.len();
    piece.block = piece.block.filter(|_| !scanner.node.whole);
    pieces.push(piece);
    Ok(pieces)
}

/// What has been seen of a node.
#[derive(Clone, Copy, Default)]
struct NodeState {
    /// A name or entry.
    content: bool,
    /// A slashdash before the name.
    dashed: bool,
    /// A slashdash that still waits for what it comments out.
    after_dash: bool,
    /// Something after the block: the node has to be parsed whole.
    whole: bool,
    /// How many blocks it has.
    blocks: usize,
}

impl NodeState {
    fn content(&mut self) {
        self.dashed |= self.after_dash && !self.content;
        self.content = true;
        self.after_dash = false;
    }

    /// Whether a newline or `;` ends the node: not before it began, and a newline not after a slashdash.
    fn ends(&self, terminator: u8) -> bool {
        terminator == b';' || (self.content && !self.after_dash)
    }
}

struct Block {
    open: usize,
    dashed: bool,
    /// The node that the block belongs to.
    node: NodeState,
    apart: bool,
}

struct Scanner {
    file: FileId,
    base: usize,
    blocks: Vec<Block>,
    node: NodeState,
    dashed: usize,
}

impl Scanner {
    fn open(&mut self, at: usize, apart: bool) -> Result<(), Box<Diagnostic>> {
        let dashed = self.node.dashed || self.node.after_dash;
        self.node.after_dash = false;
        self.dashed += usize::from(dashed);
        self.node.blocks += 1;
        if self.node.blocks > MAX_BLOCKS {
            return Err(Box::new(
                Diagnostic::new(codes::TOO_LARGE, format!("a node has more than {MAX_BLOCKS} blocks"))
                    .label(self.span(at, at + 1), "this block is one too many")
                    .help("a node has one block: write the next node on a line of its own, or behind a `;`"),
            ));
        }
        self.blocks.push(Block { open: at, dashed, node: self.node, apart });
        self.node = NodeState::default();
        let span = self.span(at, at + 1);
        if self.blocks.len() > MAX_DEPTH {
            return Err(Box::new(
                Diagnostic::new(codes::TOO_LARGE, format!("blocks nest more than {MAX_DEPTH} deep"))
                    .label(span, "this block is too deep")
                    .help("the language nests less than ten deep: close a block before this one"),
            ));
        }
        if self.dashed > MAX_SLASHDASH {
            return Err(Box::new(
                Diagnostic::new(
                    codes::TOO_LARGE,
                    format!("more than {MAX_SLASHDASH} slashdashed blocks nest in one another"),
                )
                .label(span, "this block is commented out inside blocks that are")
                .help("the outermost `/-` comments out all that it holds: remove the inner ones"),
            ));
        }
        Ok(())
    }

    /// Closes a block; says whether it was one that can be parsed apart.
    fn close(&mut self, at: usize) -> Result<bool, Box<Diagnostic>> {
        let Some(block) = self.blocks.pop() else {
            return Err(Box::new(
                Diagnostic::new(codes::NOT_KDL, "a `}` closes nothing")
                    .label(self.span(at, at + 1), "no `{` is open here")
                    .help("remove this `}`, or add the `{` that it should close"),
            ));
        };
        self.dashed -= usize::from(block.dashed);
        self.node = block.node;
        // a block without a name before it is no KDL; the parser says so
        self.node.content = true;
        Ok(block.apart)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, self.base + start, self.base + end)
    }

    fn deep_comment(&self, at: usize) -> Box<Diagnostic> {
        Box::new(
            Diagnostic::new(codes::TOO_LARGE, format!("comments nest more than {MAX_COMMENTS} deep"))
                .label(self.span(at, at + 2), "this comment is too deep")
                .help("close the comments before it with `*/`"),
        )
    }

    fn unclosed(&self, start: usize, end: usize, what: &str, close: &str) -> Box<Diagnostic> {
        Box::new(
            Diagnostic::new(codes::NOT_KDL, format!("a {what} is never closed"))
                .label(self.span(start, end), format!("the {what} opens here"))
                .help(format!("close it with `{close}`")),
        )
    }
}

fn is_word(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'#' | b'/' | b'\\' | b'{' | b'}' | b';')
}

/// Where a node goes on after a `\`: behind the end of the line, where nothing but space and comments stand before
/// that; the newline then ends nothing.
fn continued(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut i = start;
    while i < bytes.len() {
        if let Some(length) = newline_at(text, i) {
            return i + length;
        }
        let next = match bytes[i] {
            b' ' | b'\t' => Some(i + 1),
            b'/' if bytes.get(i + 1) == Some(&b'/') => Some(end_of_line(text, i)),
            b'/' if bytes.get(i + 1) == Some(&b'*') => match comment(bytes, i) {
                Comment::EndsBefore(end) => Some(end),
                Comment::Unclosed | Comment::TooDeep(_) => None,
            },
            _ => None,
        };
        let Some(next) = next else { return i };
        i = next;
    }
    i
}

/// The byte after a string whose first quote is at `start`, with so many hashes before it.
fn quoted(text: &str, start: usize, hashes: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let quotes = if bytes[start..].starts_with(b"\"\"\"") { 3 } else { 1 };
    // no run is counted further than it has to go: each byte is looked at a few times at most
    let run = |from: usize, byte: u8, most: usize| {
        bytes[from.min(bytes.len())..].iter().take(most).take_while(|b| **b == byte).count()
    };
    let mut i = start + quotes;
    while i < bytes.len() {
        match bytes[i] {
            // an escaped newline (and the whitespace after it) is part of the string
            b'\\' if hashes == 0 => {
                let rest = &text[i + 1..];
                let escaped = rest.chars().next()?;
                i += 1 + escaped.len_utf8();
                if escaped.is_whitespace() {
                    i += text[i..].len() - text[i..].trim_start().len();
                }
            }
            b'"' if run(i, b'"', quotes) == quotes && run(i + quotes, b'#', hashes) == hashes => {
                return Some(i + quotes + hashes);
            }
            // only a triple-quoted string goes over lines
            _ if quotes == 1 && newline_at(text, i).is_some() => return None,
            _ => i += 1,
        }
    }
    None
}

/// How a comment between slashes and stars ends.
enum Comment {
    /// Before this byte.
    EndsBefore(usize),
    Unclosed,
    /// Here one comment too many opens in others.
    TooDeep(usize),
}

/// Where a comment ends that opens at `start`; comments nest.
fn comment(bytes: &[u8], start: usize) -> Comment {
    let (mut depth, mut i) = (0usize, start);
    while i + 1 < bytes.len() {
        match (bytes[i], bytes[i + 1]) {
            (b'/', b'*') if depth == MAX_COMMENTS => return Comment::TooDeep(i),
            (b'/', b'*') => {
                depth += 1;
                i += 2;
            }
            (b'*', b'/') => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return Comment::EndsBefore(i);
                }
            }
            _ => i += 1,
        }
    }
    Comment::Unclosed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::SourceMap;

    fn pieces(text: &str) -> Vec<&str> {
        let file = SourceMap::default().add("a.kdl", text);
        scan(text, file, 0).unwrap().iter().map(|piece| text[piece.start..piece.end].trim()).collect()
    }

    fn blocks(text: &str) -> Vec<Option<&str>> {
        let file = SourceMap::default().add("a.kdl", text);
        let pieces = scan(text, file, 0).unwrap();
        pieces.iter().map(|piece| piece.block.map(|(open, close)| &text[open + 1..close])).collect()
    }

    #[test]
    fn nodes_end_at_newlines_and_semicolons_outside_blocks() {
        assert_eq!(pieces("a; b {\n c\n}\nd \\\n 1\n"), ["a;", "b {\n c\n}", "d \\\n 1", ""]);
        assert_eq!(pieces("/-\na {\n}\nb"), ["/-\na {\n}", "b"]);
        assert_eq!(
            pieces("a \"x;\\\"{\" #\"{;\"# // {\nb /* {\n */ 1\n"),
            ["a \"x;\\\"{\" #\"{;\"# // {", "b /* {\n */ 1", ""]
        );
        assert_eq!(pieces("a \"\"\"\n {\n \"\"\"\nb"), ["a \"\"\"\n {\n \"\"\"", "b"]);
    }

    #[test]
    fn blocks_are_found_where_they_can_be_parsed_apart() {
        assert_eq!(blocks("a {b}"), [Some("b")]);
        assert_eq!(blocks("/-a {b}"), [None]);
        assert_eq!(blocks("a /-{b} {c}"), [Some("c")]);
        assert_eq!(blocks("a {b} c"), [None]);
        assert_eq!(blocks("a /-1 {b}"), [Some("b")]);
    }

    #[test]
    fn every_newline_of_kdl_ends_a_line() {
        for newline in ["\n", "\r", "\r\n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
            assert_eq!(pieces(&format!("a{newline}b // {{{newline}c")), ["a", "b // {", "c"], "{newline:?}");
            assert_eq!(pieces(&format!("a \\{newline} 1")), [format!("a \\{newline} 1")], "{newline:?}");
            let file = SourceMap::default().add("a.kdl", "");
            let code = |text: &str| scan(text, file, 0).unwrap_err().code.name;
            assert_eq!(code(&format!("// {newline}{}", "a {".repeat(3_000))), "too-large");
            assert_eq!(code(&format!("a{newline}/-b {{").repeat(18)), "too-large");
            assert_eq!(code(&format!("a \"b{newline}\"")), "not-kdl");
        }
        // what stands behind a continuation is looked at
        let file = SourceMap::default().add("a.kdl", "");
        assert_eq!(scan(&format!("a \\{}", "{".repeat(100)), file, 0).unwrap_err().code.name, "too-large");
    }

    #[test]
    fn bounds_hold() {
        let file = SourceMap::default().add("a.kdl", "");
        let code = |text: &str| scan(text, file, 0).unwrap_err().code.name;
        assert_eq!(code(&"a {\n".repeat(100_000)), "too-large");
        assert_eq!(code(&"a /-{\n".repeat(18)), "too-large");
        assert_eq!(code(&"/-a {\n".repeat(18)), "too-large");
        assert_eq!(code(&"a{b}(t)".repeat(100)), "too-large");
        assert_eq!(code(&"/*".repeat(100_000)), "too-large");
        assert_eq!(code("a {"), "not-kdl");
        assert_eq!(code("}"), "not-kdl");
        assert_eq!(code("a \"b"), "not-kdl");
        assert_eq!(code("/* "), "not-kdl");
    }
}
