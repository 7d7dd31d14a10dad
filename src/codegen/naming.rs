//! Which Rust name everything of a topology's module has.
//!
//! Names are given out for the whole topology in the order written, so that a name does not depend on which
//! services code is generated for.

use std::collections::BTreeMap;

use super::names::{Scope, camel, joined, screaming, snake};
use crate::topology::{FieldType, KeyPart, Message, Topology};

/// What the prelude and the templates call by these names.
const TAKEN: &[&str] = &[
    "BTreeMap",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Eq",
    "Err",
    "Hash",
    "None",
    "Ok",
    "Option",
    "PartialEq",
    "Result",
    "Self",
    "Send",
    "Some",
    "String",
    "Sync",
    "Vec",
    "serde",
    "topoc_runtime",
];

/// Rust names by the names of the topology.
pub(super) struct Naming<'a> {
    /// The module of all.
    pub(super) module: String,
    types: BTreeMap<&'a str, String>,
    messages: BTreeMap<&'a str, String>,
    constants: BTreeMap<(Callee, &'a str), String>,
    services: BTreeMap<&'a str, String>,
    /// By message and parameter.
    keys: BTreeMap<(&'a str, &'a str), String>,
    /// For names of what is found on the way.
    pub(super) scope: Scope,
}

/// What a constant describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Callee {
    /// A message.
    Message,
    /// An rpc.
    Rpc,
}

impl<'a> Naming<'a> {
    /// The names of a topology; `fallback` names a topology without a name.
    pub(super) fn new(topology: &'a Topology, fallback: &str) -> Self {
        let contract = &topology.contract;
        let name = topology.name.as_ref().map_or(fallback, |name| &name.text);
        let mut scope = Scope::new(TAKEN);
        let mut naming = Self {
            module: snake(name),
            types: BTreeMap::new(),
            messages: BTreeMap::new(),
            constants: BTreeMap::new(),
            services: BTreeMap::new(),
            keys: BTreeMap::new(),
            scope: Scope::default(),
        };
        let types = contract.types.iter().map(|found| &found.name);
        for word in types.chain(contract.enums.iter().map(|found| &found.name)) {
            let wish = camel(&word.text);
            let taken = scope.take(&[&wish, &joined(&wish, "Type")]);
            // a type and an enum of one name are one to the language: the first counts
            naming.types.entry(&word.text).or_insert(taken);
        }
        for message in &contract.messages {
            let wish = camel(&message.name.text);
            naming.messages.insert(&message.name.text, scope.take(&[&wish, &joined(&wish, "Message")]));
        }
        // the constant of all
        let mut constants = Scope::new(&["TOPOLOGY"]);
        for message in &contract.messages {
            let constant = constants.take(&[&screaming(&message.name.text)]);
            naming.constants.insert((Callee::Message, &message.name.text), constant);
        }
        for rpc in &contract.rpcs {
            let wish = screaming(&rpc.name.text);
            let constant = constants.take(&[&wish, &joined(&wish, "_RPC")]);
            naming.constants.insert((Callee::Rpc, &rpc.name.text), constant);
        }
        for service in &contract.services {
            let wish = snake(&service.name.text);
            let service_module = joined(&wish, "_service");
            naming.services.insert(&service.name.text, scope.take(&[&wish, &service_module]));
        }
        naming.name_keys(&contract.messages, &mut scope);
        naming.scope = scope;
        naming
    }

