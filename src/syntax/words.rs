//! The nodes that this room reads itself, and their forms.

use super::form::{Form, Property, Values, Wanted};

/// `include`.
pub const INCLUDE: Form = Form::free(
    "include",
    true,
    "Puts what another file holds in its place, at the top level or in a `vhost`.",
    r#"include "vhosts/*.kdl""#,
)
.values(Values::Name("the path of a file, or a pattern"));

/// `variable`.
pub const VARIABLE: Form = Form::free(
    "variable",
    true,
    "Something that a run decides: its value stands wherever `${name}` does.",
    r#"variable "region" default="eu" { one-of "eu" "us" }"#,
)
.values(Values::Name("the name of a variable"))
.properties(&[property(
    "default",
    Wanted::Any,
    "Its value where the run gives none; it may be made of other variables.",
    r#"variable "region" default="eu""#,
)])
.children(&[Form::free(
    "one-of",
    false,
    "The values that it may have.",
    r#"variable "region" default="eu" { one-of "eu" "us" }"#,
)
.values(Values::Several("the values that it may have"))]);

/// `environment`.
pub const ENVIRONMENT: Form = Form::free(
    "environment",
    true,
    "A place that the topology is applied to, chosen with `--env`: its broker and the values of its variables.",
    r#"environment "production" { broker management="https://mq.example.com:15671"; set region="us" }"#,
)
.values(Values::Name("the name of an environment"))
.children(&[
    Form::free(
        "broker",
        false,
        "Where its broker is.",
        r#"environment "production" { broker management="https://mq.example.com:15671" amqp="amqps://mq.example.com" }"#,
    )
    .values(Values::None)
    .properties(&[
        property(
            "management",
            Wanted::Text,
            "The address of the management API, which `diff` and `apply` talk to.",
            r#"environment "production" { broker management="https://mq.example.com:15671" }"#,
        ),
        property(
            "amqp",
            Wanted::Text,
            "The AMQP address, which moves messages from one queue to another need.",
            r#"environment "production" { broker management="https://mq.example.com:15671" amqp="amqps://mq.example.com" }"#,
        ),
    ]),
    Form::free(
        "set",
        true,
        "Values of variables in this environment, each by its name.",
        r#"environment "production" { set region="us" }"#,
    )
    .values(Values::None)
    .free_properties(),
]);

/// `template`.
pub const TEMPLATE: Form = Form::free(
    "template",
    true,
    "Attributes and child nodes that entities have in common, each of which says `use=\"name\"`.",
    r#"template "work-queue" type="quorum" { max-length 100_000; overflow "reject-publish" }"#,
)
.values(Values::Name("the name of a template"))
.free_properties()
.free_children();

/// `for`.
pub const FOR: Form = Form::free(
    "for",
    true,
    "Repeats what it holds, once for each value of its variable.",
    r#"for "tenant" "acme" "globex" { queue "orders.${tenant}" type="quorum" }"#,
)
.values(Values::NameAnd("the name of its variable", usize::MAX - 1))
.properties(&[
    property(
        "from",
        Wanted::Any,
        "The first of the whole numbers that it goes over.",
        r#"for "n" from=1 to=3 { queue "shard.${n}" type="quorum" }"#,
    ),
    property(
        "to",
        Wanted::Any,
        "The last of them.",
        r#"for "n" from=1 to=3 { queue "shard.${n}" type="quorum" }"#,
    ),
])
.free_children();

const fn property(name: &'static str, wanted: Wanted, doc: &'static str, example: &'static str) -> Property {
    Property { name, wanted, required: false, doc, example }
}
