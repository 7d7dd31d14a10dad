//! Bindings. Source: `rabbit_binding`, `rabbit_exchange_type_headers`.

use super::{
    Attribute, Change, Form, Kind, KindId, Place, Preset, Scope, Segment, Type, Values, Wire, nested,
};

pub(super) const BINDING: Kind = Kind {
    id: KindId::Binding,
    keyword: "binding",
    scope: Scope::Vhost,
    identity: &["source", "destination-type", "destination", "routing-key"],
    attributes: ATTRIBUTES,
    nested: NESTED,
    wire: Some(Wire {
        list: "bindings",
        component: None,
        container: "",
        path: &[
            Segment::Word("bindings"),
            Segment::Vhost,
            Segment::Word("e"),
            Segment::Field("source"),
            Segment::Field("destination-type"),
            Segment::Field("destination"),
        ],
    }),
    doc: "A binding: what an exchange passes on to the queue or exchange that holds the `bind`.",
    page: include_str!("binding.md"),
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "source",
        Place::Body("source"),
        Type::Exchange,
        "The exchange that messages come from.",
        r#"bind "orders""#,
    )
    .change(Change::Replace)
    .required(),
    Attribute::new(
        "destination-type",
        Place::Body("destination_type"),
        Type::OneOf(&["queue", "exchange"]),
        "What holds the `bind`.",
        r#"queue "inventory" { bind "orders" }"#,
    )
    .implied()
    .change(Change::Replace),
    Attribute::new(
        "destination",
        Place::Body("destination"),
        Type::Text,
        "What holds the `bind`.",
        r#"queue "inventory" { bind "orders" }"#,
    )
    .implied()
    .change(Change::Replace),
    Attribute::new(
        "routing-key",
        Place::Body("routing_key"),
        Type::Text,
        "The key or pattern; for a hash exchange the weight.",
        r#"bind "orders" routing-key="order.*""#,
    )
    .change(Change::Replace)
    .default(Preset::Text("")),
    Attribute::argument(
        "match",
        "x-match",
        Type::OneOf(&["all", "any", "all-with-x", "any-with-x"]),
        "How many of the headers must match.",
        r#"bind "by-header" match="all" { header "tier" "gold" }"#,
    ),
];

const NESTED: &[Form] = &[
    nested(
        "header",
        true,
        "A header that a headers exchange compares, typed by its KDL value; without one it only has to be there.",
        r#"header "tier" "gold""#,
    )
    .values(Values::NameAnd("a name and at most one value", 1)),
    nested("argument", true, "Any other argument of the binding.", r#"argument "x-vendor" 5"#)
        .values(Values::NameAnd("a name and a value", 1))
        .free_children(),
];
