//! A payload described by JSON Schema → Rust types.
//!
//! What says of which shape a value is becomes a type: `type`, `properties`, `required`, `items`,
//! `additionalProperties`, `enum`, `const`, `$ref` within the file, a choice with `null`, and the formats that have
//! a type of their own. What bounds a value (`minLength`, `pattern`, …) is not checked. What makes a shape of several
//! is refused, so that no message is read as less than it is.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    docs::words,
    items::{Field, Item, field_names},
    names::{Scope, camel, joined, plain},
};
use crate::{
    diag::{Diagnostic, Report, SourceMap, codes},
    syntax::{Sources, Word},
    topology::schemas::read,
};

/// Keywords that make a shape of several, or of its values.
const REFUSED: &[&str] = &[
    "$dynamicRef",
    "dependentSchemas",
    "else",
    "if",
    "not",
    "patternProperties",
    "prefixItems",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// References that lead to references are followed so far.
const DEPTH: usize = 64;

/// A type, and whether `null` stands beside it.
struct Type {
    rust: String,
    nullable: bool,
}

impl Type {
    fn of(rust: impl Into<String>) -> Self {
        Self { rust: rust.into(), nullable: false }
    }
}

/// What a type is called, should it need a name of its own.
#[derive(Clone)]
enum Name {
    /// This is its name already.
    Given(String),
    /// This or, if that is taken, one like it.
    Wish(String),
}

impl Name {
    fn text(&self) -> &str {
        let (Self::Given(text) | Self::Wish(text)) = self;
        text
    }

    /// The name of a part of it.
    fn part(&self, suffix: &str) -> Self {
        Self::Wish(format!("{}{suffix}", self.text()))
    }
}

/// A value of any shape.
fn any() -> Type {
    Type::of("topoc_runtime::codegen::serde_json::Value")
}

/// The types of a message's payload; the first is the payload itself, called `name`.
pub(super) fn payload(
    path: &Word,
    sources: &SourceMap,
    from: &dyn Sources,
    name: &str,
    doc: Vec<String>,
    scope: &mut Scope,
    report: &mut Report,
) -> Vec<Item> {
    let root = match read(path, sources, from) {
        Ok(root) => root,
        Err(diagnostic) => {
            report.push(*diagnostic);
            return Vec::new();
        }
    };
    let mut doc = doc;
    for line in description(&root) {
        doc.extend([String::new(), line]);
    }
    let named = BTreeMap::from([("#".to_owned(), name.to_owned())]);
    let open = vec!["#".to_owned()];
    let mut reader = Reader { root: &root, scope, items: Vec::new(), named, open };
    match reader.shape(&root, &Name::Given(name.to_owned()), "#", doc.clone(), DEPTH) {
        Ok(ty) => {
            let mut items = reader.items;
            match items.iter().position(|item| item.name == name) {
                Some(at) => items.swap(0, at),
                None if ty.nullable => {
                    items.insert(0, Item::alias(name.into(), doc, format!("Option<{}>", ty.rust)))
                }
                None => items.insert(0, Item::alias(name.into(), doc, ty.rust)),
            }
            let first = items.len().min(1);
            items[first..].sort_by(|a, b| a.name.cmp(&b.name));
            items
        }
        Err(refused) => {
            report.push(
                Diagnostic::new(codes::NO_RUST, format!("the JSON Schema `{}` {refused}", path.text))
                    .label(path.span, "named here")
                    .note("Rust is generated for JSON Schema of one fixed shape; docs/codegen.md lists what that is")
                    .help(
                        "change the schema, describe the payload in the topology, or name a type of your own: \
                         `payload rust-type=\"crate::Model\"`",
                    ),
            );
            Vec::new()
        }
    }
}

struct Reader<'a> {
    root: &'a Json,
    scope: &'a mut Scope,
    items: Vec<Item>,
    /// The Rust types of definitions, by pointer.
    named: BTreeMap<String, String>,
    /// The definitions that are being read: a field that holds one of them within itself needs a box.
    open: Vec<String>,
}

type Result<T> = std::result::Result<T, String>;

