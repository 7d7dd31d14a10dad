//! A text's tokens, and the bytes that a change of an entry or node takes: nothing else moves, and no comment goes.

use std::ops::Range;

use crate::{
    diag::Change,
    syntax::format::token::{Token, placed},
};

/// A text that is cut into tokens.
pub(super) struct Places<'a> {
    text: &'a str,
    /// Each token with its first byte.
    tokens: Vec<(usize, Token<'a>)>,
}

/// What a word is.
enum Role {
    Node,
    Argument,
    /// A property's name, with the token of the value.
    Property(usize),
}

type Bytes = (Range<usize>, String);

impl<'a> Places<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, tokens: placed(text).collect() }
    }

    /// The bytes that a change takes and what it puts there; none where the text is not as it should be.
    pub(super) fn edit(&self, change: &Change) -> Option<Bytes> {
        let span = change.span();
        let at = self.word_at(span.start as usize)?;
        let role = self.role(at)?;
        let written = |token: usize, text: &str| Some((self.start(token)..self.end(token), text.to_owned()));
        match (change, role) {
            (Change::Text(..) | Change::Variable(..), _) => None,
            (Change::Bare(_), Role::Property(value)) => {
                let plain = (at..value).all(|at| !matches!(self.get(at), Some(Token::Comment(_))));
                plain.then(|| (self.start(at)..self.start(value), String::new()))
            }
            (Change::Value(_, text), Role::Property(token)) => written(token, text),
            (Change::Value(_, text), Role::Argument) => written(at, text),
            (Change::Value(_, text), Role::Node) => {
                let value = self.next(at).filter(|next| self.is_plain_word(*next))?;
                let alone =
                    self.end(value) == span.end as usize && !matches!(self.role(value)?, Role::Property(_));
                alone.then(|| written(value, text)).flatten()
            }
            (Change::Unwrap(_, text), Role::Node) => {
                let first = at + 2;
                let plain = self.is_space(at + 1) && self.is_plain_word(first);
                let named = plain && matches!(self.role(first)?, Role::Argument);
                named.then(|| (self.start(at)..self.end(first), text.clone()))
            }
            (Change::Name(..) | Change::Unwrap(..), Role::Argument)
            | (Change::Unwrap(..) | Change::Bare(_) | Change::Child(_), _) => None,
            (Change::Name(_, text), Role::Node | Role::Property(_)) => written(at, text),
            (Change::Remove(_), Role::Node) => self.without_node(at).map(|place| (place, String::new())),
            (Change::Remove(_), Role::Argument) => Some((self.without_entry(at, at)?, String::new())),
            (Change::Remove(_), Role::Property(value)) => {
                Some((self.without_entry(at, value)?, String::new()))
            }
            (Change::Add(_, text), Role::Node) => {
                let end = span.end as usize;
                let last = self.tokens.partition_point(|(start, _)| *start < end).checked_sub(1)?;
                let fits = self.end(last) == end && matches!(self.tokens[last].1, Token::Word(_));
                fits.then(|| (end..end, format!(" {text}")))
            }
            (Change::Add(..), Role::Argument | Role::Property(_)) => None,
        }
    }

    /// The bytes that turn a property into a child node: those that it leaves, and those of the block that it comes to.
    pub(super) fn child(&self, property: usize) -> Option<Vec<Bytes>> {
        let at = self.word_at(property)?;
        let Role::Property(value) = self.role(at)? else { return None };
        let left = self.without_entry(at, value)?;
        let token = |at: usize| self.text.get(self.start(at)..self.end(at));
        let node = format!("{} {}", token(at)?, token(value)?);
        // the last token of the node before its block, or its end
        let mut last = value;
        let ends = |at: &usize| {
            !matches!(self.get(*at), Some(Token::Word(_) | Token::Equals)) && !self.is_between(*at)
        };
        let end = (value + 1..=self.tokens.len()).find(ends)?;
        for next in value + 1..end {
            if matches!(self.get(next), Some(Token::Word(_))) {
                last = next;
            }
        }
        match self.get(end) {
            Some(Token::Open) => {
                let first = self.past_space(end + 1);
                let parted = match self.get(first) {
                    Some(Token::Close) if first == end + 1 => " ",
                    Some(Token::Newline | Token::Line(_) | Token::Close) => "",
                    _ => ";",
                };
                let inside = self.end(end)..self.end(end);
                Some(vec![(left, String::new()), (inside, format!(" {node}{parted}"))])
            }
            Some(Token::Dash) => None,
            _ if last == value => Some(vec![(left, format!(" {{ {node} }}"))]),
            _ => {
                let behind = self.end(last)..self.end(last);
                Some(vec![(left, String::new()), (behind, format!(" {{ {node} }}"))])
            }
        }
    }

    fn start(&self, token: usize) -> usize {
        self.tokens.get(token).map_or(self.text.len(), |(start, _)| *start)
    }

    fn end(&self, token: usize) -> usize {
        self.start(token + 1)
    }

    fn get(&self, token: usize) -> Option<Token<'a>> {
        self.tokens.get(token).map(|(_, token)| *token)
    }

    fn word_at(&self, byte: usize) -> Option<usize> {
        let at = self.tokens.binary_search_by_key(&byte, |(start, _)| *start).ok()?;
        self.is_plain_word(at).then_some(at)
    }

    /// Whether a token is a word without an annotation.
    fn is_plain_word(&self, at: usize) -> bool {
        matches!(self.get(at), Some(Token::Word(word)) if !word.starts_with('('))
    }

    /// The next token of the same node, comments and space left out.
    fn next(&self, at: usize) -> Option<usize> {
        (at + 1..self.tokens.len()).find(|at| !self.is_between(*at))
    }

    fn before(&self, at: usize) -> Option<usize> {
        (0..at).rev().find(|at| !self.is_between(*at))
    }

    fn is_between(&self, at: usize) -> bool {
        matches!(self.get(at), Some(Token::Space(_) | Token::Comment(_) | Token::Continuation(_)))
    }

    fn is_space(&self, at: usize) -> bool {
        matches!(self.get(at), Some(Token::Space(_)))
    }

    /// The first token from one on that is no space.
    fn past_space(&self, from: usize) -> usize {
        (from..self.tokens.len()).find(|at| !self.is_space(*at)).unwrap_or(self.tokens.len())
    }

    fn role(&self, at: usize) -> Option<Role> {
        if let Some(equals) = self.next(at).filter(|next| self.get(*next) == Some(Token::Equals)) {
            return self.next(equals).filter(|value| self.is_plain_word(*value)).map(Role::Property);
        }
        match self.before(at).and_then(|before| self.get(before)) {
            None | Some(Token::Newline | Token::Semicolon | Token::Open | Token::Line(_)) => Some(Role::Node),
            Some(Token::Word(_)) => Some(Role::Argument),
            Some(_) => None,
        }
    }

    /// The bytes of an entry with the space before it, and with the line that it may have had to itself.
    fn without_entry(&self, first: usize, last: usize) -> Option<Range<usize>> {
        let whole = (first..=last)
            .all(|at| matches!(self.get(at), Some(Token::Word(_) | Token::Equals | Token::Space(_))));
        let (end, after) = (self.end(last), self.past_space(last + 1));
        let from = if first > 0 && self.is_space(first - 1) { first - 1 } else { first };
        let continued = from.checked_sub(1).and_then(|at| Some((at, self.get(at)?)));
        let place = match (continued, self.get(after)) {
            (Some((_, Token::Continuation(_))), Some(Token::Continuation(None))) => {
                self.start(from)..self.end(after)
            }
            (
                Some((at, Token::Continuation(None))),
                None | Some(Token::Newline | Token::Semicolon | Token::Open | Token::Close | Token::Line(_)),
            ) => {
                let at = if at > 0 && self.is_space(at - 1) { at - 1 } else { at };
                self.start(at)..end
            }
            _ => self.start(from)..end,
        };
        whole.then_some(place)
    }

    /// The last token of a node with its block; none where there is a comment in it, which would go too.
    fn last_of_node(&self, at: usize) -> Option<usize> {
        let (mut last, mut depth, mut comment) = (at, 0usize, false);
        for next in at..self.tokens.len() {
            match self.get(next)? {
                Token::Newline | Token::Semicolon | Token::Line(_) | Token::Close if depth == 0 => break,
                Token::Newline | Token::Semicolon | Token::Space(_) | Token::Continuation(None) => continue,
                Token::Comment(_) if depth == 0 => {
                    comment = true;
                    continue;
                }
                Token::Line(_) | Token::Comment(_) | Token::Continuation(Some(_)) | Token::Dash => {
                    return None;
                }
                Token::Open => depth += 1,
                Token::Close => depth -= 1,
                Token::Word(_) | Token::Equals => {}
            }
            if comment {
                return None;
            }
            last = next;
        }
        Some(last)
    }

    /// The bytes of a node with what parts it from others: its line, a semicolon, or a block that only it was in.
    fn without_node(&self, at: usize) -> Option<Range<usize>> {
        let last = self.last_of_node(at)?;
        if let Some(block) = self.only_in_block(at, last) {
            return Some(block);
        }
        let from = if at > 0 && self.is_space(at - 1) { at - 1 } else { at };
        let before = from.checked_sub(1).and_then(|before| self.get(before));
        let begins_line = matches!(before, None | Some(Token::Newline));
        let mut after = self.past_space(last + 1);
        let parted = self.get(after) == Some(Token::Semicolon);
        if parted {
            after = self.past_space(after + 1);
        }
        let end = if parted { self.start(after) } else { self.end(last) };
        Some(match (before, self.get(after)) {
            (_, Some(Token::Newline)) if begins_line => self.start(from)..self.end(after),
            // the last line has no end of its own
            (_, None) if begins_line => {
                let line = if before.is_some() { from - 1 } else { from };
                self.start(line)..self.text.len()
            }
            // what is said of it stays, as a line of its own
            (_, Some(Token::Line(_) | Token::Comment(_))) if begins_line => self.start(at)..self.start(after),
            (_, Some(Token::Word(_) | Token::Comment(_) | Token::Dash)) if parted => self.start(at)..end,
            (Some(Token::Semicolon), _) if !parted => self.start(from - 1)..end,
            (Some(Token::Semicolon), _) => {
                let semicolon = self.past_space(last + 1);
                self.start(from)..self.end(semicolon)
            }
            _ => self.start(from)..end,
        })
    }

    /// The block around a node in which there is nothing else.
    fn only_in_block(&self, at: usize, last: usize) -> Option<Range<usize>> {
        let blank =
            |at: &usize| matches!(self.get(*at), Some(Token::Space(_) | Token::Newline | Token::Semicolon));
        let open = (0..at).rev().find(|at| !blank(at)).filter(|open| self.get(*open) == Some(Token::Open))?;
        let close = (last + 1..self.tokens.len()).find(|at| !blank(at));
        let close = close.filter(|close| self.get(*close) == Some(Token::Close))?;
        let open = if open > 0 && self.is_space(open - 1) { open - 1 } else { open };
        Some(self.start(open)..self.end(close))
    }
}
