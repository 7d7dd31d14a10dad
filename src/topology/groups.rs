//! Attributes that are said together in a node: `dead-letter "dlx" routing-key="dead"`.

use super::{
    attributes::Reader,
    values::{SecretSource, plain},
};
use crate::{
    diag::{Change, Diagnostic, codes, did_you_mean, surely},
    kind::{Attribute, Definition, Type, Within},
    syntax::{Entry, Node, Word, quote},
};

impl Reader<'_, '_> {
    /// An attribute that is written in a node with others, by the name that the broker has for it.
    pub(super) fn part(&self, name: &str) -> Option<&'static Attribute> {
        self.kind.all_attributes().find(|attribute| attribute.name == name && attribute.within.is_some())
    }

    /// Says how such attributes are written, once for all of a node, and takes them as they are meant.
    pub(super) fn apart(
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

    /// Attributes that are said together: `dead-letter "dlx" routing-key="dead"`.
    pub(super) fn group(&mut self, definition: &mut Definition, child: &Node) {
        let members: Vec<&'static Attribute> = self
            .kind
            .all_attributes()
            .filter(|a| a.within.is_some_and(|within| within.node == &*child.name.text))
            .collect();
        for entry in &child.entries {
            self.member(definition, child, &members, entry.name.as_ref(), entry);
        }
        for inner in &child.children {
            let Some(entry) = inner.arguments().next() else {
                let known =
                    |a: &&&Attribute| a.within.and_then(|within| within.property) == Some(&*inner.name.text);
                match members.iter().find(known) {
                    Some(attribute) => self.needs_value(inner, attribute),
                    None => self.no_member(child, &members, &inner.name),
                }
                continue;
            };
            self.leaf(inner, 1, &[]);
            self.member(definition, child, &members, Some(&inner.name), entry);
        }
        if let Some(first) = members.first().filter(|_| child.entries.is_empty() && child.children.is_empty())
        {
            self.needs_value(child, first);
        }
    }

    fn member(
        &mut self,
        definition: &mut Definition,
        child: &Node,
        members: &[&'static Attribute],
        name: Option<&Word>,
        entry: &Entry,
    ) {
        let written = name.map(|word| &*word.text);
        let of = |property: Option<&str>| {
            members.iter().find(|a| a.within.and_then(|within| within.property) == property)
        };
        let hidden = written.and_then(|written| {
            SecretSource::ALL.iter().find_map(|source| {
                let attribute = of(Some(source.stem(written)?))?;
                SecretSource::of(attribute).contains(source).then_some((*attribute, *source))
            })
        });
        if let Some(attribute) = of(written) {
            self.set(definition, attribute, plain(&entry.value, attribute.ty), entry.span);
        } else if let Some((attribute, source)) = hidden {
            let value = self.secret(attribute, source, entry);
            self.set(definition, attribute, value, entry.span);
        } else if let Some(word) = name {
            self.no_member(child, members, word);
        } else {
            self.report.push(
                Diagnostic::new(
                    codes::UNWANTED_VALUE,
                    format!("`{}` takes no value here: {}", child.name.text, entry.value.to_kdl()),
                )
                .label(entry.span, "")
                .help(format!("write `{}`", members.first().map_or("", |member| member.example))),
            );
        }
    }

    fn no_member(&mut self, child: &Node, members: &[&'static Attribute], word: &Word) {
        let names = members.iter().filter_map(|a| a.within.and_then(|within| within.property));
        let node = &child.name.text;
        let meant = surely(&word.text, names.clone()).filter(|near| child.setting(near).is_none());
        let exchange =
            child.property("exchange").filter(|_| child.is("dead-letter") && &*word.text == "exchange");
        let help = match exchange.and_then(|entry| entry.value.text()) {
            Some(exchange) => format!("write `{node} {}`", quote(exchange)),
            None => did_you_mean(&word.text, names, "attribute"),
        };
        self.report.push(
            Diagnostic::new(
                codes::UNKNOWN_ATTRIBUTE,
                format!("`{}` has no attribute `{}`", child.name.text, word.text),
            )
            .label(word.span, "")
            .help(help)
            .mend(match exchange.filter(|_| child.arguments().next().is_none()) {
                Some(entry) => Some(Change::Bare(entry.span)),
                None => meant.map(|near| Change::Name(word.span, near.to_owned())),
            }),
        );
    }
}
