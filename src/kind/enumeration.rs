//! Payload enums.

use super::{Attribute, Kind, KindId, Place, Scope, Type};

pub(super) const ENUM: Kind = Kind {
    id: KindId::Enum,
    keyword: "enum",
    scope: Scope::Contract,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: &[],
    wire: None,
    doc: "A choice of words that payloads are made of.",
    page: include_str!("enumeration.md"),
};

const ATTRIBUTES: &[Attribute] = &[Attribute::new(
    "name",
    Place::Nowhere,
    Type::Text,
    "Its name, in UpperCamelCase.",
    r#"enum "Currency" "EUR" "USD""#,
)
.required()];
