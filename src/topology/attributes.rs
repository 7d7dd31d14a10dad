//! A node's properties and child nodes → an entity's attributes, by what its kind says.

use super::{
    strange,
    values::{json, plain, words},
};
use crate::{
    diag::{Change, Diagnostic, Report, Span, article, codes, did_you_mean, surely},
    kind::{ALLOW, Allow, Attribute, Definition, Field, Kind, KindId, Scope, Type, Value},
    syntax::{Entry, Node, Scalar, Word, quote},
};

/// What stands in one place that needs saying of nodes of a kind.
pub(super) struct Reader<'a, 'r> {
    pub(super) kind: &'static Kind,
    pub(super) node: &'a Node,
    pub(super) report: &'r mut Report,
}

impl<'a> Reader<'a, '_> {
    /// The entity's name: the node's first argument.
    pub(super) fn title(&mut self) -> Option<Word> {
        let keyword = &*self.node.name.text;
        let Some(entry) = self.node.arguments().next() else {
            // `bind exchange="e"`: the name is there, as a property
            let said =
                ["name", "exchange", "source", "queue"].iter().find_map(|word| self.node.property(word));
            let name = said.and_then(|entry| entry.value.text());
            let edit = name.map_or_else(|| "\"name\" …".to_owned(), |name| quote(name));
            self.report.push(
                Diagnostic::new(codes::MISSING, format!("{} `{keyword}` needs a name", article(keyword)))
                    .label(self.node.span, "")
                    .note(self.kind.doc)
                    .help(format!("write `{keyword} {edit}`"))
                    .mend(said.filter(|_| name.is_some()).map(|entry| Change::Bare(entry.span))),
            );
            return None;
        };
        let Some(text) = entry.value.text() else {
            let value = entry.value.to_kdl();
            self.report.push(
                Diagnostic::new(
                    codes::BAD_VALUE,
                    format!("the name of {} `{keyword}` is a text, not {value}", article(keyword)),
                )
                .label(entry.span, "")
                .help(format!("write `{keyword} {}`", quote(&value))),
            );
            return None;
        };
        if let Some((trouble, why)) = self.kind.trouble_with_name(text) {
            self.report.push(
                Diagnostic::new(
                    codes::BAD_VALUE,
                    format!("the name of {} `{keyword}` {trouble}", article(keyword)),
                )
                .label(entry.span, "")
                .note(why)
                .help(format!("write `{keyword} \"name\"`")),
            );
            return None;
        }
        Some(Word { text: text.clone(), span: entry.span })
    }

    /// Reads all attributes into the entity. Child nodes with a structure of their own, which the kind lists,
    /// are given back for the caller to read.
    pub(super) fn attributes(&mut self, definition: &mut Definition, arguments: usize) -> Vec<&'a Node> {
        let node = self.node;
        definition.extent = node.extent;
        for extra in node.arguments().skip(arguments) {
            self.extra(extra);
        }
        for (name, entry) in node.properties() {
            self.property(definition, name, entry);
        }
        let mut nested = Vec::new();
        for child in &node.children {
            if child.is("allow") {
                self.allow(definition, child);
            } else if let Some(known) = self.kind.nested.iter().find(|nested| child.is(nested.keyword)) {
                let first = nested.iter().find(|other: &&&Node| !known.repeats && other.is(known.keyword));
                if let Some(first) = first {
                    self.twice(&format!("`{}` is said twice", known.keyword), child.span, first.span);
                } else if known.check(child, self.report) {
                    nested.push(child);
                } else {
                    // what is there cannot be read, and is not missing either
                    definition.garbled = true;
                }
            } else {
                self.child(definition, child);
            }
        }
        self.required(definition);
        self.fits_type(definition);
        nested
    }

    pub(super) fn twice(&mut self, trouble: &str, again: Span, first: Span) {
        self.report.push(
            Diagnostic::new(codes::DUPLICATE, trouble)
                .label(again, "again here")
                .label(first, "first here")
                .help("remove one of the two"),
        );
    }

    /// Says that an attribute is said twice; what says the same again may go.
    fn again(
        &mut self,
        definition: &Definition,
        attribute: &Attribute,
        field: &Field,
        value: &Value,
        span: Span,
    ) {
        let (name, owner) = (attribute.name, self.kind.keyword);
        let same = field.value == *value;
        self.report.push(
            Diagnostic::new(
                codes::DUPLICATE,
                format!("`{name}` is said twice for {owner} `{}`", definition.name()),
            )
            .label(span, "again here")
            .label(field.span, "first here")
            .help("remove one of the two")
            .mend(same.then_some(Change::Remove(span))),
        );
    }

    /// A value that no name says the meaning of.
    fn extra(&mut self, extra: &Entry) {
        let node = self.node;
        let value = extra.value.to_kdl();
        // `tags="a" "b"`: the words after the first stand by themselves
        let words = node.properties().find_map(|(word, entry)| {
            let attribute =
                self.find(&word.text).filter(|attribute| matches!(attribute.ty, Type::Words(_)))?;
            let before = entry.span.end <= extra.span.start;
            before.then(|| {
                format!("write `{{ {} {} {value} }}`, as a child node", attribute.name, entry.value.to_kdl())
            })
        });
        let permission = matches!(self.kind.id, KindId::Permission | KindId::TopicPermission);
        let place = (permission && node.property("vhost").is_none())
            .then(|| format!("write `{} vhost={value}`", node.name.text));
        let start = Span { end: extra.span.start, ..extra.span };
        let vhost = place.is_some() && words.is_none() && extra.value.text().is_some();
        let before_it = vhost.then(|| Change::Text(start, "vhost=".to_owned()));
        self.report.push(
            Diagnostic::new(
                codes::UNWANTED_VALUE,
                format!("`{}` takes no value here: {value}", node.name.text),
            )
            .label(extra.span, "")
            .mend(before_it)
            .help(words.or(place).unwrap_or_else(|| {
                "an attribute is written `name=value`, or as a child node `name value`".to_owned()
            })),
        );
    }

    fn property(&mut self, definition: &mut Definition, name: &Word, entry: &Entry) {
        if self.external(definition, name, Some(&entry.value)) {
            return;
        }
        if let Some(attribute) = self.find(&name.text) {
            let value = plain(&entry.value, attribute.ty);
            self.set(definition, attribute, value, entry.span);
        } else if let Some((attribute, source)) = self.find_secret(&name.text) {
            let value = self.secret(attribute, source, entry);
            self.set(definition, attribute, value, entry.span);
        } else if let Some(attribute) = self.part(&name.text) {
            self.apart(definition, attribute, name, entry);
        } else if self.is_policy() {
            let field = Field { value: Value::from_scalar(&entry.value), span: entry.span };
            definition.arguments.insert(name.text.clone(), field);
            definition.unrecognized.insert(name.text.clone());
        } else {
            let meant = strange::property(name, entry, self.kind, self.node, self.report);
            if let Some(attribute) = meant.filter(|meant| definition.field(meant.name).is_none()) {
                definition.set(attribute.name, plain(&entry.value, attribute.ty), entry.span);
            }
            definition.garbled |= meant.is_none();
        }
    }

    /// A policy's unknown keys are kept: a plugin may know them, and a lint speaks of the others.
    fn is_policy(&self) -> bool {
        matches!(self.kind.id, KindId::Policy | KindId::OperatorPolicy)
    }

    fn child(&mut self, definition: &mut Definition, child: &'a Node) {
        let flag = child.arguments().next().map(|entry| &entry.value);
        if self.external(definition, &child.name, flag) {
            self.leaf(child, 1, &[]);
            return;
        }
        let name = &*child.name.text;
        if let Some(attribute) = self.find(name) {
            match self.child_value(child, attribute) {
                Some(value) => self.set(definition, attribute, value, child.span),
                None => definition.garbled = true,
            }
        } else if self.kind.all_attributes().any(|a| a.within.is_some_and(|within| within.node == name)) {
            self.group(definition, child);
        } else if let Some((attribute, source)) = self.find_secret(name)
            && let Some(entry) = child.arguments().next()
        {
            self.leaf(child, 1, &[]);
            let value = self.secret(attribute, source, entry);
            self.set(definition, attribute, value, child.span);
        } else if let Some((attribute, entry)) = self.part(name).zip(child.arguments().next()) {
            self.apart(definition, attribute, &child.name, entry);
        } else if self.is_policy() {
            // a lint speaks of the key, whatever its value is
            let value = json(child, &mut Report::default());
            let field = Field { value, span: child.span };
            definition.arguments.insert(child.name.text.clone(), field);
            definition.unrecognized.insert(child.name.text.clone());
        } else {
            let meant = strange::child(child, self.kind, self.node, self.report);
            if let Some(attribute) = meant.filter(|meant| definition.field(meant.name).is_none())
                && let Some(entry) = child.arguments().next()
            {
                definition.set(attribute.name, plain(&entry.value, attribute.ty), child.span);
            }
            definition.garbled |= meant.is_none();
        }
    }

    /// Says what stands in a node that holds no more than its values and these properties.
    pub(super) fn leaf(&mut self, node: &Node, most: usize, properties: &[&str]) {
        let name = &*node.name.text;
        for extra in node.arguments().skip(most) {
            let how_many = if most == 1 { "one value".to_owned() } else { format!("{most} values") };
            self.report.push(
                Diagnostic::new(codes::UNWANTED_VALUE, format!("`{name}` takes {how_many}"))
                    .label(extra.span, "this one is too many")
                    .help("remove it"),
            );
        }
        for (word, _) in node.properties().filter(|(word, _)| !properties.contains(&&*word.text)) {
            let help = match properties {
                [] => format!("remove `{}`", word.text),
                _ => did_you_mean(&word.text, properties.iter().copied(), "attribute"),
            };
            let meant =
                surely(&word.text, properties.iter().copied()).filter(|near| node.setting(near).is_none());
            self.report.push(
                Diagnostic::new(
                    codes::UNKNOWN_ATTRIBUTE,
                    format!("`{name}` has no attribute `{}`", word.text),
                )
                .label(word.span, "")
                .help(help)
                .mend(meant.map(|near| Change::Name(word.span, near.to_owned()))),
            );
        }
        if let Some(inner) = node.children.first() {
            let span = node.children.iter().fold(inner.span, |span, child| span.to(child.span));
            self.report.push(
                Diagnostic::new(codes::UNKNOWN_NODE, format!("`{name}` holds no child nodes"))
                    .label(span, "")
                    .help(format!("remove `{}`, or write it beside `{name}`", inner.name.text)),
            );
        }
    }

    pub(super) fn needs_value(&mut self, node: &Node, attribute: &Attribute) {
        self.report.push(
            Diagnostic::new(codes::MISSING, format!("`{}` needs a value", node.name.text))
                .label(node.span, "")
                .help(format!("write `{}`", attribute.example)),
        );
    }

    /// The value of a child node; none where none is written, which is said.
    fn child_value(&mut self, child: &Node, attribute: &'static Attribute) -> Option<Value> {
        let mut arguments = child.arguments();
        match attribute.ty {
            Type::Json if child.arguments().next().is_some() || !child.children.is_empty() => {
                return Some(json(child, self.report));
            }
            Type::Words(_) => {
                self.leaf(child, usize::MAX, &[]);
                let found = words(child, self.report);
                if found.is_some() {
                    return found;
                }
            }
            Type::Secret => return self.child_secret(child, attribute),
            Type::Bool if child.arguments().next().is_none() => {
                self.leaf(child, 1, &[]);
                return Some(Value::Bool(true));
            }
            ty => {
                self.leaf(child, 1, &[]);
                if let Some(entry) = arguments.next() {
                    return Some(plain(&entry.value, ty));
                }
            }
        }
        if child.arguments().next().is_none() {
            self.needs_value(child, attribute);
        }
        None
    }

    pub(super) fn set(
        &mut self,
        definition: &mut Definition,
        attribute: &'static Attribute,
        value: Value,
        span: Span,
    ) {
        if let Some(first) = definition.field(attribute.name) {
            self.again(definition, attribute, first, &value, span);
            return;
        }
        definition.set(attribute.name, value, span);
    }

    /// An attribute that is written under its own name.
    pub(super) fn find(&self, name: &str) -> Option<&'static Attribute> {
        let own = |attribute: &&Attribute| attribute.within.is_none() && !attribute.implied;
        self.kind.all_attributes().find(|attribute| attribute.name == name && own(attribute))
    }

    /// Reads `external`; says whether it was that.
    fn external(&mut self, definition: &mut Definition, name: &Word, value: Option<&Scalar>) -> bool {
        // somebody else's message or rpc may be heard or called here; types and services are this topology's own
        let may_be =
            self.kind.scope != Scope::Contract || matches!(self.kind.id, KindId::Message | KindId::Rpc);
        if &*name.text != "external" || !may_be {
            return false;
        }
        match value {
            None | Some(Scalar::Bool(true)) => definition.external = true,
            Some(Scalar::Bool(false)) => {}
            Some(value) => {
                let flag = value.text().and_then(|text| text.parse::<bool>().ok());
                self.report.push(
                    Diagnostic::new(codes::BAD_VALUE, "`external` is true or false")
                        .label(name.span, "")
                        .help("write `external=#true`")
                        .mend(flag.map(|flag| Change::Value(name.span, format!("#{flag}")))),
                );
            }
        }
        true
    }

    fn allow(&mut self, definition: &mut Definition, child: &Node) {
        if !ALLOW.check(child, self.report) {
            return;
        }
        if let Some(lint) = child.title() {
            let because = child.setting("because").and_then(|entry| entry.value.text().cloned());
            let within = self.node.extent;
            definition.allows.push(Allow {
                lint: lint.text,
                named: lint.span,
                because,
                span: child.span,
                within,
            });
        }
    }
}

/// What to do with a binding that stands by itself.
pub(super) const BINDING_PLACE: &str =
    "a binding is written in its destination: `queue \"inventory\" { bind \"orders\" }`";
