//! Where in the files an argument is written, and how it is taken out or something is put in.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diag::{Edit, FileId, Report, SourceMap, Span},
    kind::Attribute,
    syntax::{Node, ReadOnce, parse},
};

const INDENT: &str = "    ";

/// The nodes of all files as they are written, before templates and loops.
pub(super) struct Written {
    /// The files with their secrets, under the same identities.
    sources: SourceMap,
    spots: Vec<Spot>,
    by_node: BTreeMap<Span, usize>,
    by_entry: BTreeMap<Span, usize>,
    templates: BTreeMap<String, usize>,
    /// Names of loops whose values hang on variables.
    unsteady: BTreeSet<String>,
}

struct Spot {
    name: String,
    title: Option<String>,
    span: Span,
    extent: Span,
    parent: Option<usize>,
    children: Vec<usize>,
    properties: Vec<(String, Span)>,
    /// The template that it uses.
    uses: Option<String>,
}

/// What is taken out when an argument moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A child node, with all that it says.
    Node(usize),
    /// A property.
    Property(Span),
}

impl Written {
    pub(super) fn read(sources: &SourceMap, texts: &ReadOnce<'_>) -> Self {
        let mut written = Self {
            sources: SourceMap::default(),
            spots: Vec::new(),
            by_node: BTreeMap::new(),
            by_entry: BTreeMap::new(),
            templates: BTreeMap::new(),
            unsteady: BTreeSet::new(),
        };
        for file in sources.files() {
            let id = written.sources.add(file.name.clone(), texts.text(&file.name).unwrap_or_default());
            let nodes = parse(&written.sources, id, &mut Report::default());
            nodes.iter().for_each(|node| {
                written.add(node, None);
            });
        }
        written
    }

    fn add(&mut self, node: &Node, parent: Option<usize>) -> usize {
        let index = self.spots.len();
        let title = node.title().map(|title| title.text.to_string());
        if node.is("for") && node.entries.iter().any(|entry| self.sources.text(entry.span).contains("${")) {
            self.unsteady.extend(title.clone());
        }
        if node.is("template") && parent.is_none() {
            self.templates.extend(title.clone().map(|title| (title, index)));
        }
        let name = node.name.text.to_string();
        let span = node.span;
        // blanks after a node are none of it
        let end = node.extent.start as usize + self.sources.text(node.extent).trim_end().len();
        let extent = Span::new(span.file, node.extent.start as usize, end);
        let properties = node.properties().map(|(word, entry)| (word.text.to_string(), entry.span)).collect();
        let uses = node.property("use").and_then(|entry| entry.value.text()).map(|name| name.to_string());
        self.spots.push(Spot { name, title, span, extent, parent, children: Vec::new(), properties, uses });
        self.by_node.insert(span, index);
        for entry in &node.entries {
            self.by_entry.insert(entry.span, index);
        }
        let children: Vec<usize> = node.children.iter().map(|child| self.add(child, Some(index))).collect();
        self.spots[index].children = children;
        index
    }

    /// The text of a place.
    pub(super) fn text(&self, span: Span) -> &str {
        self.sources.text(span)
    }

    /// Names of loops whose values hang on variables.
    pub(super) fn unsteady(&self) -> impl Iterator<Item = &str> {
        self.unsteady.iter().map(String::as_str)
    }

    /// Where an attribute is written; none where it follows from something else that is.
    pub(super) fn place(&self, attribute: &Attribute, span: Span) -> Option<Place> {
        if let Some(within) = attribute.within {
            let mut spot = *self.by_entry.get(&span)?;
            if self.spots[spot].name != within.node {
                spot = self.spots[spot].parent?;
            }
            return (self.spots[spot].name == within.node).then_some(Place::Node(spot));
        }
        match self.by_node.get(&span) {
            Some(spot) => (self.spots[*spot].name == attribute.name).then_some(Place::Node(*spot)),
            None => self.by_entry.contains_key(&span).then_some(Place::Property(span)),
        }
    }

    /// What is written in a place.
    pub(super) fn span(&self, place: Place) -> Span {
        match place {
            Place::Node(spot) => self.spots[spot].extent,
            Place::Property(span) => span,
        }
    }

