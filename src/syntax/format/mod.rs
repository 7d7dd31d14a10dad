//! The formatter: the user's own tokens, set anew.
//!
//! Words, strings and comments are printed as they were written; only the space between them is ours. Four
//! spaces a level, at most one blank line, one space between entries; what stood in one line stays in one line
//! where it is short enough.

pub(super) mod token;
mod tree;

#[cfg(test)]
mod tests;

use self::{
    token::tokens,
    tree::{Block, Item, Part, Written, read},
};
use super::{node::Node, parse::parse};
use crate::diag::{FileId, Report, SourceMap};

/// A line is broken at its block where it would be longer.
const MAX_COLUMNS: usize = 100;
const INDENT: usize = 4;

/// Sets a source anew; none when it does not parse, and the report says why.
///
/// What the text means never changes: should the formatter ever come to another meaning, the text stays as it is.
pub fn format(sources: &SourceMap, file: FileId, report: &mut Report) -> Option<String> {
    let text = &sources.get(file)?.text;
    let mut found = Report::default();
    let nodes = parse(sources, file, &mut found);
    let wrong = found.has_errors();
    report.extend(found);
    if wrong {
        return None;
    }
    let formatted = print(text);
    let mut again = SourceMap::default();
    let id = again.add("", formatted.as_str());
    let mut found = Report::default();
    let same = same(&nodes, &parse(&again, id, &mut found)) && !found.has_errors();
    Some(if same { formatted } else { text.clone() })
}

/// Whether two lists of nodes say the same, wherever they stand.
#[must_use]
pub fn same(a: &[Node], b: &[Node]) -> bool {
    let entries = |a: &Node, b: &Node| {
        let pairs = a.entries.iter().zip(&b.entries);
        a.entries.len() == b.entries.len()
            && pairs.into_iter().all(|(a, b)| {
                a.name.as_ref().map(|name| &name.text) == b.name.as_ref().map(|name| &name.text)
                    // as text, because a number that is none equals nothing
                    && a.value.to_kdl() == b.value.to_kdl()
            })
    };
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| a.name.text == b.name.text && entries(a, b) && same(&a.children, &b.children))
}

fn print(text: &str) -> String {
    let windows = text.find('\n').is_some_and(|at| text[..at].ends_with('\r'));
    let plain = text.replace("\r\n", "\n");
    let tokens = tokens(plain.strip_prefix('\u{feff}').unwrap_or(&plain));
    let items = read(&tokens);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    print_items(&items, 0, false, &mut out);
    if windows { out.replace('\n', "\r\n") } else { out }
}

/// Prints items, each in a line of its own where `apart`.
fn print_items(items: &[Item<'_>], indent: usize, apart: bool, out: &mut String) {
    // where the line begins that the next node may join
    let mut line: Option<usize> = None;
    for item in items {
        match item {
            Item::Blank => {
                out.push('\n');
                line = None;
            }
            Item::Comment(comment) => {
                pad(indent, out);
                out.push_str(comment.trim_end());
                out.push('\n');
                line = None;
            }
            Item::Node(node) => {
                let flat = flat_node(node);
                if let (Some(start), Some(flat), true) = (line, &flat, node.beside && !apart) {
                    let width = out[start..].trim_end().chars().count() + 2 + flat.chars().count();
                    if width <= MAX_COLUMNS {
                        out.truncate(out.trim_end().len());
                        out.push_str("; ");
                        out.push_str(flat);
                        line = finish(node, out).then_some(start);
                        continue;
                    }
                }
                let start = out.len();
                pad(indent, out);
                match flat.filter(|flat| indent + flat.chars().count() <= MAX_COLUMNS || !has_items(node)) {
                    Some(flat) => {
                        out.push_str(&flat);
                        line = finish(node, out).then_some(start);
                    }
                    None => {
                        print_node(node, indent, out);
                        finish(node, out);
                        line = None;
                    }
                }
            }
        }
    }
}

/// Ends a node's line; says whether another node may still join it.
fn finish(node: &Written<'_>, out: &mut String) -> bool {
    if let Some((gap, comment)) = node.trailing {
        pad(gap, out);
        out.push_str(comment.trim_end());
    }
    out.push('\n');
    node.trailing.is_none()
}

fn has_items(node: &Written<'_>) -> bool {
    node.parts.iter().any(|part| matches!(part, Part::Block(block) if !block.items.is_empty()))
}

/// A node in one line, where it stood in one.
fn flat_node(node: &Written<'_>) -> Option<String> {
    let mut out = String::new();
    for (index, part) in node.parts.iter().enumerate() {
        let glued = index == 0 || matches!(node.parts[index - 1], Part::Dash);
        if !glued {
            out.push(' ');
        }
        match part {
            Part::Word(word) if word.contains('\n') => return None,
            Part::Comment(comment) if comment.contains('\n') => return None,
            Part::Word(word) => out.push_str(word),
            Part::Comment(comment) => out.push_str(comment),
            Part::Dash => out.push_str("/-"),
            Part::Continuation(_) | Part::Line(_) => return None,
            Part::Block(block) => out.push_str(&flat_block(block)?),
        }
    }
    Some(out)
}

fn flat_block(block: &Block<'_>) -> Option<String> {
    if !block.flat {
        return None;
    }
    let mut inner = Vec::with_capacity(block.items.len());
    for item in &block.items {
        match item {
            Item::Blank => {}
            Item::Comment(comment) => inner.push((*comment).to_owned()),
            Item::Node(node) => {
                let mut text = flat_node(node)?;
                if let Some((_, comment)) = node.trailing {
                    text.push(' ');
                    text.push_str(comment);
                }
                inner.push(text);
            }
        }
    }
    Some(if inner.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", inner.join("; ")) })
}

fn print_node(node: &Written<'_>, indent: usize, out: &mut String) {
    for (index, part) in node.parts.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &node.parts[before]);
        match before {
            None | Some(Part::Dash) => {}
            Some(Part::Continuation(_)) => pad(indent + INDENT, out),
            Some(Part::Line(_)) => pad(indent, out),
            Some(_) => out.push(' '),
        }
        match part {
            Part::Word(word) => out.push_str(word),
            Part::Comment(comment) => out.push_str(comment),
            Part::Dash => out.push_str("/-"),
            Part::Continuation(comment) => {
                out.push('\\');
                if let Some(comment) = comment {
                    out.push(' ');
                    out.push_str(comment.trim_end());
                }
                out.push('\n');
            }
            Part::Line(comment) => {
                out.push(' ');
                out.push_str(comment.trim_end());
                out.push('\n');
            }
            Part::Block(block) => print_block(block, indent, out),
        }
    }
}

fn print_block(block: &Block<'_>, indent: usize, out: &mut String) {
    if block.items.is_empty() && block.opening.is_none() {
        out.push_str("{}");
        return;
    }
    out.push('{');
    if let Some(comment) = block.opening {
        out.push(' ');
        out.push_str(comment.trim_end());
    }
    out.push('\n');
    // a line that is too long is broken at every node
    print_items(&block.items, indent + INDENT, block.flat, out);
    pad(indent, out);
    out.push('}');
}

fn pad(columns: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', columns));
}
