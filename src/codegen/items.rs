//! Payloads, enums and key parameters → structs and enums.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    docs::code,
    names::{Scope, camel, plain, snake},
    naming::{Naming, chosen},
};
use crate::topology::{Contract, FieldDecl, FieldType, Message};

/// What `item.rs.hbs` fills in: exactly one of the bodies is there.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) doc: Vec<String>,
    /// Whether it travels: a key's parameter does not.
    pub(super) serde: bool,
    pub(super) structure: Option<Structure>,
    pub(super) enumeration: Option<Enumeration>,
    /// Another name for this type.
    pub(super) alias: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Structure {
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    /// Its name on the wire, where that is another.
    pub(super) rename: Option<String>,
    pub(super) doc: Vec<String>,
    pub(super) ty: String,
    pub(super) optional: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Enumeration {
    pub(super) variants: Vec<Variant>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Variant {
    pub(super) name: String,
    pub(super) word: String,
    /// Whether the wire has another word than Rust.
    pub(super) rename: bool,
}

impl Item {
    pub(super) fn structure(name: String, doc: Vec<String>, fields: Vec<Field>) -> Self {
        let structure = Some(Structure { fields });
        Self { name, doc, serde: true, structure, enumeration: None, alias: None }
    }

    pub(super) fn enumeration<'w>(
        name: String,
        doc: Vec<String>,
        words: impl IntoIterator<Item = &'w str>,
        serde: bool,
    ) -> Self {
        let mut scope = Scope::new(&["Self"]);
        let variants = words
            .into_iter()
            .map(|word| {
                let name = scope.take(&[&camel(word)]);
                Variant { rename: name != word, name, word: word.to_owned() }
            })
            .collect();
        let enumeration = Some(Enumeration { variants });
        Self { name, doc, serde, structure: None, enumeration, alias: None }
    }

    pub(super) fn alias(name: String, doc: Vec<String>, of: String) -> Self {
        Self { name, doc, serde: false, structure: None, enumeration: None, alias: Some(of) }
    }
}

/// The Rust names of the fields of a structure, in their order.
pub(super) fn field_names<'f>(fields: impl IntoIterator<Item = &'f str>) -> Vec<String> {
    let mut scope = Scope::default();
    fields.into_iter().map(|name| scope.take(&[&snake(name)])).collect()
}

/// The types and enums that `wanted` rests on, in the order written.
pub(super) fn declared(contract: &Contract, naming: &Naming<'_>, wanted: &BTreeSet<&str>) -> Vec<Item> {
    let mut needed: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = wanted.iter().copied().collect();
    while let Some(name) = open.pop() {
        if needed.insert(name)
            && let Some(structure) = contract.structure(name)
        {
            open.extend(structure.fields.iter().filter_map(|field| field.ty.named()).map(|name| &**name));
        }
    }
    let enums = contract.enums.iter().filter(|found| needed.contains(&*found.name.text)).map(|found| {
        Item::enumeration(
            naming.declared(&found.name.text).to_owned(),
            vec![format!("The enum {}.", code(&found.name.text))],
            found.words.iter().map(|word| &*word.text),
            true,
        )
    });
    let types = contract.types.iter().filter(|found| needed.contains(&*found.name.text)).map(|found| {
        let recursive = Recursion::of(contract, &found.name.text);
        Item::structure(
            naming.declared(&found.name.text).to_owned(),
            vec![format!("The type {}.", code(&found.name.text))],
            fields(&found.fields, naming, &recursive),
        )
    });
    enums.chain(types).collect()
}

/// The payload of a message, where the topology describes it.
pub(super) fn payload(message: &Message, naming: &Naming<'_>, goes: &[String]) -> Item {
    let version = message.definition.integer("version").filter(|version| *version != 1);
    let version = version.map_or(String::new(), |version| format!(", version {version}"));
    let mut doc = vec![format!("The message {}{version}.", code(&message.name.text))];
    for line in goes {
        doc.extend([String::new(), line.clone()]);
    }
    let name = naming.message(message).to_owned();
    Item::structure(name, doc, fields(message.fields(), naming, &Recursion::default()))
}

fn fields(declared: &[FieldDecl], naming: &Naming<'_>, recursive: &Recursion<'_>) -> Vec<Field> {
    let names = field_names(declared.iter().map(|field| &*field.name.text));
    declared
        .iter()
        .zip(names)
        .map(|(field, name)| Field {
            rename: Some(field.name.text.to_string()).filter(|wire| wire != plain(&name)),
            name,
            doc: Vec::new(),
            ty: recursive.boxed(&field.ty, naming),
            optional: matches!(field.ty, FieldType::Optional(_)),
        })
        .collect()
}

/// The types that hold themselves: a Rust structure needs a box on the way back to itself.
#[derive(Default)]
struct Recursion<'a> {
    members: BTreeSet<&'a str>,
}

impl<'a> Recursion<'a> {
    /// The types on the ways from a type back to itself that pass no list and no map.
    fn of(contract: &'a Contract, name: &'a str) -> Self {
        let mut reaches: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut open = vec![name];
        while let Some(at) = open.pop() {
            let Some(structure) = contract.structure(at).filter(|_| !reaches.contains_key(at)) else {
                continue;
            };
            let held: BTreeSet<&str> = structure.fields.iter().filter_map(|field| held(&field.ty)).collect();
            open.extend(&held);
            reaches.insert(at, held);
        }
        let returns = |from: &str| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
            while let Some(at) = open.pop() {
                if at == name {
                    return true;
                }
                if seen.insert(at) {
                    open.extend(reaches.get(at).into_iter().flatten());
                }
            }
            false
        };
        let direct = reaches.get(name).into_iter().flatten();
        Self { members: direct.copied().filter(|held| returns(held)).collect() }
    }

    fn boxed(&self, ty: &FieldType, naming: &Naming<'_>) -> String {
        let rust = naming.rust(ty);
        if !held(ty).is_some_and(|name| self.members.contains(name)) {
            return rust;
        }
        match rust.strip_prefix("Option<").and_then(|inner| inner.strip_suffix('>')) {
            Some(inner) => format!("Option<Box<{inner}>>"),
            None => format!("Box<{rust}>"),
        }
    }
}

/// The type that a field holds within itself.
fn held(ty: &FieldType) -> Option<&str> {
    match ty {
        FieldType::Named(name) => Some(name),
        FieldType::Optional(inner) => held(inner),
        _ => None,
    }
}

/// The enums of key parameters of these messages, each once.
pub(super) fn keys<'a>(
    messages: impl IntoIterator<Item = &'a Message>,
    naming: &Naming<'_>,
) -> BTreeMap<String, Item> {
    let mut items = BTreeMap::new();
    for message in messages {
        for (name, words) in chosen(message) {
            let Some(rust) = naming.key(&message.name.text, name) else { continue };
            items.entry(rust.to_owned()).or_insert_with(|| {
                let doc = format!("The parameter {} of routing keys.", code(&format!("{{{name}}}")));
                Item::enumeration(rust.to_owned(), vec![doc], words, false)
            });
        }
    }
    items
}
