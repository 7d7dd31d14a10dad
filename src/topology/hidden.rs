//! Secrets as attributes: by where they are found, each in one way.

use std::sync::Arc;

use super::{
    attributes::Reader,
    values::{SecretSource, plain, secret},
};
use crate::{
    diag::{Diagnostic, codes},
    kind::{Attribute, Secret, Type, Value, is_password_hash},
    syntax::{Entry, Node},
};

impl Reader<'_, '_> {
    /// `password env="NAME"`, or a text that should not stand there.
    pub(super) fn child_secret(&mut self, child: &Node, attribute: &'static Attribute) -> Option<Value> {
        let sources = SecretSource::of(attribute);
        let names: Vec<&str> = sources.iter().map(|source| source.property()).collect();
        self.leaf(child, 1, &names);
        let named =
            sources.iter().filter_map(|source| Some((child.property(source.property())?, Some(*source))));
        let plainly = child.arguments().take(1).map(|entry| (entry, None));
        let said: Vec<(&Entry, Option<SecretSource>)> = named.chain(plainly).collect();
        match said.as_slice() {
            [] if child.properties().next().is_none() => self.needs_value(child, attribute),
            [] => {}
            [(entry, None)] => return Some(plain(&entry.value, Type::Secret)),
            [(entry, Some(source))] => return Some(self.secret(attribute, *source, entry)),
            [(first, _), (again, _), ..] => {
                self.twice(&format!("`{}` is said in two ways", attribute.name), again.span, first.span);
            }
        }
        None
    }

    /// A secret by where it is found.
    pub(super) fn secret(
        &mut self,
        attribute: &'static Attribute,
        source: SecretSource,
        entry: &Entry,
    ) -> Value {
        let trouble = match entry.value.text() {
            None => format!("is a text, not {}", entry.value.to_kdl()),
            Some(text) if text.is_empty() => "is empty".to_owned(),
            Some(text) if source == SecretSource::Hash && !is_password_hash(text) => {
                "is no hash of a password".to_owned()
            }
            Some(_) => return secret(source, &entry.value),
        };
        let property = source.property();
        let diagnostic = Diagnostic::new(
            codes::BAD_VALUE,
            format!("the `{property}` of `{}` {trouble}", attribute.spelling()),
        )
        .label(entry.span, "");
        self.report.push(match source {
            SecretSource::Hash => diagnostic
                .note("the broker's hashes are Base64 of a salt and a digest: 20, 36 or 68 bytes")
                .help("run `rabbitmqctl hash_password`, and write what it prints"),
            SecretSource::Env => diagnostic.help(format!("write `{} env=\"NAME\"`", attribute.name)),
            SecretSource::File => diagnostic.help(format!("write `{} file=\"PATH\"`", attribute.name)),
        });
        // in its place, so that nothing else is missing
        Value::Secret(Secret::Env(Arc::from("")))
    }

    pub(super) fn find_secret(&self, name: &str) -> Option<(&'static Attribute, SecretSource)> {
        SecretSource::ALL.iter().find_map(|source| {
            let attribute = self.find(source.stem(name)?)?;
            SecretSource::of(attribute).contains(source).then_some((attribute, *source))
        })
    }
}
