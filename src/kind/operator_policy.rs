//! Operator policies. Source: `rabbit_policy` (`merge_operator_definitions`), `rabbit_policies`.

use super::{Kind, KindId, Scope, Segment, Wire, policy};

pub(super) const OPERATOR_POLICY: Kind = Kind {
    id: KindId::OperatorPolicy,
    keyword: "operator-policy",
    scope: Scope::Vhost,
    identity: &["name"],
    attributes: policy::ATTRIBUTES,
    nested: policy::NESTED,
    wire: Some(Wire {
        list: "parameters",
        component: Some("operator_policy"),
        container: "definition",
        path: &[Segment::Word("operator-policies"), Segment::Vhost, Segment::Field("name")],
    }),
    doc: "An operator policy: limits by who runs the broker, merged into what the owners say.",
    page: include_str!("operator_policy.md"),
};
