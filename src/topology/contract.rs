//! What services agree on: payloads, messages, rpcs, and who says and hears them.

use std::sync::Arc;

use crate::{
    diag::Span,
    kind::{Definition, Value},
    syntax::Word,
};

/// All contracts of a topology, in the order written.
#[derive(Clone, Debug, Default)]
pub struct Contract {
    /// Payload structures.
    pub types: Vec<StructType>,
    /// Payload enums.
    pub enums: Vec<EnumType>,
    /// Messages.
    pub messages: Vec<Message>,
    /// Remote procedure calls.
    pub rpcs: Vec<Rpc>,
    /// Services.
    pub services: Vec<Service>,
}

impl Contract {
    /// Whether some service says what it takes messages from.
    #[must_use]
    pub fn says_who_consumes(&self) -> bool {
        self.services.iter().any(|service| !service.consumes.is_empty())
    }

    /// Everything that is described in it, kind by kind.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        let types = self.types.iter().map(|found| &found.definition);
        types
            .chain(self.enums.iter().map(|found| &found.definition))
            .chain(self.messages.iter().map(|found| &found.definition))
            .chain(self.rpcs.iter().map(|found| &found.definition))
            .chain(self.services.iter().map(|found| &found.definition))
    }

    /// The message of a name.
    #[must_use]
    pub fn message(&self, name: &str) -> Option<&Message> {
        self.messages.iter().find(|message| &*message.name.text == name)
    }

    /// The rpc of a name.
    #[must_use]
    pub fn rpc(&self, name: &str) -> Option<&Rpc> {
        self.rpcs.iter().find(|rpc| &*rpc.name.text == name)
    }

    /// The type of a name.
    #[must_use]
    pub fn structure(&self, name: &str) -> Option<&StructType> {
        self.types.iter().find(|structure| &*structure.name.text == name)
    }

    /// The enum of a name.
    #[must_use]
    pub fn enumeration(&self, name: &str) -> Option<&EnumType> {
        self.enums.iter().find(|enumeration| &*enumeration.name.text == name)
    }
}

/// `type`.
#[derive(Clone, Debug)]
pub struct StructType {
    /// Its name.
    pub name: Word,
    /// Its fields.
    pub fields: Vec<FieldDecl>,
    /// Its node and allows.
    pub definition: Definition,
}

/// `enum`.
#[derive(Clone, Debug)]
pub struct EnumType {
    /// Its name.
    pub name: Word,
    /// Its words, as they stand on the wire.
    pub words: Vec<Word>,
    /// Its node and allows.
    pub definition: Definition,
}

/// A field of a payload.
#[derive(Clone, Debug)]
pub struct FieldDecl {
    /// Its name, as it stands on the wire.
    pub name: Word,
    /// Its type.
    pub ty: FieldType,
    /// Where the type is written.
    pub span: Span,
}

/// The type of a payload's field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text.
    String,
    /// True or false.
    Bool,
    /// 32 bits, signed.
    I32,
    /// 64 bits, signed.
    I64,
    /// 32 bits, unsigned.
    U32,
    /// 64 bits, unsigned.
    U64,
    /// A binary fraction.
    F64,
    /// A decimal fraction, as a string in JSON.
    Decimal,
    /// Bytes, as Base64 in JSON.
    Bytes,
    /// A UUID.
    Uuid,
    /// A moment, RFC 3339.
    Timestamp,
    /// A day.
    Date,
    /// A span of time, in milliseconds.
    Duration,
    /// Several.
    List(Box<FieldType>),
    /// Several by name.
    Map(Box<FieldType>),
    /// Maybe not there.
    Optional(Box<FieldType>),
    /// A declared `type` or `enum`.
    Named(Arc<str>),
}

/// The words for field types without a parameter.
pub const FIELD_TYPES: &[(&str, FieldType)] = &[
    ("string", FieldType::String),
    ("bool", FieldType::Bool),
    ("i32", FieldType::I32),
    ("i64", FieldType::I64),
    ("u32", FieldType::U32),
    ("u64", FieldType::U64),
    ("f64", FieldType::F64),
    ("decimal", FieldType::Decimal),
    ("bytes", FieldType::Bytes),
    ("uuid", FieldType::Uuid),
    ("timestamp", FieldType::Timestamp),
    ("date", FieldType::Date),
    ("duration", FieldType::Duration),
];

