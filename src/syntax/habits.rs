//! What people write out of habit, from JSON, YAML or a shell, in a text that is no KDL: said in words of its own, since
//! the parser points somewhere behind it.

use std::ops::Range;

use crate::diag::{Diagnostic, codes};

/// A habit, and the bytes of the text that it takes.
pub(super) struct Habit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) diagnostic: Diagnostic,
    /// What mends it, where there is no doubt: other bytes for some of the text's.
    pub(super) edits: Vec<(Range<usize>, String)>,
}

impl Habit {
    fn new(start: usize, end: usize, diagnostic: Diagnostic) -> Self {
        Self { start, end, diagnostic, edits: Vec::new() }
    }

    /// With a change of some bytes that mends it.
    fn mended(mut self, place: Range<usize>, text: &str) -> Self {
        self.edits.push((place, text.to_owned()));
        self
    }
}

/// The habits in a text that does not parse, the first of each line.
pub(super) fn habits(text: &str) -> Vec<Habit> {
    let mut found: Vec<Habit> = Vec::new();
    let mut walk = Walk { text, at: 0, node_begins: true };
    while walk.at < text.len() {
        let Some(habit) = walk.step() else { continue };
        let same_line = found.last().is_some_and(|last| !text[last.start..habit.start].contains('\n'));
        if !same_line {
            found.push(habit);
        }
    }
    found
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    /// Whether a node's name may come next.
    node_begins: bool,
}

fn say(trouble: String, help: impl Into<String>) -> Diagnostic {
    Diagnostic::new(codes::NOT_KDL, trouble).help(help)
}

