//! A user's limits. Source: `rabbit_auth_backend_internal:set_user_limits`.

use super::{Attribute, Kind, KindId, Place, Scope, Segment, Type, Wire};

pub(super) const USER_LIMITS: Kind = Kind {
    id: KindId::UserLimits,
    keyword: "user-limits",
    scope: Scope::Global,
    identity: &["user"],
    attributes: ATTRIBUTES,
    nested: &[],
    wire: Some(Wire {
        list: "user_limits",
        component: None,
        container: "value",
        path: &[Segment::Word("user-limits"), Segment::Field("user")],
    }),
    doc: "How many connections and channels a user may have; written `limits` in a `user`.",
    page: include_str!("user_limits.md"),
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "user",
        Place::Body("user"),
        Type::Text,
        "The user that holds the `limits`.",
        r#"user "shop" { limits max-channels=100 }"#,
    )
    .implied(),
    Attribute::new(
        "max-connections",
        Place::Key("max-connections"),
        Type::Integer(-1, i64::MAX),
        "How many connections; negative: any number.",
        r#"user "shop" { limits max-connections=10 }"#,
    ),
    Attribute::new(
        "max-channels",
        Place::Key("max-channels"),
        Type::Integer(-1, i64::MAX),
        "How many channels; negative: any number.",
        r#"user "shop" { limits max-channels=100 }"#,
    ),
];
