//! The kinds of things a topology describes, each in a file of its own.
//!
//! Parser, schema, differ, applier, importer, reference and diagram ask this room what a queue is. It knows
//! values and the wire; it may not know topologies, lints or brokers.

mod attribute;
mod definition;
#[cfg(feature = "cli")]
pub mod reference;
mod value;
mod wire;

mod binding;
mod enumeration;
pub mod exchange;
mod federation_upstream;
mod federation_upstream_set;
mod global_parameter;
mod message;
mod operator_policy;
mod parameter;
mod permission;
mod policy;
pub mod queue;
mod rpc;
mod service;
mod shovel;
mod topic_permission;
mod r#type;
mod user;
mod user_limits;
mod vhost;
mod vhost_limits;
mod word;
mod written;

pub use attribute::{
    Attribute, Change, OLDEST, Place, Preset, Twin, Type, VERSIONS, Version, Within, version,
};
pub use definition::{Allow, Definition, Derived, Field, Identity, Provenance};
pub use global_parameter::RECORD_PREFIX;
pub use user::DEFAULT_HASHING;
pub use value::{Secret, Value, duration, is_age, is_password_hash, show_duration, show_size, size, slip};
#[cfg(feature = "broker")]
pub(crate) use wire::UNDEFINED;
pub use wire::{Reveal, WireError, from_json, from_wire, to_json, to_wire, to_wire_value};
pub use word::{LanguageWord, TOPOLOGY, WORDS};
pub use written::written_keys;

use crate::syntax::{Form, Property, Values, Wanted};

/// Which kind; a `match` over it makes the compiler name every place that a new kind concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KindId {
    /// A virtual host.
    Vhost,
    /// A user and its tags and password.
    User,
    /// A user's permissions in a vhost.
    Permission,
    /// A user's permissions on routing keys of an exchange.
    TopicPermission,
    /// A vhost's limits.
    VhostLimits,
    /// A user's limits.
    UserLimits,
    /// A named value of the whole cluster.
    GlobalParameter,
    /// A named value of a component in a vhost.
    Parameter,
    /// A broker to take messages from.
    FederationUpstream,
    /// Several of those.
    FederationUpstreamSet,
    /// A mover of messages.
    Shovel,
    /// Settings for all that a pattern matches.
    Policy,
    /// The same, by who runs the broker.
    OperatorPolicy,
    /// An exchange.
    Exchange,
    /// A queue or a stream.
    Queue,
    /// A route from an exchange to a queue or an exchange.
    Binding,
    /// A payload's structure.
    Type,
    /// A payload's choice of words.
    Enum,
    /// What is said.
    Message,
    /// What is asked and answered.
    Rpc,
    /// Who says and hears it.
    Service,
}

/// Where a kind's entities stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a vhost; outside any `vhost` node they are in `/`.
    Vhost,
    /// In the whole broker.
    Global,
    /// In no broker: what services agree on.
    Contract,
}

/// A child node that whoever reads the kind looks at: as a kind of its own, or value by value.
const fn nested(keyword: &'static str, repeats: bool, doc: &'static str, example: &'static str) -> Form {
    Form::free(keyword, repeats, doc, example)
}

/// How a kind stands in a definitions file and behind the management API.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// The list in a definitions file.
    pub list: &'static str,
    /// The `component`, for what is a runtime parameter.
    pub component: Option<&'static str>,
    /// The JSON member that holds what [`Place::Key`] names: `definition` or `value`.
    pub container: &'static str,
    /// The path of one entity below `/api`.
    pub path: &'static [Segment],
}

/// A piece of an entity's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A fixed word.
    Word(&'static str),
    /// The vhost's name.
    Vhost,
    /// The value of a field.
    Field(&'static str),
}

/// All that topoc knows of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Which.
    pub id: KindId,
    /// The node that describes one: `queue`.
    pub keyword: &'static str,
    /// Where its entities stand.
    pub scope: Scope,
    /// The fields that, with the vhost, say which entity it is.
    pub identity: &'static [&'static str],
    /// Its attributes, in the order in which they are best read.
    pub attributes: &'static [Attribute],
    /// Its child nodes with a structure of their own.
    pub nested: &'static [Form],
    /// How the broker has it; none for contract kinds.
    pub wire: Option<Wire>,
    /// What it is, in one line.
    pub doc: &'static str,
    /// Its page: prose and examples.
    pub page: &'static str,
}

/// Every kind, in the order in which they are applied.
pub const KINDS: &[&Kind] = &[
    &vhost::VHOST,
    &user::USER,
    &permission::PERMISSION,
    &topic_permission::TOPIC_PERMISSION,
    &vhost_limits::VHOST_LIMITS,
    &user_limits::USER_LIMITS,
    &global_parameter::GLOBAL_PARAMETER,
    &parameter::PARAMETER,
    &federation_upstream::FEDERATION_UPSTREAM,
    &federation_upstream_set::FEDERATION_UPSTREAM_SET,
    &shovel::SHOVEL,
    &policy::POLICY,
    &operator_policy::OPERATOR_POLICY,
    &exchange::EXCHANGE,
    &queue::QUEUE,
    &binding::BINDING,
    &r#type::TYPE,
    &enumeration::ENUM,
    &message::MESSAGE,
    &rpc::RPC,
    &service::SERVICE,
];