impl<'a> Walk<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// One token on; the habit in it, if it is one.
    fn step(&mut self) -> Option<Habit> {
        let start = self.at;
        let rest = self.rest();
        let first = rest.chars().next()?;
        let habit = |end: usize, diagnostic: Diagnostic| Some(Habit::new(start, end, diagnostic));
        match first {
            '\n' | ';' | '{' | '}' => {
                self.at += 1;
                self.node_begins = true;
                None
            }
            c if c.is_whitespace() => {
                self.at += c.len_utf8();
                None
            }
            '/' if rest.starts_with("//") => {
                self.at += rest.find('\n').unwrap_or(rest.len());
                None
            }
            '/' if rest.starts_with("/*") => {
                self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
                None
            }
            '#' if rest.trim_start_matches('#').starts_with('"') => {
                let hashes = rest.len() - rest.trim_start_matches('#').len();
                let close = format!("\"{}", "#".repeat(hashes));
                let open = hashes + 1;
                self.at += rest[open..].find(&close).map_or(rest.len(), |end| open + end + close.len());
                self.after_string()
            }
            '#' if self.is_comment() => {
                let end = rest.find('\n').unwrap_or(rest.len());
                self.at += end;
                let diagnostic = say(
                    "a comment begins with `//` in KDL".to_owned(),
                    format!("write `//{}`", rest[1..end].trim_end()),
                );
                Some(Habit::new(start, start + end, diagnostic).mended(start..start + 1, "//"))
            }
            '"' => self.string(),
            '[' | ']' => {
                self.at += 1;
                let diagnostic = say(
                    format!("KDL has no `{first}`"),
                    "write the values of a list one after another: `tags \"a\" \"b\"`",
                );
                let found = Habit::new(start, start + 1, diagnostic);
                Some(match self.list_end(start) {
                    Some(close) => found.mended(start..start + 1, "").mended(close..close + 1, ""),
                    None => found,
                })
            }
            '=' if self.node_begins => {
                self.at += 1;
                None
            }
            c if is_disallowed(c) => {
                self.at += c.len_utf8();
                habit(
                    start + c.len_utf8(),
                    say(
                        format!("the character U+{:04X} may not stand in a KDL text", u32::from(c)),
                        format!("remove it, or write it in a string as `\\u{{{:x}}}`", u32::from(c)),
                    ),
                )
            }
            _ => self.word(),
        }
    }

    /// Whether a `#` begins what a shell takes for a comment.
    fn is_comment(&self) -> bool {
        let rest = &self.rest()[1..];
        let word: &str = rest.split(|c: char| c.is_whitespace() || ";{}".contains(c)).next().unwrap_or("");
        let before = self.text[..self.at].chars().next_back();
        let apart = before.is_none_or(|c| c.is_whitespace() || ";{}".contains(c));
        apart && !matches!(word, "true" | "false" | "null" | "inf" | "-inf" | "nan")
    }

    fn string(&mut self) -> Option<Habit> {
        let start = self.at;
        let rest = self.rest();
        if let Some(inside) = rest.strip_prefix("\"\"\"") {
            self.at += inside.find("\"\"\"").map_or(rest.len(), |end| end + 6);
            return None;
        }
        let mut chars = rest.char_indices().skip(1);
        let mut found = None;
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return found.or_else(|| self.after_string());
                }
                '\n' => break,
                '\\' => {
                    let Some((_, escaped)) = chars.next() else { break };
                    let known = "nrtbfs\"\\u".contains(escaped) || escaped.is_whitespace();
                    if !known && found.is_none() {
                        let end = rest[1..].find('"').map_or(rest.len(), |end| end + 1);
                        let inner = &rest[1..end];
                        let (start, end) = (start + at, start + at + 1 + escaped.len_utf8());
                        let doubled = format!("`\\\\{escaped}`");
                        let raw = (!inner.contains('\n'))
                            .then(|| format!(", or the text as it is: `#\"{inner}\"#`"));
                        let help = format!("write {doubled}{}", raw.unwrap_or_default());
                        let diagnostic = say(format!("`\\{escaped}` is no escape"), help);
                        found = Some(Habit::new(start, end, diagnostic).mended(start..start, "\\"));
                    }
                }
                c if is_disallowed(c) && found.is_none() => {
                    let (start, end) = (start + at, start + at + c.len_utf8());
                    let code = u32::from(c);
                    let diagnostic = say(
                        format!("the character U+{code:04X} may not stand in a KDL text"),
                        format!("remove it, or write it as `\\u{{{code:x}}}`"),
                    );
                    found = Some(Habit::new(start, end, diagnostic));
                }
                _ => {}
            }
        }
        self.at = self.text.len();
        found
    }

    /// What stands right after a string.
    fn after_string(&mut self) -> Option<Habit> {
        let start = self.at;
        let sign = self.rest().chars().next().filter(|c| matches!(c, ':' | ','))?;
        self.at += 1;
        let (trouble, help) = separator(sign);
        Some(self.apart(Habit::new(start, start + 1, say(trouble, help))))
    }

    /// With a space, if none follows, in the place of a sign that parts two words.
    fn apart(&self, found: Habit) -> Habit {
        let (start, end) = (found.start, found.end);
        match self.text[end..].chars().next() {
            Some('=') => found,
            // a comma may end a member of a JSON object, which is a node
            Some(_) if self.text[start..].starts_with(',') && is_member(&self.text[end..]) => found,
            Some(c) if !c.is_whitespace() && !"};".contains(c) => found.mended(start..end, " "),
            _ => found.mended(start..end, ""),
        }
    }

    /// Where a list ends that begins after a space: in its line, with nothing in it but values.
    fn list_end(&self, open: usize) -> Option<usize> {
        if !self.text[..open].ends_with([' ', '\t']) {
            return None;
        }
        let mut quoted = false;
        for (at, c) in self.text[open + 1..].char_indices() {
            match c {
                '\n' | '\r' | '\\' | '#' => return None,
                '"' => quoted = !quoted,
                '[' | '{' | '}' | ';' | '=' | '(' | '/' if !quoted => return None,
                ']' if !quoted => return Some(open + 1 + at),
                _ => {}
            }
        }
        None
    }

    /// A bare word, number or annotation.
    fn word(&mut self) -> Option<Habit> {
        let start = self.at;
        let name = self.node_begins;
        self.node_begins = false;
        let rest = self.rest();
        if rest.starts_with('(')
            && let Some(close) = rest.find(')')
        {
            self.at += close + 1;
            let after = self.rest();
            let word = after.split(|c: char| c.is_whitespace() || "={};\"".contains(c)).next().unwrap_or("");
            let annotation = &rest[..=close];
            return after[word.len()..].starts_with('=').then(|| {
                let end = start + close + 1;
                let diagnostic = say(
                    format!("the type annotation `{annotation}` stands before a property's name"),
                    format!("remove `{annotation}`: a value is typed by the attribute that it is given to"),
                );
                Habit::new(start, end, diagnostic).mended(start..end, "")
            });
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || "{};\"=[]".contains(c))
            .unwrap_or(rest.len())
            .max(rest.chars().next().map_or(1, char::len_utf8));
        self.at += end;
        let word = &rest[..end];
        let sign = word.chars().next_back().filter(|c| matches!(c, ':' | ','));
        // a bare word may have either in it, and a number may not
        if let Some(sign) = sign
            && (sign == ':' || word.starts_with(|c: char| c.is_ascii_digit()))
            && word.len() > 1
        {
            let (trouble, help) = separator(sign);
            let at = start + end - 1;
            return Some(self.apart(Habit::new(at, at + 1, say(trouble, help))));
        }
        let after = self.text[self.at..].trim_start_matches([' ', '\t']);
        let spaced = after.len() < self.text.len() - self.at;
        if name && spaced && after.starts_with('=') {
            let at = self.text.len() - after.len();
            let value: String = after[1..].trim_start().chars().take_while(|c| !c.is_whitespace()).collect();
            let help = format!(
                "write `{word} {value}`, or `{word}={value}` on the line of the node that it belongs to"
            );
            return Some(Habit::new(at, at + 1, say("a `=` stands after a node's name".to_owned(), help)));
        }
        None
    }
}

/// Whether a name with a `:` or `=` comes next in the line.
fn is_member(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\t']);
    let after = match text.strip_prefix('"') {
        Some(inner) => inner.split_once('"').map_or("", |(_, after)| after),
        None => &text[text.find([' ', '\t', ':', '=', '"', '\n']).unwrap_or(text.len())..],
    };
    after.trim_start_matches([' ', '\t']).starts_with([':', '='])
}

fn separator(sign: char) -> (String, &'static str) {
    match sign {
        ':' => ("KDL has no `:` after a name".to_owned(), "write the value after a space: `name \"value\"`"),
        _ => ("KDL has no `,` between values".to_owned(), "separate values by spaces: `\"a\" \"b\"`"),
    }
}

/// What KDL 2.0 disallows in the open (its "disallowed literal code points").
fn is_disallowed(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
