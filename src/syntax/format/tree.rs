//! Tokens → items: which comment belongs to which node, and what stood in one line.

use super::token::Token;

/// What stands in a document or block.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// One or more empty lines.
    Blank,
    /// A comment in a line of its own.
    Comment(&'a str),
    /// A node.
    Node(Written<'a>),
}

/// A node as it is written.
#[derive(Debug, Default)]
pub(super) struct Written<'a> {
    pub(super) parts: Vec<Part<'a>>,
    /// The comment after it in the same line, and the space before that.
    pub(super) trailing: Option<(usize, &'a str)>,
    /// Whether it began in the line in which the node before it ended.
    pub(super) beside: bool,
}

impl<'a> Written<'a> {
    fn insert(&mut self, before_last: bool, part: Part<'a>) {
        let at = self.parts.len() - usize::from(before_last && !self.parts.is_empty());
        self.parts.insert(at, part);
    }

    /// Makes the last word a key; says whether there is one.
    fn key(&mut self) -> bool {
        let Some(at) = self.parts.iter().rposition(|part| matches!(part, Part::Word(_))) else {
            return false;
        };
        let mut key = self.parts.remove(at);
        if let Part::Word(word) = &mut key {
            word.push('=');
        }
        self.parts.push(key);
        // those that now stand beside each other are one
        self.parts.dedup_by(|part, before| {
            matches!(part, Part::Continuation(None)) && matches!(before, Part::Continuation(_))
        });
        true
    }
}

#[derive(Debug)]
pub(super) enum Part<'a> {
    /// A name, a value, or `key=value` with all that stands between.
    Word(String),
    /// A slashdash: what comes next is commented out.
    Dash,
    /// A comment between slashes and stars.
    Comment(&'a str),
    /// A line continuation, with its comment.
    Continuation(Option<&'a str>),
    /// A line comment after a slashdash, where the node goes on in the next line.
    Line(&'a str),
    /// Children.
    Block(Block<'a>),
}

#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) items: Vec<Item<'a>>,
    /// Whether it stood in one line.
    pub(super) flat: bool,
    /// A comment after the opening brace.
    pub(super) opening: Option<&'a str>,
}

/// Reads a document.
pub(super) fn read<'a>(tokens: &[Token<'a>]) -> Vec<Item<'a>> {
    Reader { tokens, at: 0 }.items()
}

struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
}

