//! Payload structures.

use super::{Attribute, Kind, KindId, Place, Scope, Type};

pub(super) const TYPE: Kind = Kind {
    id: KindId::Type,
    keyword: "type",
    scope: Scope::Contract,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: &[],
    wire: None,
    doc: "A structure that payloads are made of: one child node per field, `name \"type\"`.",
    page: include_str!("type.md"),
};

const ATTRIBUTES: &[Attribute] = &[Attribute::new(
    "name",
    Place::Nowhere,
    Type::Text,
    "Its name, in UpperCamelCase.",
    r#"type "Item" { sku "string"; quantity "u32" }"#,
)
.required()];
