//! KDL as a person would write it: nodes that stand in one line where that is short.

use std::ops::Range;

use crate::{
    diag::visible,
    kind::{Definition, Identity, Type, Value},
    syntax::quote,
};

/// How long a line may be before what it holds stands below it, in characters.
const WIDTH: usize = 100;
const INDENT: usize = 4;
/// What holds several things in one line.
const INLINE: &[&str] = &["bind", "policy", "operator-policy", "shovel", "value"];

/// A node that is being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// What is said about it, above it.
    pub(super) comments: Vec<String>,
    keyword: String,
    arguments: Vec<String>,
    properties: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
    /// Whether an empty line stands before it.
    pub(super) apart: bool,
    /// Which entity it describes.
    describes: Option<Identity>,
}

/// Where entities are described.
pub(super) type Found = Vec<(Range<usize>, Identity)>;

impl Node {
    pub(super) fn new(keyword: &str) -> Self {
        Self { keyword: word(keyword), ..Self::default() }
    }

    pub(super) fn named(keyword: &str, name: &str) -> Self {
        Self::new(keyword).argument(string(name))
    }

    /// One more argument, as KDL.
    pub(super) fn argument(mut self, kdl: String) -> Self {
        self.arguments.push(kdl);
        self
    }

    /// A property, as KDL.
    pub(super) fn property(&mut self, name: &str, kdl: String) {
        self.properties.push((name.to_owned(), kdl));
    }

    /// Says which entity it describes.
    pub(super) fn of(mut self, definition: &Definition) -> Self {
        self.describes = Some(definition.identity());
        self
    }

    /// The same with another word before it.
    pub(super) fn renamed(mut self, keyword: &str) -> Self {
        self.keyword = word(keyword);
        self
    }

    fn head(&self) -> String {
        let properties = self.properties.iter().map(|(name, value)| format!("{name}={value}"));
        let words: Vec<String> = std::iter::once(self.keyword.clone())
            .chain(self.arguments.iter().cloned())
            .chain(properties)
            .collect();
        words.join(" ")
    }

    /// The node with what it says below it, where it says more than fits into a line: each attribute but the first becomes a
    /// child node, which means the same.
    fn spread(&self) -> Self {
        let mut spread = self.clone();
        if self.head().chars().count() <= WIDTH || self.properties.len() < 2 {
            return spread;
        }
        let below = spread.properties.split_off(1).into_iter();
        let below = below.map(|(name, value)| Self::new(&name).argument(value));
        spread.children = below.chain(spread.children).collect();
        spread
    }

    /// Writes nodes that stand beside each other.
    pub(super) fn write_all(nodes: &[Self], depth: usize, out: &mut String) {
        Self::write_marked(nodes, depth, out, &mut Found::new());
    }

    /// Writes nodes that stand beside each other, and notes where which entity is.
    pub(super) fn write_marked(nodes: &[Self], depth: usize, out: &mut String, found: &mut Found) {
        for (index, node) in nodes.iter().enumerate() {
            if node.apart && index > 0 {
                out.push('\n');
            }
            let start = out.len();
            node.write(depth, out, found);
            found.extend(node.describes.clone().map(|identity| (start..out.len(), identity)));
        }
    }

    fn write(&self, depth: usize, out: &mut String, found: &mut Found) {
        let indent = " ".repeat(depth * INDENT);
        for comment in &self.comments {
            out.push_str(&format!("{indent}// {}\n", visible(comment)));
        }
        let node = self.spread();
        out.push_str(&format!("{indent}{}", node.head()));
        if node.children.is_empty() {
            out.push('\n');
            return;
        }
        let start = out.len();
        if let Some(inner) = node.inline()
            && indent.len() + node.head().chars().count() + inner.chars().count() + 5 <= WIDTH
        {
            out.push_str(&format!(" {{ {inner} }}\n"));
            let described = node.children.iter().filter_map(|child| child.describes.clone());
            found.extend(described.map(|identity| (start..out.len(), identity)));
            return;
        }
        out.push_str(" {\n");
        Self::write_marked(&node.children, depth + 1, out, found);
        out.push_str(&format!("{indent}}}\n"));
    }

    /// A few children without children of their own, to stand in the same line.
    fn inline(&self) -> Option<String> {
        let few = self.children.len() == 1 || (INLINE.contains(&&*self.keyword) && self.children.len() <= 3);
        let short = |child: &Self| child.children.is_empty() && child.comments.is_empty();
        let heads: Vec<String> = self.children.iter().map(Self::head).collect();
        (few && self.children.iter().all(short)).then(|| heads.join("; "))
    }
}

/// A string: `${` would stand for a variable.
pub(super) fn string(text: &str) -> String {
    quote(&text.replace("${", "$${"))
}

/// The name of a node: bare where it may be.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let bare = text == "-" || (text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(plain));
    let reserved = matches!(text, "true" | "false" | "null" | "inf" | "nan");
    if bare && !reserved { text.to_owned() } else { quote(text) }
}

/// A value that stands after a name; none for a list or an object.
pub(super) fn scalar(value: &Value, ty: Type) -> Option<String> {
    Some(match (value, ty) {
        (Value::Bool(bool), _) => format!("#{bool}"),
        (Value::Integer(_), Type::Duration(..) | Type::Seconds(..) | Type::Size(..)) => unit(value, ty),
        (Value::Integer(integer), _) => grouped(*integer),
        (Value::Float(float), _) if float.is_nan() => "#nan".to_owned(),
        (Value::Float(float), _) if float.is_infinite() => {
            if *float > 0.0 {
                "#inf".to_owned()
            } else {
                "#-inf".to_owned()
            }
        }
        (Value::Float(float), _) => format!("{float:?}"),
        (Value::Text(text), _) => string(text),
        (Value::Null, _) => "#null".to_owned(),
        (Value::List(_) | Value::Table(_) | Value::Secret(_), _) => return None,
    })
}

/// `"10m"`, where the text means the very same; else the number.
fn unit(value: &Value, ty: Type) -> String {
    let shown = value.show(ty);
    let read = Value::typed(&crate::syntax::Scalar::Text(shown.as_str().into()), ty);
    match value {
        _ if read == *value => quote(&shown),
        Value::Integer(integer) => grouped(*integer),
        _ => quote(&shown),
    }
}

/// `100_000`.
fn grouped(integer: i64) -> String {
    let digits = integer.unsigned_abs().to_string();
    if digits.len() < 5 {
        return integer.to_string();
    }
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    if integer < 0 { format!("-{out}") } else { out }
}

/// A node that holds any JSON; none where KDL has no form for it, as for an empty list.
pub(super) fn json(mut node: Node, value: &Value) -> Option<Node> {
    match value {
        Value::List(items) if items.is_empty() => None,
        Value::List(items) => {
            for item in items {
                node.children.push(json(Node::new("-"), item)?);
            }
            Some(node)
        }
        // a key of one character is what an item of a list is
        Value::Table(table) if table.is_empty() || table.contains_key("-") => None,
        Value::Table(table) => {
            for (name, value) in table {
                node.children.push(json(Node::new(name), value)?);
            }
            Some(node)
        }
        value => Some(node.argument(scalar(value, Type::Json)?)),
    }
}