    /// The edits that take places out: a line that holds nothing else goes, and so does a block.
    pub(super) fn take_out(&self, places: &BTreeSet<Place>) -> Vec<Edit> {
        let goes = |spot: &usize| places.contains(&Place::Node(*spot));
        let mut emptied = BTreeSet::new();
        let mut edits = Vec::new();
        for place in places {
            let span = match place {
                Place::Property(span) => self.with_space_before(*span),
                Place::Node(spot) => {
                    let parent = self.spots[*spot].parent.filter(|parent| {
                        let all = self.spots[*parent].children.iter().all(goes);
                        all && self.block_end(*parent).is_some() && !self.has_words(*parent)
                    });
                    match parent {
                        Some(parent) if !emptied.insert(parent) => continue,
                        Some(parent) => self.block(parent),
                        None => self.line(self.spots[*spot].extent),
                    }
                }
            };
            edits.push(Edit { span, replacement: String::new() });
        }
        edits
    }

    /// The block of a node, with the space before it.
    fn block(&self, spot: usize) -> Span {
        let Spot { span, extent, .. } = self.spots[spot];
        Span { start: span.end, ..extent }
    }

    /// Whether a block holds more than its nodes: comments.
    fn has_words(&self, spot: usize) -> bool {
        let mut text = self.text(self.block(spot)).to_owned();
        let base = self.spots[spot].span.end as usize;
        for child in self.spots[spot].children.iter().rev() {
            let extent = self.spots[*child].extent;
            let (start, end) = (extent.start as usize - base, extent.end as usize - base);
            if text.get(start..end).is_some() {
                text.replace_range(start..end, "");
            }
        }
        text.contains(|c: char| !c.is_whitespace() && !matches!(c, '{' | '}' | ';'))
    }

    fn with_space_before(&self, span: Span) -> Span {
        let before = self.before(span);
        let space = before.len() - before.trim_end_matches([' ', '\t']).len();
        Span::new(span.file, span.start as usize - space, span.end as usize)
    }

    fn before(&self, span: Span) -> &str {
        self.file(span.file).get(..span.start as usize).unwrap_or("")
    }

    fn file(&self, file: FileId) -> &str {
        self.sources.get(file).map_or("", |file| &file.text)
    }

    /// A node with what ends it, and the whole line where nothing else is in it.
    fn line(&self, span: Span) -> Span {
        let (before, after) =
            (self.before(span), self.file(span.file).get(span.end as usize..).unwrap_or(""));
        let blank = |text: &str| text.len() - text.trim_start_matches([' ', '\t']).len();
        let mut end = blank(after);
        if after[end..].starts_with(';') {
            end += 1;
            end += blank(&after[end..]);
        }
        let indent = before.len() - before.trim_end_matches([' ', '\t']).len();
        let starts_line = before[..before.len() - indent].ends_with(['\n', '\r']) || before.len() == indent;
        let newline =
            if after[end..].starts_with("\r\n") { 2 } else { usize::from(after[end..].starts_with('\n')) };
        let (start, end) = match (starts_line, newline) {
            (true, 1..) => (span.start as usize - indent, end + newline),
            // what follows in the line takes its place
            _ => (span.start as usize, end),
        };
        Span::new(span.file, start, span.end as usize + end)
    }

    /// The node at the top level that an entity is written in: its vhost, as a rule.
    pub(super) fn top(&self, entity: Span) -> Option<usize> {
        let mut spot = *self.by_node.get(&entity)?;
        while let Some(parent) = self.spots[spot].parent {
            spot = parent;
        }
        Some(spot)
    }

    /// Puts nodes of a vhost into its block, or after a node at the top level that is something else. `lines` are
    /// indented as at the top level.
    pub(super) fn put_beside(&self, top: usize, lines: &str) -> Edit {
        if self.spots[top].name == "vhost" {
            return self.put_into(top, lines);
        }
        let extent = self.spots[top].extent;
        let end = extent.end as usize;
        let newline = self.newline(extent.file);
        let replacement = lines.lines().map(|line| format!("{newline}{line}")).collect();
        Edit { span: Span::new(extent.file, end, end), replacement }
    }

    /// Puts child nodes into the node that is written in a place.
    pub(super) fn put_within(&self, node: Span, lines: &str) -> Option<Edit> {
        Some(self.put_into(*self.by_node.get(&node)?, lines))
    }