impl<'a> Reader<'_, 'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    /// The next token that is no space.
    fn ahead(&self) -> Option<Token<'a>> {
        self.tokens[self.at.min(self.tokens.len())..]
            .iter()
            .copied()
            .find(|token| !matches!(token, Token::Space(_)))
    }

    /// Everything up to the brace that closes the block, or the end.
    fn items(&mut self) -> Vec<Item<'a>> {
        let mut items: Vec<Item<'a>> = Vec::new();
        let (mut newlines, mut gap) = (1, 0);
        while let Some(token) = self.peek() {
            match token {
                Token::Close => break,
                Token::Newline => newlines += 1,
                Token::Space(space) => {
                    gap = if space.contains('\t') { 1 } else { space.chars().count() };
                    self.at += 1;
                    continue;
                }
                Token::Line(comment) if newlines == 0 && trail(items.last_mut(), gap, comment) => {}
                Token::Continuation(None) | Token::Semicolon | Token::Equals => {}
                Token::Line(comment) | Token::Continuation(Some(comment)) => {
                    separate(&mut items, newlines);
                    newlines = 0;
                    items.push(Item::Comment(comment));
                }
                Token::Comment(comment) => {
                    self.at += 1;
                    let alone =
                        matches!(self.ahead(), None | Some(Token::Newline | Token::Line(_) | Token::Close));
                    if !alone {
                        self.at -= 1;
                        self.begin(&mut items, &mut newlines);
                    } else if newlines > 0 || !trail(items.last_mut(), gap, comment) {
                        separate(&mut items, newlines);
                        newlines = 0;
                        items.push(Item::Comment(comment));
                    }
                    gap = 0;
                    continue;
                }
                Token::Dash | Token::Word(_) | Token::Open => {
                    self.begin(&mut items, &mut newlines);
                    gap = 0;
                    continue;
                }
            }
            gap = 0;
            self.at += 1;
        }
        while matches!(items.last(), Some(Item::Blank)) {
            items.pop();
        }
        items
    }

    fn begin(&mut self, items: &mut Vec<Item<'a>>, newlines: &mut usize) {
        separate(items, *newlines);
        let beside = *newlines == 0 && matches!(items.last(), Some(Item::Node(_)));
        *newlines = 0;
        let node = self.node();
        items.push(Item::Node(Written { beside, ..node }));
    }

    /// A node without its terminator; a comment that ends its line is its own.
    fn node(&mut self) -> Written<'a> {
        let mut node = Written::default();
        let mut gap = 0;
        // whether the last word waits for what stands after its `=`
        let mut open = false;
        while let Some(token) = self.peek() {
            let after_dash = matches!(node.parts.last(), Some(Part::Dash | Part::Line(_)));
            match token {
                Token::Newline if after_dash => {}
                Token::Newline | Token::Semicolon | Token::Close => return node,
                Token::Line(comment) if after_dash => node.parts.push(Part::Line(comment)),
                Token::Line(comment) => {
                    node.trailing = Some((gap.max(1), comment));
                    self.at += 1;
                    return node;
                }
                Token::Space(space) => {
                    gap = if space.contains('\t') { 1 } else { space.chars().count() };
                    self.at += 1;
                    continue;
                }
                // what stands within `key = value` goes before it
                Token::Comment(comment) => node.insert(open, Part::Comment(comment)),
                Token::Continuation(None)
                    if open || matches!(node.parts.last(), Some(Part::Continuation(_))) => {}
                Token::Continuation(comment) => node.insert(open, Part::Continuation(comment)),
                Token::Dash => node.parts.push(Part::Dash),
                Token::Equals => open = node.key(),
                Token::Word(word) => match node.parts.last_mut() {
                    Some(Part::Word(key)) if open => {
                        key.push_str(word);
                        open = false;
                    }
                    _ => node.parts.push(Part::Word(word.to_owned())),
                },
                Token::Open => {
                    self.at += 1;
                    let block = self.block();
                    node.parts.push(Part::Block(block));
                }
            }
            gap = 0;
            self.at += 1;
        }
        node
    }

    /// A block, up to its closing brace, which is the token at hand afterwards.
    fn block(&mut self) -> Block<'a> {
        let begin = self.at;
        let opening = match self.ahead() {
            Some(Token::Line(comment)) => {
                while !matches!(self.peek(), None | Some(Token::Line(_))) {
                    self.at += 1;
                }
                self.at += 1;
                Some(comment)
            }
            _ => None,
        };
        let items = self.items();
        let inside = &self.tokens[begin..self.at.min(self.tokens.len())];
        let flat = !inside.iter().any(|token| match token {
            Token::Newline | Token::Line(_) | Token::Continuation(_) => true,
            Token::Word(text) | Token::Comment(text) => text.contains('\n'),
            _ => false,
        });
        Block { items, flat, opening }
    }
}

/// Keeps one empty line of any number, but none at the start.
fn separate(items: &mut Vec<Item<'_>>, newlines: usize) {
    if newlines > 1 && !items.is_empty() {
        items.push(Item::Blank);
    }
}

/// Gives a comment to the node before it in the same line, if there is one that has none.
fn trail<'a>(last: Option<&mut Item<'a>>, gap: usize, comment: &'a str) -> bool {
    match last {
        Some(Item::Node(node)) if node.trailing.is_none() => {
            node.trailing = Some((gap.max(1), comment));
            true
        }
        _ => false,
    }
}
