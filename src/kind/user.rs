//! Users. Source: `rabbit_auth_backend_internal`, `rabbit_mgmt_wm_user`.

use super::{Attribute, Form, Kind, KindId, Place, Scope, Segment, Type, Wire, nested};

/// How a hash is made where nothing else is said (`rabbit_password`).
pub const DEFAULT_HASHING: &str = "rabbit_password_hashing_sha256";

pub(super) const USER: Kind = Kind {
    id: KindId::User,
    keyword: "user",
    scope: Scope::Global,
    identity: &["name"],
    attributes: ATTRIBUTES,
    nested: NESTED,
    wire: Some(Wire {
        list: "users",
        component: None,
        container: "",
        path: &[Segment::Word("users"), Segment::Field("name")],
    }),
    doc: "A user: who may connect, and what they may do.",
    page: include_str!("user.md"),
};

/// The tags that the broker knows (`rabbit_web_dispatch_access_control`, `rabbit_reader`).
const TAGS: &[&str] = &["administrator", "monitoring", "policymaker", "management", "impersonator"];

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new("name", Place::Body("name"), Type::Text, "Its name.", r#"user "grafana""#).required(),
    Attribute::new(
        "tags",
        Place::Body("tags"),
        Type::Words(TAGS),
        "What it may see and do besides its permissions; other words are kept, and mean nothing to the broker.",
        r#"tags "monitoring""#,
    ),
    Attribute::new(
        "password",
        Place::Nowhere,
        Type::Secret,
        "Where the password is found; a user without one cannot log in with a password.",
        r#"password env="GRAFANA_PASSWORD""#,
    ),
    Attribute::new(
        "hashing-algorithm",
        Place::Body("hashing_algorithm"),
        Type::OneOf(&[
            "rabbit_password_hashing_sha256",
            "rabbit_password_hashing_sha512",
            "rabbit_password_hashing_md5",
        ]),
        "How a given hash was made.",
        r#"hashing-algorithm "rabbit_password_hashing_sha512""#,
    ),
];

const NESTED: &[Form] = &[
    nested(
        "permission",
        true,
        "What it may do in a vhost.",
        r#"permission vhost="shop" configure="^$" write="^$" read=".*""#,
    ),
    nested(
        "topic-permission",
        true,
        "Which routing keys it may use on a topic exchange.",
        r#"topic-permission "orders" vhost="shop" write="^order\\." read=".*""#,
    ),
    nested("limits", false, "Its limits.", "limits max-connections=10 max-channels=100"),
];
