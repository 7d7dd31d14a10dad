//! The Rust that topologies become. Each folder of `tests/generate` is a case: its topology, and beside it what is
//! generated of it. The crate `tests/generated` compiles them all.

use std::{fs, path::Path};

use topoc::{
    codegen::{self, Error},
    syntax::{DiskSources, Inputs, MemorySources, Sources},
};

fn generate(path: &str, from: &dyn Sources, services: &[&str]) -> Result<String, String> {
    let compiled = topoc::check(&[path.to_owned()], from, &Inputs::default());
    let services: Vec<String> = services.iter().map(|name| (*name).to_owned()).collect();
    match codegen::generate(&compiled, from, &services) {
        Ok(generated) => {
            Ok(generated.files.into_iter().map(|(name, text)| format!("-- {name}\n{text}")).collect())
        }
        Err(Error::Findings { text, .. }) => Err(text),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn cases() {
    let mut folders: Vec<_> =
        fs::read_dir("tests/generate").unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let path = folder.join("topology.kdl");
        let text = fs::read_to_string(&path).unwrap();
        let path = path.to_str().unwrap();
        let generated = generate(path, &DiskSources, &[]).unwrap_or_else(|found| panic!("{path}\n{found}"));
        assert_eq!(
            generate(path, &DiskSources, &[]).unwrap(),
            generated,
            "the same input gives the same bytes"
        );
        insta::with_settings!({
            snapshot_path => Path::new("..").join(&folder),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!("generated", format!("-- topology.kdl\n{text}\n{generated}"));
        });
    }
}

#[test]
fn a_service_gets_its_part_alone() {
    let path = "tests/generate/common/topology.kdl";
    let payment = generate(path, &DiskSources, &["payment"]).unwrap();
    for there in ["pub mod payment", "pub struct PaymentRequest", "pub const CONFIRM_PAYMENT"] {
        assert!(payment.contains(there), "{there}");
    }
    for absent in ["pub mod order", "OrderCreated", "Currency", "Country", "ORDER_CREATED"] {
        assert!(!payment.contains(absent), "{absent}");
    }
    let two = generate(path, &DiskSources, &["inventory", "payment"]).unwrap();
    assert!(two.contains("pub mod inventory") && two.contains("pub mod payment"));
    assert!(two.contains("pub struct Item"), "what a payload holds comes with it");
    insta::assert_snapshot!(generate(path, &DiskSources, &["payments"]).unwrap_err());
}

/// A topology with one message and what is in the way of its code.
fn refused(message: &str, schema: &str) -> String {
    let text = format!(
        "topology \"t\" {{ rabbitmq \"3.10\" }}\n\
         exchange \"e\" type=\"fanout\"\n\
         queue \"q\" type=\"quorum\" max-length=10 overflow=\"reject-publish\" {{ bind \"e\"; retry \"1s\" then=\"d\" }}\n\
         type \"Item\" {{ sku \"string\" }}\n\
         message \"M\" {{ {message} }}\n\
         service \"s\" {{ publishes \"M\" }}\n\
         service \"c\" {{ consumes \"q\" {{ on \"M\" }}; consumes \"d\" }}\n"
    );
    let from = MemorySources::default().with("t.kdl", text).with("m.schema.json", schema);
    generate("t.kdl", &from, &[]).map_or_else(|found| found, |_| "nothing is in the way".to_owned())
}

#[test]
fn what_has_no_rust_is_told() {
    let keyed = |payload: &str| format!("publish-to \"e\" routing-key=\"a.{{b}}\"; payload {{ {payload} }}");
    let schema = |text: &str| refused("publish-to \"e\"; payload schema=\"m.schema.json\"", text);
    let told = [
        refused(&keyed("b \"list<string>\""), ""),
        refused(&keyed("b \"string?\""), ""),
        refused(&keyed("b \"timestamp\""), ""),
        refused(&keyed("b \"bytes\""), ""),
        refused(&keyed("b \"Item\""), ""),
        refused("publish-to \"e\"; header \"h\" type=\"Item\"; header \"i\" type=\"string\"", ""),
        refused("publish-to \"e\"; payload rust-type=\"crate::\"", ""),
        refused("publish-to \"e\"; payload schema=\"no.json\"", ""),
        refused("payload", ""),
        schema("{ \"type\": \"object\""),
        schema("false"),
        schema(r#"{ "oneOf": [{ "type": "string" }, { "type": "integer" }] }"#),
        schema(r#"{ "properties": { "a": { "patternProperties": {} } } }"#),
        schema(r#"{ "properties": { "a/b": { "type": ["string", "integer"] } } }"#),
        schema(r#"{ "properties": { "a": { "$ref": "other.json#/a" } } }"#),
        schema(r##"{ "properties": { "a": { "$ref": "#/$defs/nowhere" } } }"##),
        schema(
            r##"{ "properties": { "a": { "$ref": "#/$defs/x" } }, "$defs": { "x": { "$ref": "#/$defs/x" } } }"##,
        ),
        schema(r#"{ "enum": [1, 2] }"#),
        schema(r#"{ "type": "text" }"#),
        schema(r#"{ "type": "array", "items": [{ "type": "string" }] }"#),
    ];
    insta::assert_snapshot!(told.join("\n"));
}
