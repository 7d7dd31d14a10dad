//! Sets of federation upstreams. Source: `rabbit_federation_parameters`.

use super::{Attribute, Form, Kind, KindId, Place, Scope, Segment, Type, Values, Wire, nested};

pub(super) const FEDERATION_UPSTREAM_SET: Kind = Kind {
    id: KindId::FederationUpstreamSet,
    keyword: "federation-upstream-set",
    scope: Scope::Vhost,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: NESTED,
    wire: Some(Wire {
        list: "parameters",
        component: Some("federation-upstream-set"),
        container: "",
        path: &[
            Segment::Word("parameters"),
            Segment::Word("federation-upstream-set"),
            Segment::Vhost,
            Segment::Field("name"),
        ],
    }),
    doc: "Several federation upstreams under one name. The set `all` is always there.",
    page: include_str!("federation_upstream_set.md"),
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "name",
        Place::Body("name"),
        Type::Text,
        "Its name.",
        r#"federation-upstream-set "near" { upstream "eu" }"#,
    )
    .required(),
    Attribute::new(
        "upstreams",
        Place::Body("value"),
        Type::Json,
        "The upstreams; written as `upstream` nodes.",
        r#"upstream "eu""#,
    ),
];

const NESTED: &[Form] = &[nested(
    "upstream",
    true,
    "An upstream of the set, with what differs for it.",
    r#"upstream "eu" exchange="orders" max-hops=2"#,
)
.values(Values::Name("the name of a federation upstream"))
.free_properties()];