impl Reader<'_> {
    /// The type of a schema; `name` is for one that needs a name of its own.
    fn shape(
        &mut self,
        schema: &Json,
        name: &Name,
        at: &str,
        doc: Vec<String>,
        depth: usize,
    ) -> Result<Type> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(format!("leads from reference to reference at `{at}`"));
        };
        let members = match schema {
            Json::Bool(true) => return Ok(any()),
            Json::Object(members) => members,
            _ => return Err(format!("allows nothing at `{at}`")),
        };
        if let Some(keyword) = REFUSED.iter().find(|keyword| members.contains_key(**keyword)) {
            return Err(format!("has `{keyword}` at `{at}`, which is not one fixed shape"));
        }
        if let Some(reference) = members.get("$ref") {
            let reference = reference.as_str().unwrap_or_default();
            return self.reference(reference, at, depth);
        }
        if let Some(words) = members.get("enum") {
            return self.words(words, name, at, doc);
        }
        if let Some(word) = members.get("const") {
            return self.words(&Json::Array(vec![word.clone()]), name, at, doc);
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            if let Some(choices) = members.get(keyword) {
                return self.choice(keyword, choices, name, at, doc, depth);
            }
        }
        let (kind, nullable) = kind(members, at)?;
        let text = |keyword: &str| members.get(keyword).and_then(Json::as_str);
        let mut ty = match kind {
            None => any(),
            Some("string") => Type::of(match (text("format"), text("contentEncoding")) {
                (Some("uuid"), _) => "topoc_runtime::types::Uuid",
                (Some("date-time"), _) => "topoc_runtime::types::Timestamp",
                (Some("date"), _) => "topoc_runtime::types::Date",
                (Some("duration"), _) => "topoc_runtime::types::Duration",
                (Some("decimal"), _) => "topoc_runtime::types::Decimal",
                (_, Some("base64")) => "topoc_runtime::types::Bytes",
                _ => "String",
            }),
            Some("integer") => Type::of(match text("format") {
                Some("int32") => "i32",
                Some("uint32") => "u32",
                Some("uint64") => "u64",
                _ if members.get("minimum").and_then(Json::as_i64).is_some_and(|least| least >= 0) => "u64",
                _ => "i64",
            }),
            Some("number") => Type::of("f64"),
            Some("boolean") => Type::of("bool"),
            Some("null") => Type { rust: "()".to_owned(), nullable: false },
            Some("array") => {
                let inner = match members.get("items") {
                    None => any(),
                    Some(Json::Array(_)) => {
                        return Err(format!("has a list of several types at `{at}/items`"));
                    }
                    Some(items) => {
                        let open = std::mem::take(&mut self.open);
                        let inner =
                            self.shape(items, &name.part("Item"), &format!("{at}/items"), Vec::new(), depth);
                        self.open = open;
                        inner?
                    }
                };
                Type::of(format!("Vec<{}>", optional(&inner)))
            }
            Some("object") => self.object(members, name, at, doc, depth)?,
            Some(other) => {
                return Err(format!("has the type `{other}` at `{at}`, which JSON Schema does not know"));
            }
        };
        ty.nullable |= nullable;
        Ok(ty)
    }

    fn object(
        &mut self,
        members: &serde_json::Map<String, Json>,
        name: &Name,
        at: &str,
        doc: Vec<String>,
        depth: usize,
    ) -> Result<Type> {
        let others = members.get("additionalProperties");
        let Some(properties) = members.get("properties").and_then(Json::as_object) else {
            let inner = match others {
                Some(Json::Bool(false)) => {
                    let name = self.take(name);
                    self.items.push(Item::structure(name.clone(), doc, Vec::new()));
                    return Ok(Type::of(name));
                }
                None => any(),
                Some(others) => {
                    let at = format!("{at}/additionalProperties");
                    let open = std::mem::take(&mut self.open);
                    let inner = self.shape(others, &name.part("Value"), &at, Vec::new(), depth);
                    self.open = open;
                    inner?
                }
            };
            return Ok(Type::of(format!("topoc_runtime::codegen::BTreeMap<String, {}>", optional(&inner))));
        };
        if others.is_some_and(Json::is_object) {
            return Err(format!("has both `properties` and a schema for others at `{at}`"));
        }
        let name = self.take(name);
        let required: Vec<&str> = members
            .get("required")
            .and_then(Json::as_array)
            .map(|names| names.iter().filter_map(Json::as_str).collect())
            .unwrap_or_default();
        // by name, whatever order the JSON reader keeps
        let properties: BTreeMap<&String, &Json> = properties.iter().collect();
        let rust = field_names(properties.keys().map(|name| name.as_str()));
        let mut fields = Vec::with_capacity(properties.len());
        for ((wire, schema), rust) in properties.into_iter().zip(rust) {
            let at = format!("{at}/properties/{}", wire.replace('~', "~0").replace('/', "~1"));
            let wish = Name::Wish(format!("{name}{}", camel(wire)));
            let ty = self.shape(schema, &wish, &at, description(schema), depth)?;
            let absent = !required.contains(&wire.as_str());
            fields.push(Field {
                rename: Some(wire.clone()).filter(|wire| wire != plain(&rust)),
                name: rust,
                doc: description(schema),
                ty: if absent || ty.nullable { format!("Option<{}>", ty.rust) } else { ty.rust },
                optional: absent,
            });
        }
        let mut doc = doc;
        if doc.is_empty() {
            doc = vec![format!("A part of {}.", super::docs::code(at))];
        }
        self.items.push(Item::structure(name.clone(), doc, fields));
        Ok(Type::of(name))
    }

    fn take(&mut self, name: &Name) -> String {
        match name {
            Name::Given(name) => name.clone(),
            Name::Wish(wish) => self.scope.take(&[wish, &joined(wish, "Payload")]),
        }
    }

    fn reference(&mut self, reference: &str, at: &str, depth: usize) -> Result<Type> {
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err(format!("refers to another file at `{at}`: `{reference}`"));
        };
        if let Some(named) = self.named.get(reference) {
            let within = self.open.iter().any(|open| open == reference);
            return Ok(Type::of(if within { format!("Box<{named}>") } else { named.clone() }));
        }
        let root = self.root;
        let Some(schema) = root.pointer(pointer) else {
            return Err(format!("refers to what is not there at `{at}`: `{reference}`"));
        };
        let last = pointer.rsplit('/').next().unwrap_or_default();
        let wish = Name::Wish(camel(last));
        if !needs_name(schema) {
            return self.shape(schema, &wish, reference, Vec::new(), depth);
        }
        let name = self.take(&wish);
        self.named.insert(reference.to_owned(), name.clone());
        self.open.push(reference.to_owned());
        let ty = self.shape(schema, &Name::Given(name), reference, description(schema), depth);
        self.open.retain(|open| open != reference);
        ty
    }

    /// An enum of words.
    fn words(&mut self, words: &Json, name: &Name, at: &str, doc: Vec<String>) -> Result<Type> {
        let all = words.as_array().map(Vec::as_slice).unwrap_or_default();
        let texts: Vec<&str> = all.iter().filter_map(Json::as_str).collect();
        let nullable = all.iter().any(Json::is_null);
        if texts.is_empty() || texts.len() + usize::from(nullable) != all.len() {
            return Err(format!("has values at `{at}` that are not all texts"));
        }
        let doc = if doc.is_empty() {
            vec![format!("One of the words at {}.", super::docs::code(at))]
        } else {
            doc
        };
        let name = self.take(name);
        self.items.push(Item::enumeration(name.clone(), doc, texts, true));
        Ok(Type { rust: name, nullable })
    }

    /// A choice with `null`, or of one.
    fn choice(
        &mut self,
        keyword: &str,
        choices: &Json,
        name: &Name,
        at: &str,
        doc: Vec<String>,
        depth: usize,
    ) -> Result<Type> {
        let all = choices.as_array().map(Vec::as_slice).unwrap_or_default();
        let is_null = |choice: &&Json| choice.get("type").and_then(Json::as_str) == Some("null");
        let others: Vec<&Json> = all.iter().filter(|choice| !is_null(choice)).collect();
        let nullable = others.len() < all.len();
        match others.as_slice() {
            [one] if !nullable || keyword != "allOf" => {
                let mut ty = self.shape(one, name, &format!("{at}/{keyword}"), doc, depth)?;
                ty.nullable |= nullable;
                Ok(ty)
            }
            _ => Err(format!("has `{keyword}` at `{at}`, which is not one fixed shape")),
        }
    }
}

