//! What may stand in a node whose form is fixed: described once, for who reads the node, for the check of it, and for
//! the reference.

use super::node::{Entry, Node, Scalar, quote};
use crate::diag::{Change, Diagnostic, Report, article, codes, did_you_mean, one_of, surely};

/// A node's form.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The node's name.
    pub keyword: &'static str,
    /// Whether it may stand more than once.
    pub repeats: bool,
    /// What it says, in one line.
    pub doc: &'static str,
    /// KDL that uses it.
    pub example: &'static str,
    /// What stands after its name.
    pub values: Values,
    /// Its properties, each of which may also be a child node.
    pub properties: Properties,
    /// Its other child nodes.
    pub children: Children,
}

/// The values after a node's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// None.
    None,
    /// One text, which names something: `the name of a queue`.
    Name(&'static str),
    /// One text, which may be empty.
    Text(&'static str),
    /// A name, and then at most so many values.
    NameAnd(&'static str, usize),
    /// One or more.
    Several(&'static str),
    /// Whoever reads the node looks at them.
    Free,
}

/// The properties of a node.
#[derive(Clone, Copy, Debug)]
pub enum Properties {
    /// These.
    These(&'static [Property]),
    /// Whoever reads the node looks at them.
    Free,
}

/// The child nodes of a node.
#[derive(Clone, Copy, Debug)]
pub enum Children {
    /// These.
    These(&'static [Form]),
    /// Whoever reads the node looks at them.
    Free,
}

/// A property of a node.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What its value may be.
    pub wanted: Wanted,
    /// Whether it must be said.
    pub required: bool,
    /// What it says, in one line.
    pub doc: &'static str,
    /// KDL that uses it, with its node.
    pub example: &'static str,
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Anything.
    Any,
    /// A text with something in it.
    Text,
    /// A text, which may be empty.
    AnyText,
    /// A whole number, both bounds included.
    Whole(i64, i64),
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Property {
    /// Its part of the example: `prefetch=16`.
    fn edit(&self) -> &'static str {
        let start = self.example.find(&format!("{}=", self.name)).unwrap_or(0);
        let part = &self.example[start..];
        let value = part.find('=').map_or(0, |at| at + 1);
        let end = match part[value..].strip_prefix('"') {
            Some(text) => text.find('"').map(|at| value + at + 2),
            None => part[value..].find(' ').map(|at| value + at),
        };
        &part[..end.unwrap_or(part.len())]
    }
}

impl Wanted {
    /// In words, with an article.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Any => "any value".to_owned(),
            Self::Text | Self::AnyText => "a text".to_owned(),
            Self::Whole(i64::MIN, i64::MAX) => "a whole number".to_owned(),
            Self::Whole(min, max) => format!("a whole number from {min} to {max}"),
            Self::OneOf(words) => one_of(words.iter().copied()),
        }
    }

    /// The value that is certainly meant by one that is not taken, as KDL.
    fn certain(self, value: &Scalar) -> Option<String> {
        let text = value.text()?;
        match self {
            Self::OneOf(words) => surely(text, words.iter().copied()).map(quote),
            Self::Whole(..) => {
                let number = Scalar::Integer(text.parse().ok()?);
                self.takes(&number).then(|| number.to_kdl())
            }
            Self::Any | Self::Text | Self::AnyText => None,
        }
    }

    fn takes(self, value: &Scalar) -> bool {
        match (self, value) {
            (Self::Any, _) | (Self::AnyText, Scalar::Text(_)) => true,
            (Self::Text, Scalar::Text(text)) => !text.is_empty(),
            (Self::Whole(min, max), Scalar::Integer(number)) => {
                (i128::from(min)..=i128::from(max)).contains(number)
            }
            (Self::OneOf(words), Scalar::Text(text)) => words.contains(&&**text),
            _ => false,
        }
    }
}

impl Form {
    /// A node that whoever reads it looks at.
    pub(crate) const fn free(
        keyword: &'static str,
        repeats: bool,
        doc: &'static str,
        example: &'static str,
    ) -> Self {
        let (values, properties, children) = (Values::Free, Properties::Free, Children::Free);
        Self { keyword, repeats, doc, example, values, properties, children }
    }

    /// With these values, and without properties and child nodes unless they are added.
    pub(crate) const fn values(mut self, values: Values) -> Self {
        self.values = values;
        self.properties = Properties::These(&[]);
        self.children = Children::These(&[]);
        self
    }

    pub(crate) const fn properties(mut self, properties: &'static [Property]) -> Self {
        self.properties = Properties::These(properties);
        self
    }

    pub(crate) const fn children(mut self, children: &'static [Form]) -> Self {
        self.children = Children::These(children);
        self
    }

    /// With properties that the reader looks at.
    pub(crate) const fn free_properties(mut self) -> Self {
        self.properties = Properties::Free;
        self
    }

    /// With child nodes that the reader looks at.
    pub(crate) const fn free_children(mut self) -> Self {
        self.children = Children::Free;
        self
    }

    /// Its properties, where they are fixed.
    #[must_use]
    pub fn own_properties(&self) -> &'static [Property] {
        if let Properties::These(properties) = self.properties { properties } else { &[] }
    }

    /// Its child nodes, where they are fixed.
    #[must_use]
    pub fn own_children(&self) -> &'static [Form] {
        if let Children::These(children) = self.children { children } else { &[] }
    }

    /// Says all that a node, and what stands in it, has otherwise than its form. Whether it has what it cannot be read
    /// without: its name, and what is required.
    pub(crate) fn check(&self, node: &Node, report: &mut Report) -> bool {
        let named = self.check_values(node, report);
        let complete = self.check_properties(node, report);
        self.check_children(node, report);
        named && complete
    }

    fn check_values(&self, node: &Node, report: &mut Report) -> bool {
        let (what, most) = match self.values {
            Values::None => ("", 0),
            Values::Name(what) | Values::Text(what) => (what, 1),
            Values::NameAnd(what, more) => (what, 1 + more),
            Values::Several(what) => (what, usize::MAX),
            Values::Free => return true,
        };
        for extra in node.arguments().skip(most) {
            let trouble = match most {
                0 => format!("`{}` takes no value", self.keyword),
                1 => format!("`{}` takes one value, {what}", self.keyword),
                _ => format!("`{}` takes {what}", self.keyword),
            };
            report.push(
                Diagnostic::new(codes::UNWANTED_VALUE, trouble)
                    .label(extra.span, "this one is too many")
                    .help(format!("write `{}`", self.example)),
            );
        }
        let first = node.arguments().next();
        let found = match (self.values, first.map(|entry| &entry.value)) {
            (Values::None, _) | (Values::Text(_), Some(Scalar::Text(_))) => return true,
            (Values::Several(_), Some(_)) => return true,
            (_, Some(Scalar::Text(text))) if !text.is_empty() => return true,
            (_, None) => None,
            (_, Some(Scalar::Text(_))) => Some("an empty text".to_owned()),
            (_, Some(other)) => Some(other.to_kdl()),
        };
        let (code, trouble) = match found {
            None => (codes::MISSING, format!("`{}` needs {what}", self.keyword)),
            Some(found) => (codes::BAD_VALUE, format!("`{}` needs {what}, not {found}", self.keyword)),
        };
        report.push(
            Diagnostic::new(code, trouble)
                .label(first.map_or(node.span, |entry| entry.span), "")
                .note(self.doc)
                .help(format!("write `{}`", self.example)),
        );
        false
    }

    fn check_properties(&self, node: &Node, report: &mut Report) -> bool {
        let Properties::These(properties) = self.properties else { return true };
        let mut said: Vec<(&str, &Entry)> = Vec::new();
        for (word, entry) in node.properties() {
            match properties.iter().find(|property| *property.name == *word.text) {
                Some(property) => self.check_property(property, entry, &mut said, report),
                None => {
                    let names = properties.iter().map(|property| property.name);
                    let trouble = format!("`{}` has no attribute `{}`", self.keyword, word.text);
                    let help = match properties {
                        [] => format!("remove `{}`", word.text),
                        _ => did_you_mean(&word.text, names, "attribute"),
                    };
                    let meant = surely(&word.text, properties.iter().map(|property| property.name));
                    let meant = meant.filter(|near| node.setting(near).is_none());
                    report.push(
                        Diagnostic::new(codes::UNKNOWN_ATTRIBUTE, trouble)
                            .label(word.span, "")
                            .help(help)
                            .mend(meant.map(|near| Change::Name(word.span, near.to_owned()))),
                    );
                }
            }
        }
        for child in &node.children {
            let Some(property) = properties.iter().find(|property| child.is(property.name)) else { continue };
            let alone = child.entries.len() == 1 && child.children.is_empty();
            match child.arguments().next().filter(|_| alone) {
                Some(entry) => self.check_property(property, entry, &mut said, report),
                None => report.push(
                    Diagnostic::new(codes::MISSING, format!("`{}` takes one value", property.name))
                        .label(child.span, "")
                        .help(format!("write `{}`", property.edit())),
                ),
            }
        }
        let mut complete = true;
        for property in properties.iter().filter(|property| property.required) {
            let written =
                node.property(property.name).is_some() || node.children.iter().any(|c| c.is(property.name));
            if !written {
                complete = false;
                report.push(
                    Diagnostic::new(codes::MISSING, format!("`{}` needs `{}`", self.keyword, property.name))
                        .label(node.span, "")
                        .note(property.doc)
                        .help(format!("write `{}`", property.example)),
                );
            }
        }
        complete
    }

    fn check_property<'a>(
        &self,
        property: &Property,
        entry: &'a Entry,
        said: &mut Vec<(&'static str, &'a Entry)>,
        report: &mut Report,
    ) {
        if let Some((_, first)) = said.iter().find(|(name, _)| *name == property.name) {
            let same = entry.name.is_some() && first.value == entry.value;
            report.push(
                Diagnostic::new(
                    codes::DUPLICATE,
                    format!("`{}` is said twice for `{}`", property.name, self.keyword),
                )
                .label(entry.span, "again here")
                .label(first.span, "first here")
                .help("remove one of the two")
                .mend(same.then_some(Change::Remove(entry.span))),
            );
            return;
        }
        said.push((property.name, entry));
        if !property.wanted.takes(&entry.value) {
            let trouble = match (property.wanted, &entry.value) {
                (Wanted::Text, Scalar::Text(_)) => "is empty".to_owned(),
                (wanted, value) => format!("is {}, not {}", wanted.words(), value.to_kdl()),
            };
            report.push(
                Diagnostic::new(codes::BAD_VALUE, format!("`{}` {trouble}", property.name))
                    .label(entry.span, "")
                    .help(format!("write `{}`", property.edit()))
                    .mend(property.wanted.certain(&entry.value).map(|kdl| Change::Value(entry.span, kdl))),
            );
        }
    }

    fn check_children(&self, node: &Node, report: &mut Report) {
        let Children::These(children) = self.children else { return };
        let properties = self.own_properties();
        for (at, child) in node.children.iter().enumerate() {
            if properties.iter().any(|property| child.is(property.name)) {
                continue;
            }
            let Some(form) = children.iter().find(|form| child.is(form.keyword)) else {
                let names: Vec<&str> = children
                    .iter()
                    .map(|form| form.keyword)
                    .chain(properties.iter().map(|property| property.name))
                    .collect();
                let help = match names.as_slice() {
                    [] => format!("remove `{}`", child.name.text),
                    _ => did_you_mean(&child.name.text, names.iter().copied(), "node"),
                };
                let meant = surely(&child.name.text, names.iter().copied());
                let meant = meant.filter(|near| {
                    let repeats = children.iter().any(|form| form.keyword == *near && form.repeats);
                    repeats || (node.setting(near).is_none() && !node.children.iter().any(|c| c.is(near)))
                });
                report.push(
                    Diagnostic::new(
                        codes::UNKNOWN_NODE,
                        format!("{} `{}` has no `{}`", article(self.keyword), self.keyword, child.name.text),
                    )
                    .label(child.span, "")
                    .help(help)
                    .mend(meant.map(|near| Change::Name(child.span, near.to_owned()))),
                );
                continue;
            };
            let first = node.children[..at].iter().find(|other| !form.repeats && other.is(form.keyword));
            if let Some(first) = first {
                report.push(
                    Diagnostic::new(
                        codes::DUPLICATE,
                        format!("`{}` is said twice for `{}`", form.keyword, self.keyword),
                    )
                    .label(child.span, "again here")
                    .label(first.span, "first here")
                    .help("remove one of the two"),
                );
                continue;
            }
            form.check(child, report);
        }
    }
}