impl FieldType {
    /// The type that a text such as `list<Item>?` writes; nesting is bounded.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_below(text.trim(), 8)
    }

    fn parse_below(text: &str, depth: usize) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        if let Some(inner) = text.strip_suffix('?') {
            return Some(Self::Optional(Box::new(Self::parse_below(inner, depth)?)));
        }
        for (prefix, make) in [("list<", Self::List as fn(Box<Self>) -> Self), ("map<", Self::Map)] {
            if let Some(inner) = text.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('>')) {
                return Some(make(Box::new(Self::parse_below(inner.trim(), depth)?)));
            }
        }
        if let Some((_, known)) = FIELD_TYPES.iter().find(|(word, _)| *word == text) {
            return Some(known.clone());
        }
        let mut chars = text.chars();
        let named =
            chars.next().is_some_and(char::is_alphabetic) && chars.all(|c| c.is_alphanumeric() || c == '_');
        named.then(|| Self::Named(Arc::from(text)))
    }

    /// The declared name that it rests on, if any.
    #[must_use]
    pub fn named(&self) -> Option<&Arc<str>> {
        match self {
            Self::Named(name) => Some(name),
            Self::List(inner) | Self::Map(inner) | Self::Optional(inner) => inner.named(),
            _ => None,
        }
    }
}

/// A flow's mention of an exchange or queue.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The name as written; `""` is the default exchange.
    pub name: Word,
    /// The vhost written beside it.
    pub vhost: Option<Word>,
    /// The vhost that it stands in; none when the name is unknown or ambiguous.
    pub found: Option<Arc<str>>,
}

/// What a message carries.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Nothing.
    Empty,
    /// These fields.
    Fields(Vec<FieldDecl>),
    /// What a JSON Schema file says.
    Schema(Word),
    /// A Rust type of the service's own.
    RustType(Word),
}

/// A parameter of a routing key.
#[derive(Clone, Debug)]
pub struct KeyParameter {
    /// Its name: `country` in `shipping.{country}.moved`.
    pub name: Word,
    /// The values that it may have; empty: any one word.
    pub one_of: Vec<Word>,
}

/// A header of a message.
#[derive(Clone, Debug)]
pub struct MessageHeader {
    /// Its name.
    pub name: Word,
    /// Its constant value, or none when the publisher gives it.
    pub value: Option<Value>,
    /// Its type, when the publisher gives it.
    pub ty: Option<FieldType>,
}

/// `message`.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its name.
    pub name: Word,
    /// Where it is published; none when nothing is said.
    pub exchange: Option<Reference>,
    /// Its routing key, with `{parameter}`s; empty when nothing is said.
    pub routing_key: Word,
    /// The key's parameters that are no payload fields.
    pub keys: Vec<KeyParameter>,
    /// Its headers.
    pub headers: Vec<MessageHeader>,
    /// What it carries.
    pub payload: Payload,
    /// Its attributes, node and allows.
    pub definition: Definition,
}

/// A piece of a routing key with parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPart<'a> {
    /// Text as it stands.
    Text(&'a str),
    /// A parameter's name.
    Parameter(&'a str),
}

impl Message {
    /// The routing key cut at its parameters.
    #[must_use]
    pub fn key_parts(&self) -> Vec<KeyPart<'_>> {
        let mut parts = Vec::new();
        let mut rest = &*self.routing_key.text;
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
        {
            if !before.is_empty() {
                parts.push(KeyPart::Text(before));
            }
            parts.push(KeyPart::Parameter(name));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(KeyPart::Text(rest));
        }
        parts
    }

    /// The fields of its payload, where they are declared here.
    #[must_use]
    pub fn fields(&self) -> &[FieldDecl] {
        if let Payload::Fields(fields) = &self.payload { fields } else { &[] }
    }

    /// Whether losing one matters.
    #[must_use]
    pub fn is_important(&self) -> bool {
        self.definition.flag("important")
    }
}

/// `rpc`.
#[derive(Clone, Debug)]
pub struct Rpc {
    /// Its name.
    pub name: Word,
    /// The type of the question.
    pub request: Option<Word>,
    /// The type of the answer.
    pub response: Option<Word>,
    /// The queue that questions wait in.
    pub queue: Option<Reference>,
    /// Its attributes, node and allows.
    pub definition: Definition,
}

/// `service`.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: Word,
    /// What it consumes.
    pub consumes: Vec<Consumes>,
    /// The messages that it publishes.
    pub publishes: Vec<Word>,
    /// The rpcs that it calls.
    pub calls: Vec<Word>,
    /// The rpcs that it answers.
    pub answers: Vec<Answers>,
    /// The user that it connects as.
    pub user: Option<Word>,
    /// Its attributes, node and allows.
    pub definition: Definition,
}

/// `consumes` in a service.
#[derive(Clone, Debug)]
pub struct Consumes {
    /// The queue.
    pub queue: Reference,
    /// How many messages may be unacknowledged at a time, as written.
    pub prefetch: Option<i64>,
    /// How many are handled at a time, as written.
    pub concurrency: Option<i64>,
    /// Whether the broker forgets a message as soon as it is sent.
    pub auto_ack: bool,
    /// The messages that are expected.
    pub on: Vec<Word>,
    /// The node.
    pub span: Span,
}

/// `answers` in a service.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The rpc.
    pub rpc: Word,
    /// How many questions may be unanswered at a time, as written.
    pub prefetch: Option<i64>,
    /// How many are answered at a time, as written.
    pub concurrency: Option<i64>,
    /// The node.
    pub span: Span,
}
