//! Runtime parameters. Source: `rabbit_runtime_parameters`.

use super::{Attribute, Form, Kind, KindId, Place, Scope, Segment, Type, Wire, nested};

pub(super) const PARAMETER: Kind = Kind {
    id: KindId::Parameter,
    keyword: "parameter",
    scope: Scope::Vhost,
    identity: &["component", "name"],
    attributes: ATTRIBUTES,
    nested: NESTED,
    wire: Some(Wire {
        list: "parameters",
        component: None,
        container: "",
        path: &[
            Segment::Word("parameters"),
            Segment::Field("component"),
            Segment::Vhost,
            Segment::Field("name"),
        ],
    }),
    doc: "A runtime parameter of a plugin that topoc has no kind for.",
    page: include_str!("parameter.md"),
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "name",
        Place::Body("name"),
        Type::Text,
        "Its name.",
        r#"parameter "name" component="component" { value 1 }"#,
    )
    .required(),
    Attribute::new(
        "component",
        Place::Body("component"),
        Type::Text,
        "The plugin's component.",
        r#"component="my-plugin""#,
    )
    .required(),
    Attribute::new(
        "value",
        Place::Body("value"),
        Type::Json,
        "Its value, any JSON.",
        r#"value { uri "http://127.0.0.1"; retries 3 }"#,
    )
    .required(),
];

pub(super) const NESTED: &[Form] = &[nested(
    "value",
    false,
    "Its value: `value 1`, a list `value { - 1; - 2 }`, or an object `value { key 1 }`.",
    "value { retries 3 }",
)];
