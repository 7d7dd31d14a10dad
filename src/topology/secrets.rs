//! Secrets that stand in the topology itself: passwords, and addresses with a password in them.

use std::sync::Arc;

use super::Topology;
use crate::{
    diag::{Report, Span},
    kind::{Definition, KindId, Secret, Value},
    syntax::{MemorySources, Node, load},
};

/// A secret that stands in a file.
#[derive(Clone, Copy, Debug)]
pub struct InTheOpen<'a> {
    /// What has it; none for a broker's address in an environment.
    pub owner: Option<&'a Definition>,
    /// The attribute.
    pub attribute: &'a str,
    /// Where it stands.
    pub span: Span,
    /// The whole value. It must not be shown.
    pub value: &'a str,
    /// The password in it. It must not be shown.
    pub text: &'a str,
}

/// Every password that stands in a file, in the order of the topology.
pub fn in_the_open(topology: &Topology) -> impl Iterator<Item = InTheOpen<'_>> {
    let kept = topology.definitions().iter().flat_map(|owner| {
        let fields = owner.fields().map(|(name, field)| -> (&str, _) { (name, field) });
        let arguments = owner.arguments.iter().map(|(name, field)| -> (&str, _) { (name, field) });
        fields.chain(arguments).flat_map(move |(attribute, field)| {
            let mut found = Vec::new();
            match &field.value {
                Value::Secret(Secret::Literal(value)) if owner.kind == KindId::User => {
                    found.push((&**value, &**value));
                }
                Value::Secret(Secret::Literal(value)) => found.extend(password(value).map(|p| (&**value, p))),
                _ if owner.kind == KindId::User => {}
                value => passwords(value, &mut found),
            }
            let open =
                |(value, text)| InTheOpen { owner: Some(owner), attribute, span: field.span, value, text };
            found.into_iter().map(open)
        })
    });
    let addresses = topology.environment.iter().flat_map(|environment| {
        let both = [("amqp", &environment.amqp), ("management", &environment.management)];
        both.into_iter().filter_map(|(attribute, word)| Some((attribute, word.as_ref()?)))
    });
    let addresses = addresses.filter_map(|(attribute, word)| {
        let text = password(&word.text)?;
        Some(InTheOpen { owner: None, attribute, span: word.span, value: &word.text, text })
    });
    kept.chain(addresses)
}

/// The addresses with a password in a value, and the passwords.
fn passwords<'a>(value: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::Text(text) => found.extend(password(text).map(|password| (&**text, password))),
        Value::List(items) => items.iter().for_each(|item| passwords(item, found)),
        Value::Table(table) => table.values().for_each(|value| passwords(value, found)),
        _ => {}
    }
}

/// Every secret that is written in nodes as they stand, also where nothing comes of them: in what is said twice, or
/// in an environment that is not the chosen one.
#[must_use]
pub fn written(nodes: &[Node]) -> Vec<(Span, Arc<str>)> {
    let mut found = Vec::new();
    // a payload may have a field of that name
    let has_password = |node: &Node| ["user", "template"].iter().any(|word| node.is(word));
    let mut waiting: Vec<(&Node, bool)> = nodes.iter().map(|node| (node, false)).collect();
    while let Some((node, within)) = waiting.pop() {
        let owns = has_password(node);
        waiting.extend(node.children.iter().map(|child| (child, owns)));
        for entry in &node.entries {
            let Some(text) = entry.value.text() else { continue };
            let name = entry.name.as_ref().unwrap_or(&node.name);
            let may_be = if entry.name.is_some() { owns } else { within };
            if may_be && &*name.text == "password" {
                found.push((entry.span, text.clone()));
            } else if let Some(password) = password(text) {
                found.push((entry.span, Arc::from(password)));
            }
        }
    }
    found
}

/// A text with stars in the place of each secret that is written in it, its lines kept.
#[must_use]
pub fn veiled(text: &str) -> String {
    let name = "text";
    let mut report = Report::default();
    // what else is wrong with it is not asked
    let loaded = load(&[name.to_owned()], &MemorySources::default().with(name, text), &mut report);
    let written = written(&loaded.nodes);
    let mut sources = loaded.sources;
    super::unread::hide(&mut sources, &mut report);
    for (span, secret) in written {
        sources.mask(span, &secret);
    }
    sources.files().first().map_or_else(String::new, |file| file.text.clone())
}

/// The password in an address such as `amqps://user:password@host`.
#[must_use]
pub fn password(uri: &str) -> Option<&str> {
    let authority = uri.split_once("://")?.1;
    let authority = authority.split(['/', '?', '#']).next()?;
    let (_, password) = authority.rsplit_once('@')?.0.split_once(':')?;
    (!password.is_empty()).then_some(password)
}

/// A text with dots in the place of the password of each address in it.
#[must_use]
pub fn without_passwords(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(scheme) = rest.find("://") {
        let (before, address) = rest.split_at(scheme + 3);
        let end = address
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"'))
            .unwrap_or(address.len());
        // the scheme of the next one, where only a comma is between them
        let next = address[end..].starts_with("//") && address[..end].ends_with(':');
        let end = if next { end - 1 } else { end };
        let (authority, after) = address.split_at(end);
        out.push_str(before);
        match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?, host))) {
            Some(((user, password), host)) if !password.is_empty() => {
                out.push_str(&format!("{user}:…@{host}"));
            }
            _ => out.push_str(authority),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether what goes by this name is for few to see.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "secret", "token"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_veiled() {
        let text = "include \"none\"\nuser \"u\" { password \"hunter2\" } // hunter2\n";
        assert_eq!(veiled(text), "include \"none\"\nuser \"u\" { password ********* } // *******\n");
        assert!(!veiled("user \"u\" { password \"hunter2\"").contains("hunter2"));
        assert_eq!(veiled(""), "");
    }

    #[test]
    fn an_address_tells_its_password() {
        assert_eq!(password("amqps://shop:s3cret@eu.example.com:5671/%2F"), Some("s3cret"));
        assert_eq!(password("amqp://a:p@ss@host"), Some("p@ss"));
        for none in
            ["amqp://shop@host", "amqp://shop:@host", "amqp:///shop", "host:5672", "amqp://host/a:b@c"]
        {
            assert_eq!(password(none), None, "{none}");
        }
        assert_eq!(without_passwords("amqp://a:p@host"), "amqp://a:…@host");
        assert_eq!(
            without_passwords("amqp://a:p@h,amqp://b:q@i,http:///c:d@e"),
            "amqp://a:…@h,amqp://b:…@i,http:///c:d@e"
        );
        assert_eq!(
            without_passwords("{a=amqp://u:p,w@h, b=[\"amqp://u:@h\"] c=x://y d=amqps://v:q@i/%2F?z#a:b@c}"),
            "{a=amqp://u:…@h, b=[\"amqp://u:@h\"] c=x://y d=amqps://v:…@i/%2F?z#a:b@c}"
        );
    }
}
