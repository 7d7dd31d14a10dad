//! Permissions. Source: `rabbit_access_control`, `rabbit_mgmt_wm_permission`.

use super::{Attribute, Kind, KindId, Place, Scope, Segment, Type, Wire};

pub(super) const PERMISSION: Kind = Kind {
    id: KindId::Permission,
    keyword: "permission",
    scope: Scope::Vhost,
    identity: &["user"],
    attributes: ATTRIBUTES,
    nested: &[],
    wire: Some(Wire {
        list: "permissions",
        component: None,
        container: "",
        path: &[Segment::Word("permissions"), Segment::Vhost, Segment::Field("user")],
    }),
    doc: "What a user may configure, write and read in a vhost.",
    page: include_str!("permission.md"),
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "user",
        Place::Body("user"),
        Type::Text,
        "The user that holds the `permission`.",
        r#"user "grafana" { permission vhost="shop" configure="" write="" read=".*" }"#,
    )
    .implied(),
    Attribute::new(
        "vhost",
        Place::Nowhere,
        Type::Text,
        "The vhost that it is for; `/` where nothing is said.",
        r#"vhost "shop""#,
    ),
    Attribute::new(
        "configure",
        Place::Body("configure"),
        Type::Pattern,
        "The names that it may declare and delete; a regular expression that is searched.",
        r#"configure="^$""#,
    )
    .required(),
    Attribute::new(
        "write",
        Place::Body("write"),
        Type::Pattern,
        "The names that it may publish to and bind.",
        r#"write="^orders$""#,
    )
    .required(),
    Attribute::new(
        "read",
        Place::Body("read"),
        Type::Pattern,
        "The names that it may consume from and bind from.",
        r#"read="^inventory\\.""#,
    )
    .required(),
];
