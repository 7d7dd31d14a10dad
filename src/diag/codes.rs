//! The diagnostics of the language itself: what is wrong before any lint can look.

use super::Severity;

/// The stable identity of a diagnostic. Codes are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Such as `T001`.
    pub code: &'static str,
    /// Such as `not-kdl`.
    pub name: &'static str,
    /// How much it matters unless a lint level says otherwise.
    pub severity: Severity,
    /// What it means, in one or two sentences; `topoc explain` prints it for codes that are no lints.
    pub summary: &'static str,
}

const fn error(code: &'static str, name: &'static str, summary: &'static str) -> Code {
    Code { code, name, severity: Severity::Error, summary }
}

/// A source cannot be read: missing, a directory, or without permission.
pub const UNREADABLE: Code =
    error("T001", "unreadable-file", "A topology file is missing, is a directory, or may not be read.");
/// A source is not UTF-8.
pub const NOT_UTF8: Code =
    error("T002", "not-utf8", "KDL files are UTF-8. The file has bytes that are no UTF-8 text.");
/// A source has nothing in it.
pub const EMPTY: Code = Code {
    code: "T003",
    name: "empty-file",
    severity: Severity::Warning,
    summary: "The file declares nothing. `topoc init` writes a starter topology.",
};
/// A source or nesting is over the bounds.
pub const TOO_LARGE: Code = error(
    "T004",
    "too-large",
    "A file, its nesting, or what `for` and templates make of it is over the bounds that keep topoc quick.",
);
/// A source is not KDL 2.0.
pub const NOT_KDL: Code = error("T005", "not-kdl", "The text is not KDL 2.0.");
/// A file includes itself, directly or through others.
pub const INCLUDE_CYCLE: Code =
    error("T006", "include-cycle", "A file includes itself, directly or through others.");
/// A node that the language does not have, or not here.
pub const UNKNOWN_NODE: Code = error("T010", "unknown-node", "The language has no such node at this place.");
/// An attribute that the kind does not have.
pub const UNKNOWN_ATTRIBUTE: Code = error(
    "T011",
    "unknown-attribute",
    "The kind has no such attribute. Attributes are RabbitMQ's own words.",
);
/// The same attribute or entity twice.
pub const DUPLICATE: Code =
    error("T012", "duplicate", "The same thing is said twice: one of the two would silently win.");
/// Something that must be there is not.
pub const MISSING: Code = error("T013", "missing", "A name, value or node that the kind needs is not there.");
/// A value where the language has no place for it.
pub const UNWANTED_VALUE: Code =
    error("T014", "unwanted-value", "A value stands where the language has no place for one.");
/// A value of the wrong type in a place where nothing can be made of it.
pub const BAD_VALUE: Code = error("T015", "bad-value", "A value is not of the type that its place needs.");
/// A `${name}` that names nothing.
pub const UNKNOWN_VARIABLE: Code =
    error("T016", "unknown-variable", "`${name}` names no variable, and no loop or template gives it.");
/// A variable without a value, or with one that it does not allow.
pub const BAD_VARIABLE: Code =
    error("T017", "bad-variable", "A variable has no value, or one that its `one-of` does not allow.");
/// A template that does not exist or uses itself.
pub const BAD_TEMPLATE: Code =
    error("T018", "bad-template", "`use` names no template, or a template uses itself.");
/// `--env` names no environment.
pub const UNKNOWN_ENVIRONMENT: Code =
    error("T019", "unknown-environment", "The chosen environment is not declared.");
/// A name that stands in more than one vhost.
pub const AMBIGUOUS_NAME: Code = error(
    "T020",
    "ambiguous-name",
    "A flow names an exchange or queue that stands in more than one vhost: `vhost=\"…\"` beside the name decides.",
);
/// A message, type, rpc or service that is not declared.
pub const UNKNOWN_NAME: Code =
    error("T021", "unknown-name", "A message, type, enum, rpc, user or vhost of this name is not declared.");
/// An `allow` or `lint` names no lint.
pub const UNKNOWN_LINT: Code = error("T022", "unknown-lint", "There is no lint of this name.");
/// An `allow` that suppresses nothing.
pub const STALE_ALLOW: Code = Code {
    code: "T023",
    name: "stale-allow",
    severity: Severity::Warning,
    summary: "An `allow` suppresses nothing any more: remove it, so that the next finding is seen.",
};

/// Something that is sound in itself has no Rust.
pub const NO_RUST: Code = error(
    "T030",
    "no-rust",
    "No Rust can be generated for a part of the topology that is otherwise sound, such as a header whose type headers do not have.",
);

/// Every code that is no lint, in the order of the codes.
pub const CODES: &[Code] = &[
    UNREADABLE,
    NOT_UTF8,
    EMPTY,
    TOO_LARGE,
    NOT_KDL,
    INCLUDE_CYCLE,
    UNKNOWN_NODE,
    UNKNOWN_ATTRIBUTE,
    DUPLICATE,
    MISSING,
    UNWANTED_VALUE,
    BAD_VALUE,
    UNKNOWN_VARIABLE,
    BAD_VARIABLE,
    BAD_TEMPLATE,
    UNKNOWN_ENVIRONMENT,
    AMBIGUOUS_NAME,
    UNKNOWN_NAME,
    UNKNOWN_LINT,
    STALE_ALLOW,
    NO_RUST,
];