    fn put_into(&self, spot: usize, lines: &str) -> Edit {
        let Spot { span, extent, .. } = self.spots[spot];
        let newline = self.newline(extent.file);
        let before = self.before(span);
        let start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let indent: String = before[start..].chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
        let body: String = lines.lines().map(|line| format!("{newline}{indent}{INDENT}{line}")).collect();
        if !self.has_block(spot) {
            let at = Span::new(extent.file, extent.end as usize, extent.end as usize);
            return Edit { span: at, replacement: format!(" {{{body}{newline}{indent}}}") };
        }
        let Some(end) = self.block_end(spot) else {
            // the end of a large block is not told: these stand behind its last node
            let at = self.end_of_line(extent);
            return Edit { span: at, replacement: body };
        };
        let kept = self.text(Span { start: span.end, end, ..extent }).trim_end().len();
        let start = span.end as usize + kept;
        Edit {
            span: Span { end, ..Span::new(extent.file, start, start) },
            replacement: format!("{body}{newline}{indent}"),
        }
    }

    fn has_block(&self, spot: usize) -> bool {
        let Spot { children, .. } = &self.spots[spot];
        !children.is_empty() || self.text(self.block(spot)).trim_start().starts_with('{')
    }

    /// Where the brace stands that ends a node's block; none where the node was too large to be parsed as one.
    fn block_end(&self, spot: usize) -> Option<u32> {
        let Spot { extent, children, .. } = &self.spots[spot];
        let last = children.last().map(|child| self.spots[*child].extent.end);
        let ends = last != Some(extent.end) && self.text(*extent).ends_with('}');
        ends.then(|| extent.end - 1)
    }

    /// Behind a node, and behind what is said of it in its last line.
    fn end_of_line(&self, span: Span) -> Span {
        let after = self.file(span.file).get(span.end as usize..).unwrap_or("");
        let line = after.lines().next().unwrap_or("");
        let told = line.trim_start_matches([' ', '\t', ';']);
        let length = if told.is_empty() || told.starts_with("//") { line.len() } else { 0 };
        let at = span.end as usize + length;
        Span::new(span.file, at, at)
    }

    fn newline(&self, file: FileId) -> &'static str {
        if self.file(file).contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// Whether a node stands in no loop and no template, so that its text is that of one entity.
    pub(super) fn stands_once(&self, node: Span) -> bool {
        let Some(spot) = self.by_node.get(&node) else { return false };
        let mut spot = &self.spots[*spot];
        while let Some(parent) = spot.parent {
            spot = &self.spots[parent];
            if matches!(spot.name.as_str(), "for" | "template") {
                return false;
            }
        }
        true
    }

    /// The template that would say an attribute of an entity, if this place did not, and where.
    pub(super) fn hidden(&self, entity: Span, place: Place, attribute: &Attribute) -> Option<(&str, Place)> {
        let said = attribute.within.map_or(attribute.name, |within| within.node);
        let mut spot = *self.by_node.get(&entity)?;
        let mut passed = false;
        // a template that uses itself is no topology
        for _ in 0..self.spots.len() {
            if passed && let Some(there) = self.says(spot, said) {
                return Some((self.spots[spot].title.as_deref().unwrap_or_default(), there));
            }
            passed |= self.says(spot, said) == Some(place);
            let name = self.spots[spot].uses.as_deref()?;
            spot = *self.templates.get(name)?;
        }
        None
    }

    fn says(&self, spot: usize, name: &str) -> Option<Place> {
        let Spot { children, properties, .. } = &self.spots[spot];
        let child = children.iter().find(|child| self.spots[**child].name == name);
        let property = || properties.iter().find(|(property, _)| property == name);
        child.map(|child| Place::Node(*child)).or_else(|| property().map(|(_, span)| Place::Property(*span)))
    }

    /// What a template is called that a place is in.
    pub(super) fn template(&self, place: Place) -> Option<&str> {
        let mut spot = match place {
            Place::Node(spot) => spot,
            Place::Property(span) => *self.by_entry.get(&span)?,
        };
        while let Some(parent) = self.spots[spot].parent {
            spot = parent;
        }
        (self.spots[spot].name == "template").then(|| self.spots[spot].title.as_deref()).flatten()
    }
}