    /// `Country` where all messages agree on the values of `{country}`, else `ShipmentMovedCountry`.
    fn name_keys(&mut self, messages: &'a [Message], scope: &mut Scope) {
        let mut lists: BTreeMap<&str, Vec<Vec<&str>>> = BTreeMap::new();
        let choices = |message: &'a Message| chosen(message).map(move |key| (message, key));
        for (_, (name, words)) in messages.iter().flat_map(choices) {
            let lists = lists.entry(name).or_default();
            if !lists.contains(&words) {
                lists.push(words);
            }
        }
        let mut shared: BTreeMap<&str, String> = BTreeMap::new();
        for (message, (name, _)) in messages.iter().flat_map(choices) {
            let wish = camel(name);
            let own = joined(self.message(message), &wish);
            let rust = if lists.get(name).is_some_and(|lists| lists.len() == 1) {
                shared.entry(name).or_insert_with(|| scope.take(&[&wish, &joined(&wish, "Key")])).clone()
            } else {
                scope.take(&[&own, &joined(&own, "Key")])
            };
            self.keys.insert((&message.name.text, name), rust);
        }
    }

    /// A declared type or enum.
    pub(super) fn declared(&self, name: &str) -> &str {
        self.types.get(name).map_or("", String::as_str)
    }

    /// A message's payload.
    pub(super) fn message(&self, message: &Message) -> &str {
        self.messages.get(&*message.name.text).map_or("", String::as_str)
    }

    /// The constant of a message or rpc.
    pub(super) fn constant(&self, what: Callee, name: &str) -> &str {
        self.constants
            .iter()
            .find(|((callee, named), _)| *callee == what && *named == name)
            .map_or("", |(_, constant)| constant)
    }

    /// A service's module.
    pub(super) fn service(&self, name: &str) -> &str {
        self.services.get(name).map_or("", String::as_str)
    }

    /// The enum of a key's parameter, where its values are said.
    pub(super) fn key(&self, message: &str, parameter: &str) -> Option<&str> {
        self.keys.iter().find(|((of, name), _)| *of == message && *name == parameter).map(|(_, rust)| &**rust)
    }

    /// A field's type as the topology's module writes it.
    pub(super) fn rust(&self, ty: &FieldType) -> String {
        match ty {
            FieldType::String => "String".to_owned(),
            FieldType::Bool => "bool".to_owned(),
            FieldType::I32 => "i32".to_owned(),
            FieldType::I64 => "i64".to_owned(),
            FieldType::U32 => "u32".to_owned(),
            FieldType::U64 => "u64".to_owned(),
            FieldType::F64 => "f64".to_owned(),
            FieldType::Decimal => "topoc_runtime::types::Decimal".to_owned(),
            FieldType::Bytes => "topoc_runtime::types::Bytes".to_owned(),
            FieldType::Uuid => "topoc_runtime::types::Uuid".to_owned(),
            FieldType::Timestamp => "topoc_runtime::types::Timestamp".to_owned(),
            FieldType::Date => "topoc_runtime::types::Date".to_owned(),
            FieldType::Duration => "topoc_runtime::types::Duration".to_owned(),
            FieldType::List(inner) => format!("Vec<{}>", self.rust(inner)),
            FieldType::Map(inner) => {
                format!("topoc_runtime::codegen::BTreeMap<String, {}>", self.rust(inner))
            }
            FieldType::Optional(inner) => match &**inner {
                FieldType::Optional(_) => self.rust(inner),
                inner => format!("Option<{}>", self.rust(inner)),
            },
            FieldType::Named(name) => self.declared(name).to_owned(),
        }
    }
}

/// The parameters of a message's key that are arguments: in the order of the key, each once. A parameter that is
/// a payload field is read from the payload.
pub(super) fn arguments(message: &Message) -> Vec<&str> {
    let mut names = Vec::new();
    for part in message.key_parts() {
        if let KeyPart::Parameter(name) = part
            && !names.contains(&name)
            && !message.fields().iter().any(|field| &*field.name.text == name)
        {
            names.push(name);
        }
    }
    names
}

/// The arguments of a message's key whose values are said, with the values.
pub(super) fn chosen(message: &Message) -> impl Iterator<Item = (&str, Vec<&str>)> {
    arguments(message).into_iter().filter_map(|name| {
        let key = message.keys.iter().find(|key| &*key.name.text == name && !key.one_of.is_empty())?;
        Some((name, key.one_of.iter().map(|word| &*word.text).collect()))
    })
}
