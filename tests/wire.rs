//! An entity goes over the wire and comes back as it was: KDL → definitions → the same entity.

use proptest::prelude::*;
use serde_json::Value as Json;
use topoc::{
    diag::Span,
    kind::{
        DEFAULT_HASHING, Definition, KINDS, KindId, Place, Provenance, Scope, Secret, Type, Value, WireError,
        from_wire, to_wire,
    },
    plan::Live,
    syntax::{Inputs, MemorySources},
};

const SOURCES: [&str; 2] = [include_str!("broker/everything.kdl"), include_str!("language/example.kdl")];

fn reveal(_: &Definition, secret: &Secret) -> Result<String, WireError> {
    Ok(match secret {
        Secret::Env(name) => format!("{name} of the environment"),
        Secret::File(text) | Secret::Hash(text) | Secret::Literal(text) => text.to_string(),
    })
}

/// What an entity says on the wire, whatever says it: with defaults, with secrets revealed.
fn said(definition: &Definition) -> Vec<(String, Option<Value>)> {
    let kind = definition.kind.kind();
    let mut all: Vec<(String, Option<Value>)> = kind
        .all_attributes()
        .filter(|attribute| kind.place(attribute) != Place::Nowhere || definition.kind == KindId::User)
        .map(|attribute| {
            // a hash always says how it was made
            let hashing = (attribute.name == "hashing-algorithm" && definition.field("password").is_some())
                .then(|| Value::text(DEFAULT_HASHING));
            let value = definition.value(attribute.name).or(hashing).map(|value| match value {
                Value::Secret(secret) => {
                    Value::text(reveal(definition, &secret).unwrap_or_else(|error| error.to_string()))
                }
                other => other,
            });
            // nothing and an empty list are the same
            (attribute.name.to_owned(), value.filter(|value| *value != Value::List(Vec::new())))
        })
        .collect();
    all.extend(
        definition.arguments.iter().map(|(name, field)| (name.to_string(), Some(field.value.clone()))),
    );
    all
}

fn there_and_back(definition: &Definition) -> Definition {
    let entry = to_wire(definition, &reveal).expect("it can be written");
    // through text, as a file and an answer go
    let text = Json::Object(entry).to_string();
    let json: Json = serde_json::from_str(&text).expect("it is JSON");
    from_wire(definition.kind, json.as_object().expect("an object")).expect("it can be read")
}

#[test]
fn every_kind_comes_back_as_it_was() {
    let mut kinds = std::collections::BTreeSet::new();
    for source in SOURCES {
        let sources = MemorySources::default()
            .with("a.kdl", source)
            .with("schemas/a.kdl", "type \"Other\" { a \"string\" }");
        let compiled = topoc::compile(&["a.kdl".to_owned()], &sources, &Inputs::default());
        for definition in compiled.topology.definitions() {
            if definition.kind.kind().scope == Scope::Contract {
                continue;
            }
            kinds.insert(definition.kind);
            let back = there_and_back(definition);
            assert_eq!(said(&back), said(definition), "{} {}", definition.kind.word(), definition.title());
            assert_eq!(back.identity(), definition.identity());
        }
    }
    let missing: Vec<_> = KINDS
        .iter()
        .filter(|kind| kind.scope != Scope::Contract && !kinds.contains(&kind.id))
        .map(|kind| kind.keyword)
        .collect();
    assert_eq!(missing, ["parameter"], "no broker here has a component without a kind of its own");
}

fn value_of(ty: Type) -> BoxedStrategy<Value> {
    let within = |min: i64, max: i64| (min..=max).prop_map(Value::Integer).boxed();
    match ty {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Integer(min, max)
        | Type::Duration(min, max)
        | Type::Seconds(min, max)
        | Type::Size(min, max) => within(min, max),
        Type::OneOf(words) | Type::Open(words) => prop::sample::select(words).prop_map(Value::text).boxed(),
        Type::Words(_) => prop::collection::vec("[a-z]{1,5}", 1..3)
            .prop_map(|words| Value::List(words.into_iter().map(Value::text).collect()))
            .boxed(),
        Type::Secret => "[!-~]{1,20}".prop_map(|text| Value::Secret(Secret::Literal(text.into()))).boxed(),
        Type::Json => prop_oneof![
            any::<i64>().prop_map(Value::Integer),
            any::<bool>().prop_map(Value::Bool),
            ".*".prop_map(Value::text),
        ]
        .boxed(),
        Type::Text | Type::Exchange | Type::Queue | Type::Pattern | Type::Age => {
            ".{1,40}".prop_map(Value::text).boxed()
        }
    }
}

/// An entity of any kind with any of its attributes.
fn entity() -> impl Strategy<Value = Definition> {
    let kinds: Vec<KindId> =
        KINDS.iter().filter(|kind| kind.scope != Scope::Contract).map(|kind| kind.id).collect();
    prop::sample::select(kinds).prop_flat_map(|id| {
        let kind = id.kind();
        let fields: Vec<_> = kind
            .all_attributes()
            .filter(|attribute| kind.place(attribute) != Place::Nowhere)
            .map(|attribute| {
                let needed = attribute.required || kind.identity.contains(&attribute.name);
                let value = value_of(attribute.ty);
                let value =
                    if needed { value.prop_map(Some).boxed() } else { prop::option::of(value).boxed() };
                value.prop_map(move |value| (attribute.name, value))
            })
            .collect();
        (fields, ".{0,20}").prop_map(move |(fields, vhost)| {
            let vhost = (kind.scope == Scope::Vhost).then(|| vhost.into());
            let mut definition = Definition::new(id, vhost, Span::NONE, Provenance::Written);
            for (name, value) in fields {
                if let Some(value) = value {
                    definition.set(name, value, Span::NONE);
                }
            }
            definition
        })
    })
}

proptest! {
    #[test]
    fn any_entity_comes_back_as_it_was(definition in entity()) {
        let back = there_and_back(&definition);
        prop_assert_eq!(said(&back), said(&definition));
        prop_assert_eq!(back.identity(), definition.identity());
    }

    #[test]
    fn no_definitions_are_too_strange_to_read(text in "\\PC*") {
        // a sentence or a state, never a panic
        let _ = Live::from_text(&text, Some("v"));
        let _ = Live::from_text(&format!("{{\"queues\": [{text}], \"bindings\": {text}}}"), None);
    }
}
