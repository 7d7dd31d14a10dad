//! The words of the language that are no kinds, for the reference: most are read before anybody asks for kinds.

use super::{ALLOW, Form, Property, Values, Wanted, nested, property};
use crate::syntax::{ENVIRONMENT, FOR, INCLUDE, TEMPLATE, VARIABLE};

/// A word of the language that is no kind.
#[derive(Clone, Copy, Debug)]
pub struct LanguageWord {
    /// As it is written.
    pub name: &'static str,
    /// Other names that readers may look for it by.
    pub also: &'static [&'static str],
    /// Its form, where it is a node.
    pub form: Option<&'static Form>,
    /// What it does, in one line.
    pub doc: &'static str,
    /// Its page: prose and examples.
    pub page: &'static str,
}

/// `topology`.
pub const TOPOLOGY: Form = nested(
    "topology",
    false,
    "The topology's name, the oldest broker that it must run on, and the levels of lints.",
    r#"topology "order-processing" { rabbitmq "3.10" }"#,
)
.values(Values::Name("the name of the topology"))
.children(&[
    nested(
        "rabbitmq",
        false,
        "The oldest release series that it must run on.",
        r#"topology "order-processing" { rabbitmq "3.10" }"#,
    )
    .values(Values::Name("a release series such as \"3.10\"")),
    nested(
        "lint",
        true,
        "The level of a lint in the whole topology.",
        r#"topology "order-processing" { lint "unbounded-queue" level="error" }"#,
    )
    .values(Values::Name("the name of a lint"))
    .properties(&[Property {
        required: true,
        ..property(
            "level",
            Wanted::OneOf(&["error", "warning", "hint", "off"]),
            "How much its findings matter; `off` leaves them out.",
            r#"topology "order-processing" { lint "unbounded-queue" level="error" }"#,
        )
    }]),
]);

const fn node(form: &'static Form, page: &'static str) -> LanguageWord {
    LanguageWord { name: form.keyword, also: &[], form: Some(form), doc: form.doc, page }
}

const fn word(name: &'static str, doc: &'static str, page: &'static str) -> LanguageWord {
    LanguageWord { name, also: &[], form: None, doc, page }
}

/// Every word that is no kind.
pub const WORDS: &[LanguageWord] = &[
    node(&TOPOLOGY, include_str!("word/topology.md")),
    node(&INCLUDE, include_str!("word/include.md")),
    node(&VARIABLE, include_str!("word/variable.md")),
    LanguageWord {
        also: &["${}", "interpolation"],
        ..word(
            "${name}",
            "The value of a variable, of a loop, or the name of what uses a template, in any string.",
            include_str!("word/interpolation.md"),
        )
    },
    node(&ENVIRONMENT, include_str!("word/environment.md")),
    node(&TEMPLATE, include_str!("word/template.md")),
    word("use", "Adds what a template says to any node.", include_str!("word/use.md")),
    node(&FOR, include_str!("word/for.md")),
    word(
        "external",
        "Says that somebody else makes an entity: it is referred to, and never changed.",
        include_str!("word/external.md"),
    ),
    node(&ALLOW, include_str!("word/allow.md")),
    LanguageWord {
        also: &["duration", "size"],
        ..word("units", "Durations and sizes, and how they are written.", include_str!("word/units.md"))
    },
    LanguageWord {
        also: &["env", "file", "hash"],
        ..word(
            "secrets",
            "Passwords and addresses, named by where they are found.",
            include_str!("word/secrets.md"),
        )
    },
];
