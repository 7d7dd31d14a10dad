//! Global runtime parameters. Source: `rabbit_runtime_parameters`, `rabbit_mgmt_wm_global_parameter`.

use super::{Attribute, Kind, KindId, Place, Scope, Segment, Type, Wire, parameter};

/// How the names of topoc's own records begin: a topology may have no parameter of such a name.
pub const RECORD_PREFIX: &str = "topoc:";

pub(super) const GLOBAL_PARAMETER: Kind = Kind {
    id: KindId::GlobalParameter,
    keyword: "global-parameter",
    scope: Scope::Global,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: parameter::NESTED,
    wire: Some(Wire {
        list: "global_parameters",
        component: None,
        container: "",
        path: &[Segment::Word("global-parameters"), Segment::Field("name")],
    }),
    doc: "A runtime parameter of the whole cluster.",
    page: include_str!("global_parameter.md"),
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "name",
        Place::Body("name"),
        Type::Text,
        "Its name.",
        r#"global-parameter "cluster_name" { value "shop" }"#,
    )
    .required(),
    Attribute::new("value", Place::Body("value"), Type::Json, "Its value, any JSON.", r#"value "shop""#)
        .required(),
];
