//! A node's properties and child nodes → an entity's attributes, by what its kind says.

use super::values::{SECRET_SOURCES, SecretSource, json, plain, secret, split};
use crate::{
    diag::{Diagnostic, Report, Span, article, codes, did_you_mean, nearest},
    kind::{Allow, Attribute, COMMON, Definition, Field, Kind, KindId, Place, Scope, Type, Value, Within},
    syntax::{Entry, Node, Scalar, Word},
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
        let title = self.node.title();
        if title.is_none() {
            let keyword = &*self.node.name.text;
            self.report.push(
                Diagnostic::new(codes::MISSING, format!("{} `{keyword}` needs a name", article(keyword)))
                    .label(self.node.span, "")
                    .note(self.kind.doc)
                    .help(format!("write `{keyword} \"name\" …`")),
            );
        }
        title
    }

    /// Reads all attributes into the entity. Child nodes with a structure of their own, which the kind lists,
    /// are given back for the caller to read.
    pub(super) fn attributes(&mut self, definition: &mut Definition, arguments: usize) -> Vec<&'a Node> {
        let node = self.node;
        definition.extent = node.extent;
        for extra in node.arguments().skip(arguments) {
            self.report.push(
                Diagnostic::new(
                    codes::UNWANTED_VALUE,
                    format!("`{}` takes no value here: {}", node.name.text, extra.value.to_kdl()),
                )
                .label(extra.span, "")
                .help("an attribute is written `name=value`, or as a child node `name value`"),
            );
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
                    self.report.push(
                        Diagnostic::new(codes::DUPLICATE, format!("`{}` is said twice", known.keyword))
                            .label(child.span, "again here")
                            .label(first.span, "first here")
                            .help("remove one of the two"),
                    );
                    continue;
                }
                nested.push(child);
            } else {
                self.child(definition, child);
            }
        }
        self.required(definition, &nested);
        nested
    }

    fn property(&mut self, definition: &mut Definition, name: &Word, entry: &Entry) {
        if self.external(definition, name, Some(&entry.value)) {
            return;
        }
        if let Some(attribute) = self.find(&name.text) {
            let value = plain(&entry.value, attribute.ty);
            self.set(definition, attribute, value, entry.span);
        } else if let Some((attribute, source)) = self.find_secret(&name.text) {
            let value = secret(source, &entry.value);
            self.set(definition, attribute, value, entry.span);
        } else if let Some(attribute) = self.part(&name.text) {
            self.apart(definition, attribute, name, entry);
        } else if self.is_policy() {
            let field = Field { value: Value::from_scalar(&entry.value), span: entry.span };
            definition.arguments.insert(name.text.clone(), field);
            definition.unrecognized.insert(name.text.clone());
        } else {
            self.unknown(name);
        }
    }

    /// An attribute that is written in a node with others, by the name that the broker has for it.
    fn part(&self, name: &str) -> Option<&'static Attribute> {
        self.kind.all_attributes().find(|attribute| attribute.name == name && attribute.within.is_some())
    }

    /// Says how such attributes are written, once for all of a node, and takes them as they are meant.
    fn apart(
        &mut self,
        definition: &mut Definition,
        attribute: &'static Attribute,
        name: &Word,
        entry: &Entry,
    ) {
        let Some(Within { node, .. }) = attribute.within else { return };
        if !self.node.children.iter().any(|child| child.is(node)) {
            self.set(definition, attribute, plain(&entry.value, attribute.ty), entry.span);
        }
        let said = |member: &Attribute| {
            let child = || self.node.children.iter().find(|child| child.is(member.name))?.arguments().next();
            let entry = self.node.property(member.name).or_else(child)?;
            // no help may repeat a secret
            Some(if member.ty == Type::Secret { "\"…\"".to_owned() } else { entry.value.to_kdl() })
        };
        let mut edit = node.to_owned();
        let mut first = None;
        for member in self.kind.all_attributes() {
            let Some(Within { property, .. }) = member.within.filter(|within| within.node == node) else {
                continue;
            };
            match (property, said(member)) {
                (Some(property), Some(value)) => edit.push_str(&format!(" {property}={value}")),
                (None, Some(value)) => edit.push_str(&format!(" {value}")),
                (None, None) => edit.push_str(" \"…\""),
                (Some(_), None) => continue,
            }
            first = first.or(said(member).map(|_| member.name));
        }
        if first == Some(attribute.name) {
            self.report.push(
                Diagnostic::new(
                    codes::UNKNOWN_ATTRIBUTE,
                    format!("`{}` is written as a part of `{node}`", name.text),
                )
                .label(name.span, "")
                .help(format!("write `{edit}`")),
            );
        }
    }

    /// A policy's unknown keys are kept: a plugin may know them, and a lint speaks of the others.
    fn is_policy(&self) -> bool {
        matches!(self.kind.id, KindId::Policy | KindId::OperatorPolicy)
    }

    fn child(&mut self, definition: &mut Definition, child: &Node) {
        let flag = child.arguments().next().map(|entry| &entry.value);
        if self.external(definition, &child.name, flag) {
            return;
        }
        let name = &*child.name.text;
        if let Some(attribute) = self.find(name) {
            if let Some(value) = self.child_value(child, attribute) {
                self.set(definition, attribute, value, child.span);
            }
        } else if self.kind.all_attributes().any(|a| a.within.is_some_and(|within| within.node == name)) {
            self.group(definition, child);
        } else if let Some((attribute, source)) = self.find_secret(name)
            && let Some(entry) = child.arguments().next()
        {
            self.set(definition, attribute, secret(source, &entry.value), child.span);
        } else if let Some((attribute, entry)) = self.part(name).zip(child.arguments().next()) {
            self.apart(definition, attribute, &child.name, entry);
        } else if self.is_policy() {
            let field = Field { value: json(child, self.report), span: child.span };
            definition.arguments.insert(child.name.text.clone(), field);
            definition.unrecognized.insert(child.name.text.clone());
        } else {
            self.unknown(&child.name);
        }
    }

    /// Attributes that are said together: `dead-letter "dlx" routing-key="dead"`.
    fn group(&mut self, definition: &mut Definition, child: &Node) {
        let members: Vec<&'static Attribute> = self
            .kind
            .all_attributes()
            .filter(|a| a.within.is_some_and(|within| within.node == &*child.name.text))
            .collect();
        for entry in
            child.entries.iter().chain(child.children.iter().flat_map(|inner| inner.entries.iter().take(1)))
        {
            let inner = child
                .children
                .iter()
                .find(|inner| inner.entries.first().is_some_and(|e| std::ptr::eq(e, entry)));
            let name = inner.map(|inner| &inner.name).or(entry.name.as_ref());
            let written = name.map(|word| &*word.text);
            let exact = members.iter().find(|a| a.within.and_then(|within| within.property) == written);
            let hidden = written.and_then(|written| {
                SECRET_SOURCES.iter().find_map(|(suffix, source)| {
                    let stem = written.strip_suffix(suffix)?;
                    let of = |a: &&&'static Attribute| {
                        a.ty == Type::Secret && a.within.and_then(|within| within.property) == Some(stem)
                    };
                    Some((members.iter().find(of)?, *source))
                })
            });
            if let Some(attribute) = exact {
                self.set(definition, attribute, plain(&entry.value, attribute.ty), entry.span);
            } else if let Some((attribute, source)) = hidden {
                self.set(definition, attribute, secret(source, &entry.value), entry.span);
            } else if let Some(word) = name {
                let names = members.iter().filter_map(|a| a.within.and_then(|within| within.property));
                self.report.push(
                    Diagnostic::new(
                        codes::UNKNOWN_ATTRIBUTE,
                        format!("`{}` has no attribute `{}`", child.name.text, word.text),
                    )
                    .label(word.span, "")
                    .help(did_you_mean(&word.text, names, "attribute")),
                );
            } else {
                self.report.push(
                    Diagnostic::new(
                        codes::UNWANTED_VALUE,
                        format!("`{}` takes no value here", child.name.text),
                    )
                    .label(entry.span, ""),
                );
            }
        }
    }

    /// The value of a child node; none where none is written, which is said.
    fn child_value(&mut self, child: &Node, attribute: &Attribute) -> Option<Value> {
        let mut arguments = child.arguments();
        let value = match attribute.ty {
            Type::Json => json(child, self.report),
            Type::Words => Value::List(
                arguments.filter_map(|entry| entry.value.text()).flat_map(|text| split(text)).collect(),
            ),
            Type::Secret => {
                let named = child.properties().find_map(|(word, entry)| {
                    let (_, source) = SECRET_SOURCES.iter().find(|(suffix, _)| suffix[1..] == *word.text)?;
                    Some(secret(*source, &entry.value))
                });
                named
                    .or_else(|| arguments.next().map(|entry| plain(&entry.value, Type::Secret)))
                    .unwrap_or(Value::Null)
            }
            Type::Bool if child.entries.is_empty() => Value::Bool(true),
            ty => {
                let value = arguments.next().map(|entry| plain(&entry.value, ty));
                if let Some(extra) = arguments.next() {
                    self.report.push(
                        Diagnostic::new(
                            codes::UNWANTED_VALUE,
                            format!("`{}` takes one value", attribute.name),
                        )
                        .label(extra.span, "a second one is here")
                        .help(format!("write `{}`", attribute.example)),
                    );
                }
                if value.is_none() {
                    self.report.push(
                        Diagnostic::new(codes::MISSING, format!("`{}` needs a value", attribute.name))
                            .label(child.span, "")
                            .help(format!("write `{}`", attribute.example)),
                    );
                }
                return value;
            }
        };
        Some(value)
    }

    fn set(&mut self, definition: &mut Definition, attribute: &'static Attribute, value: Value, span: Span) {
        if let Some(first) = definition.field(attribute.name).map(|field| field.span) {
            self.report.push(
                Diagnostic::new(
                    codes::DUPLICATE,
                    format!(
                        "`{}` is said twice for {} `{}`",
                        attribute.name,
                        self.kind.keyword,
                        definition.name()
                    ),
                )
                .label(span, "again here")
                .label(first, "first here")
                .help("remove one of the two"),
            );
            return;
        }
        definition.set(attribute.name, value, span);
    }

    /// An attribute that is written under its own name.
    fn find(&self, name: &str) -> Option<&'static Attribute> {
        self.kind.all_attributes().find(|attribute| attribute.name == name && attribute.within.is_none())
    }

    fn find_secret(&self, name: &str) -> Option<(&'static Attribute, SecretSource)> {
        SECRET_SOURCES.iter().find_map(|(suffix, source)| {
            let attribute = self.find(name.strip_suffix(suffix)?)?;
            (attribute.ty == Type::Secret).then_some((attribute, *source))
        })
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
            Some(_) => self.report.push(
                Diagnostic::new(codes::BAD_VALUE, "`external` is true or false")
                    .label(name.span, "")
                    .help("write `external=#true`"),
            ),
        }
        true
    }

    fn allow(&mut self, definition: &mut Definition, child: &Node) {
        let because = child.property("because").and_then(|entry| entry.value.text().cloned());
        if let Some(lint) = child.title() {
            let within = self.node.extent;
            definition.allows.push(Allow { lint: lint.text, because, span: child.span, within });
        } else {
            self.report.push(
                Diagnostic::new(codes::MISSING, "`allow` needs the name of a lint")
                    .label(child.span, "")
                    .help(format!("write `{}`", COMMON[0].example)),
            );
        }
    }

    /// Speaks of what must be said and is not; what stands in a child node is read later.
    fn required(&mut self, definition: &Definition, nested: &[&Node]) {
        if definition.external {
            return;
        }
        let missing: Vec<&Attribute> = self
            .kind
            .attributes
            .iter()
            .filter(|attribute| attribute.required && attribute.name != "name")
            .filter(|attribute| definition.field(attribute.name).is_none())
            .filter(|attribute| !nested.iter().any(|child| child.is(attribute.name)))
            .collect();
        let Some(first) = missing.first() else { return };
        let names: Vec<String> =
            missing.iter().map(|attribute| format!("`{}`", attribute.spelling())).collect();
        let examples: Vec<String> = missing.iter().map(|a| format!("`{}`", a.example)).collect();
        let mut diagnostic = Diagnostic::new(
            codes::MISSING,
            format!("the {} `{}` has no {}", self.kind.keyword, definition.title(), names.join(", no ")),
        )
        .label(self.node.span, "")
        .help(format!("write {}", examples.join(" and ")));
        if missing.len() == 1 {
            diagnostic = diagnostic.note(first.doc);
        }
        self.report.push(diagnostic);
    }

    fn unknown(&mut self, word: &Word) {
        let (name, kind) = (&*word.text, self.kind);
        if let Some(attribute) = kind.all_attributes().find(|a| a.name == name && a.within.is_some()) {
            let node = attribute.within.map_or("", |within| within.node);
            self.report.push(
                Diagnostic::new(
                    codes::UNKNOWN_ATTRIBUTE,
                    format!("`{name}` is written as a part of `{node}`"),
                )
                .label(word.span, "")
                .help(format!("write `{}`", attribute.example)),
            );
            return;
        }
        let argument = |a: &&'static Attribute| matches!(a.place, Place::Argument(wire) if wire == name);
        if let Some(attribute) = kind.all_attributes().find(argument) {
            self.report.push(
                Diagnostic::new(codes::UNKNOWN_ATTRIBUTE, format!("`{name}` is written without `x-`"))
                    .label(word.span, "")
                    .help(format!("write `{}`", attribute.example)),
            );
            return;
        }
        let names: Vec<&str> = kind
            .all_attributes()
            .filter(|a| a.within.is_none())
            .map(|a| a.name)
            .chain(kind.nested.iter().map(|nested| nested.keyword))
            .chain(kind.all_attributes().filter_map(|a| a.within.map(|within| within.node)))
            .collect();
        // what holds other things has nodes, and what does not has attributes
        let what = if matches!(kind.id, KindId::Vhost | KindId::Service) { "" } else { "attribute " };
        let help = match nearest(name, names.iter().copied()) {
            _ if elsewhere(name, kind).is_some() => elsewhere(name, kind).unwrap_or_default(),
            Some(near) => format!("did you mean `{near}`?"),
            None if kind.nested.iter().any(|nested| nested.keyword == "argument") => {
                format!("`argument \"x-{name}\" …` passes on what topoc does not know")
            }
            None => did_you_mean(name, names, "attribute"),
        };
        self.report.push(
            Diagnostic::new(
                codes::UNKNOWN_ATTRIBUTE,
                format!("{} {} has no {what}`{name}`", article(kind.keyword), kind.keyword),
            )
            .label(word.span, "")
            .help(help),
        );
    }
}

/// Where a word of the language belongs that stands in a kind which does not have it.
fn elsewhere(name: &str, kind: &Kind) -> Option<String> {
    Some(match (name, kind.id) {
        ("binding", KindId::Queue | KindId::Exchange) => {
            "write `bind \"exchange\" routing-key=\"…\"`".to_owned()
        }
        ("binding" | "bind", KindId::Vhost) => BINDING_PLACE.to_owned(),
        ("user" | "message" | "rpc" | "service" | "type" | "enum" | "global-parameter", KindId::Vhost) => {
            format!("{} {name} stands in no vhost: write it at the top level", article(name))
        }
        ("permission" | "topic-permission", KindId::Vhost) => {
            format!("write it in its user: `user \"name\" {{ {name} … }}`")
        }
        _ => return None,
    })
}

/// What to do with a binding that stands by itself.
pub(super) const BINDING_PLACE: &str =
    "a binding is written in its destination: `queue \"inventory\" { bind \"orders\" }`";
