//! Words of a topology → Rust identifiers.
//!
//! A topology names things as RabbitMQ and JSON do (`order-id`, `inventory.queue`, `EUR`); each becomes an
//! identifier of the usual case that no other name of its scope has and that the compiler accepts.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

/// Methods that a value of any type has by std, or by custom: a message's own method would stand before them.
pub(super) const COMMON: &[&str] = &[
    "borrow",
    "borrow_mut",
    "clone",
    "clone_from",
    "clone_into",
    "default",
    "drop",
    "fmt",
    "from",
    "into",
    "new",
    "to_owned",
    "try_from",
    "try_into",
    "type_id",
];

/// `order-id` → `OrderId`, `EUR` → `Eur`, `HTTPServer` → `HttpServer`.
pub(super) fn camel(text: &str) -> String {
    let mut out = String::new();
    for word in words(text) {
        // `1.2` is not `12`
        if out.ends_with(|c: char| c.is_ascii_digit()) && word.starts_with(|c: char| c.is_ascii_digit()) {
            out.push('_');
        }
        let mut chars = word.chars();
        out.extend(chars.next().into_iter().flat_map(char::to_uppercase));
        out.extend(chars.flat_map(char::to_lowercase));
    }
    identifier(out, "N", "Nameless")
}

/// `OrderCreated` → `order_created`; a keyword becomes `r#type`, or `self_` where that is not allowed.
pub(super) fn snake(text: &str) -> String {
    let lower: Vec<String> = words(text).iter().map(|word| word.to_lowercase()).collect();
    identifier(lower.join("_"), "n", "nameless")
}

/// `OrderCreated` → `ORDER_CREATED`.
pub(super) fn screaming(text: &str) -> String {
    let upper: Vec<String> = words(text).iter().map(|word| word.to_uppercase()).collect();
    identifier(upper.join("_"), "N", "NAMELESS")
}

/// Without the mark of a raw identifier: as serde and file names have it.
pub(super) fn plain(identifier: &str) -> &str {
    identifier.strip_prefix("r#").unwrap_or(identifier)
}

/// An identifier without what it only has because it is a keyword: what longer names are made of.
pub(super) fn stem(identifier: &str) -> &str {
    plain(identifier).trim_end_matches('_')
}

/// `self_` with `_key` → `self_key`.
pub(super) fn joined(identifier: &str, with: &str) -> String {
    format!("{}{with}", stem(identifier))
}

/// Cut where the writer changes case or writes no letter.
fn words(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.nfkc().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (at, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            words.push(std::mem::take(&mut word));
            continue;
        }
        let before = at.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(at + 1);
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if begins {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn identifier(text: String, before_digit: &str, nameless: &str) -> String {
    // rustc compares identifiers in a normal form, which another case need not be in
    let text: String = text.nfkc().collect();
    let text = match text.chars().next() {
        None => return nameless.to_owned(),
        Some(first) if first.is_numeric() => format!("{before_digit}{text}"),
        Some(_) => text,
    };
    if is_identifier(&text) {
        return text;
    }
    for escaped in [format!("r#{text}"), format!("{text}_")] {
        if is_identifier(&escaped) {
            return escaped;
        }
    }
    // letters that Unicode does not allow in identifiers
    text.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii() {
            out.push(c)
        } else {
            out.push_str(&format!("u{:x}", u32::from(c)))
        }
        out
    })
}

/// Whether Rust takes it for a name as it stands.
pub(super) fn is_identifier(text: &str) -> bool {
    // a keyword since edition 2024 only
    text != "gen" && syn::parse_str::<syn::Ident>(text).is_ok()
}

/// The names of a Rust namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    taken: BTreeSet<String>,
}

impl Scope {
    /// A scope in which some names are taken already.
    pub(super) fn new(taken: &[&str]) -> Self {
        Self { taken: taken.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// The first of the wished names that is free, else the last with a number.
    pub(super) fn take(&mut self, wishes: &[&str]) -> String {
        let free = wishes.iter().find(|wish| !self.taken.contains(plain(wish)));
        let name = match (free, wishes.last()) {
            (Some(free), _) => (*free).to_owned(),
            (None, last) => {
                let base = stem(last.copied().unwrap_or_default());
                let camel = base.contains(char::is_uppercase)
                    && (base.contains(char::is_lowercase) || !base.contains('_'));
                let gap = if camel { "" } else { "_" };
                let number = (2..).find(|number| !self.taken.contains(&format!("{base}{gap}{number}")));
                format!("{base}{gap}{}", number.unwrap_or(0))
            }
        };
        self.taken.insert(plain(&name).to_owned());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_identifiers() {
        for (text, upper, lower) in [
            ("order-id", "OrderId", "order_id"),
            ("OrderCreated", "OrderCreated", "order_created"),
            ("HTTPServer", "HttpServer", "http_server"),
            ("EUR", "Eur", "eur"),
            ("orderID", "OrderId", "order_id"),
            ("v1.2", "V1_2", "v1_2"),
            ("2fa", "N2fa", "n2fa"),
            ("type", "Type", "r#type"),
            ("gen", "Gen", "r#gen"),
            ("self", "Self_", "self_"),
            ("größe", "Größe", "größe"),
            ("数量", "数量", "数量"),
            ("a²", "A2", "a2"),
            ("ª٣", "A٣", "a٣"),
            ("\u{1100}\u{1161}", "가", "가"),
            ("+", "Nameless", "nameless"),
            ("", "Nameless", "nameless"),
        ] {
            assert_eq!((camel(text).as_str(), snake(text).as_str()), (upper, lower), "{text}");
        }
        assert_eq!(screaming("OrderCreated"), "ORDER_CREATED");
    }

    #[test]
    fn equal_names_are_told_apart() {
        let mut scope = Scope::new(&["Handler"]);
        assert_eq!(scope.take(&["Handler", "HandlerType"]), "HandlerType");
        assert_eq!(scope.take(&["Handler", "HandlerType"]), "HandlerType2");
        assert_eq!(scope.take(&["r#type"]), "r#type");
        assert_eq!(scope.take(&["r#type"]), "type_2");
        assert_eq!(scope.take(&["r#type"]), "type_3");
        assert_eq!(scope.take(&["self_"]), "self_");
        assert_eq!(scope.take(&["self_"]), "self_2");
    }
}