/// The type that a schema names, and whether it allows `null` beside it.
fn kind<'s>(members: &'s serde_json::Map<String, Json>, at: &str) -> Result<(Option<&'s str>, bool)> {
    match members.get("type") {
        None if members.contains_key("properties") => Ok((Some("object"), false)),
        None if members.contains_key("items") => Ok((Some("array"), false)),
        None => Ok((None, false)),
        Some(Json::String(one)) => Ok((Some(one), false)),
        Some(Json::Array(several)) => {
            let names: Vec<&str> = several.iter().filter_map(Json::as_str).collect();
            let others: Vec<&str> = names.iter().copied().filter(|name| *name != "null").collect();
            match others.as_slice() {
                [one] => Ok((Some(one), names.len() > 1)),
                _ => Err(format!("has several types at `{at}`")),
            }
        }
        Some(_) => Err(format!("has a `type` at `{at}` that is no name")),
    }
}

/// Whether a definition becomes a type of its own.
fn needs_name(schema: &Json) -> bool {
    let has = |keyword: &str| schema.get(keyword).is_some();
    let map = schema.get("type").and_then(Json::as_str) == Some("object") && !has("properties");
    has("properties")
        || has("enum")
        || has("const")
        || (map && schema["additionalProperties"] == Json::Bool(false))
}

fn optional(ty: &Type) -> String {
    if ty.nullable { format!("Option<{}>", ty.rust) } else { ty.rust.clone() }
}

/// What a schema says of itself, as a doc comment.
fn description(schema: &Json) -> Vec<String> {
    let said = schema.get("description").or_else(|| schema.get("title")).and_then(Json::as_str);
    let text = said.map(words).filter(|text| !text.is_empty());
    text.map(|text| vec![format!("{}.", text.trim_end_matches('.'))]).unwrap_or_default()
}
