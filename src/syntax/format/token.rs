//! A text of KDL 2.0 that is known to parse → its tokens, each as it is written.

use crate::syntax::newline::is_newline;

/// A piece of a text. All pieces together, with nothing between, are the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::syntax) enum Token<'a> {
    /// A name, a value or a type annotation.
    Word(&'a str),
    /// `=`.
    Equals,
    /// `{`.
    Open,
    /// `}`.
    Close,
    /// `;`.
    Semicolon,
    /// The end of a line.
    Newline,
    /// Space within a line.
    Space(&'a str),
    /// A comment to the end of its line, without that.
    Line(&'a str),
    /// A comment between slashes and stars.
    Comment(&'a str),
    /// `/-`.
    Dash,
    /// A line continuation with the end of its line, and its comment.
    Continuation(Option<&'a str>),
}

fn is_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && !is_newline(c))
}

/// Cuts a text into its tokens.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    placed(text).map(|(_, token)| token).collect()
}

/// The tokens of a text, each with its first byte.
pub(in crate::syntax) fn placed(text: &str) -> impl Iterator<Item = (usize, Token<'_>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = text.len() - rest.len();
        let c = rest.chars().next()?;
        let (token, length) = match c {
            '=' => (Token::Equals, 1),
            '{' => (Token::Open, 1),
            '}' => (Token::Close, 1),
            ';' => (Token::Semicolon, 1),
            '\\' => continuation(rest),
            _ if rest.starts_with("\r\n") => (Token::Newline, 2),
            c if is_newline(c) => (Token::Newline, c.len_utf8()),
            c if is_space(c) => {
                let length = rest.find(|c| !is_space(c)).unwrap_or(rest.len());
                (Token::Space(&rest[..length]), length)
            }
            _ if rest.starts_with("//") => {
                let length = rest.find(is_newline).unwrap_or(rest.len());
                (Token::Line(&rest[..length]), length)
            }
            _ if rest.starts_with("/*") => {
                let length = comment(rest);
                (Token::Comment(&rest[..length]), length)
            }
            _ if rest.starts_with("/-") => (Token::Dash, 2),
            _ => {
                let length = word(rest);
                (Token::Word(&rest[..length]), length)
            }
        };
        rest = &rest[length..];
        Some((start, token))
    })
}

/// A backslash, what stands after it in its line, and the line's end.
fn continuation(text: &str) -> (Token<'_>, usize) {
    let end = text.find(is_newline).unwrap_or(text.len());
    let newline = if text[end..].starts_with("\r\n") {
        2
    } else {
        text[end..].chars().next().map_or(0, char::len_utf8)
    };
    let comment = text[1..end].trim_matches(is_space);
    (Token::Continuation(Some(comment).filter(|comment| !comment.is_empty())), end + newline)
}

/// The length of a comment that nests.
fn comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0usize, 0);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth = depth.saturating_sub(1);
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of a name, value or annotation.
fn word(text: &str) -> usize {
    let hashes = text.bytes().take_while(|byte| *byte == b'#').count();
    if text[hashes..].starts_with('"') {
        return string(text, hashes);
    }
    let end = |c: char| is_newline(c) || is_space(c) || matches!(c, '{' | '}' | ';' | '=' | '"' | '\\' | '/');
    let mut chars = text.char_indices();
    // whatever it is, the first character is part of it
    chars.next();
    chars.find(|(_, c)| end(*c)).map_or(text.len(), |(at, _)| at)
}

/// The length of a string with so many hashes before it.
fn string(text: &str, hashes: usize) -> usize {
    let inner = &text[hashes..];
    let quotes = if inner.starts_with("\"\"\"") && !is_empty(inner, hashes) { 3 } else { 1 };
    let close = format!("{}{}", "\"".repeat(quotes), "#".repeat(hashes));
    let mut at = hashes + quotes;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with(&close) {
            return at + close.len();
        }
        let mut chars = rest.chars();
        at += chars.next().map_or(1, char::len_utf8);
        if hashes == 0 && rest.starts_with('\\') {
            at += chars.next().map_or(0, char::len_utf8);
        }
    }
    text.len()
}

/// Whether three quotes are an empty string and something else: only a line's end follows a triple opening.
fn is_empty(inner: &str, hashes: usize) -> bool {
    hashes == 0 && !inner[3..].starts_with(is_newline)
}