/// Child nodes that every kind has.
pub const COMMON: &[Form] = &[ALLOW];

/// `allow`, in any entity.
pub const ALLOW: Form = nested(
    "allow",
    true,
    "Silences a lint for this entity, with the reason.",
    r#"allow "unbounded-queue" because="drained every second""#,
)
.values(Values::Name("the name of a lint"))
.properties(&[property(
    "because",
    Wanted::Text,
    "Why it does not count here.",
    r#"allow "unbounded-queue" because="drained every second""#,
)]);

const fn property(name: &'static str, wanted: Wanted, doc: &'static str, example: &'static str) -> Property {
    Property { name, wanted, required: false, doc, example }
}

impl KindId {
    /// What topoc knows of the kind.
    #[must_use]
    pub fn kind(self) -> &'static Kind {
        // KINDS is in the order of the variants, which a test holds
        KINDS[self as usize]
    }

    /// The word for it in plans, JSON and messages: `queue`.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.kind().keyword
    }
}

impl Kind {
    /// The attribute of a name. A policy has, besides its own, every key that a queue's or exchange's
    /// argument has as its twin.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.all_attributes().find(|attribute| attribute.name == name)
    }

    /// The kind's attributes, with those that a policy borrows.
    pub fn all_attributes(&self) -> impl Iterator<Item = &'static Attribute> + use<> {
        let policy = matches!(self.id, KindId::Policy | KindId::OperatorPolicy);
        let operator = self.id == KindId::OperatorPolicy;
        let keys =
            [queue::QUEUE.attributes, exchange::EXCHANGE.attributes, policy::KEYS].into_iter().flatten();
        let borrowed = keys
            .filter(move |attribute| {
                policy && (attribute.twin != Twin::None || matches!(attribute.place, Place::Key(_)))
            })
            .filter(move |attribute| !operator || attribute.operator.is_some());
        self.attributes.iter().chain(borrowed)
    }

    /// Why a name can be no entity's, and what would come of it.
    #[must_use]
    pub fn trouble_with_name(&self, name: &str) -> Option<(&'static str, &'static str)> {
        // what has no name of its own is named by others
        self.attribute("name")?;
        let in_path = self.wire.is_some_and(|wire| wire.path.contains(&Segment::Field("name")));
        match name {
            "" => Some(("is empty", "nothing could refer to it")),
            "." | ".." if in_path => Some((
                "is a step in a path",
                "the management API has no path to it, so nothing could be asked of it",
            )),
            _ if matches!(self.id, KindId::Exchange | KindId::Queue) && name.contains(['\r', '\n']) => Some(
                ("has a line break", "the broker takes line breaks out of names, and declares another one"),
            ),
            _ => None,
        }
    }

    /// Where the broker keeps an attribute of an entity of this kind: a policy holds arguments as keys.
    #[must_use]
    pub fn place(&self, attribute: &Attribute) -> Place {
        match (self.id, attribute.place) {
            (KindId::Policy | KindId::OperatorPolicy, Place::Argument(_)) => Place::Key(attribute.name),
            (_, place) => place,
        }
    }
}

/// Whether a child node of that name may stand more than once in some kind: templates add to those.
#[must_use]
pub fn repeats(keyword: &str) -> bool {
    let kinds = KINDS.iter().flat_map(|kind| kind.nested).chain(COMMON);
    let entity = KINDS.iter().any(|kind| kind.keyword == keyword && kind.id != KindId::VhostLimits);
    entity || kinds.into_iter().any(|nested| nested.keyword == keyword && nested.repeats)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_the_variants() {
        for (index, kind) in KINDS.iter().enumerate() {
            assert_eq!(kind.id as usize, index, "{}", kind.keyword);
        }
    }

    #[test]
    fn names_are_unique_and_everything_is_described() {
        let mut keywords = BTreeSet::new();
        for kind in KINDS {
            assert!(keywords.insert((kind.keyword, kind.scope as u8)), "{}", kind.keyword);
            assert!(kind.doc.ends_with('.'), "{}", kind.keyword);
            let mut names = BTreeSet::new();
            for attribute in kind.attributes {
                assert!(names.insert(attribute.name), "{} {}", kind.keyword, attribute.name);
                assert!(attribute.doc.ends_with('.'), "{} {}", kind.keyword, attribute.name);
                assert!(!attribute.example.is_empty(), "{} {}", kind.keyword, attribute.name);
            }
            for field in kind.identity {
                assert!(kind.attribute(field).is_some(), "{} {field}", kind.keyword);
            }
        }
    }
}
