//! What an attribute is: its name, its place on the wire, its type, where it may stand, what changing it does.

/// A RabbitMQ release series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 4 in 4.1.
    pub major: u16,
    /// 1 in 4.1.
    pub minor: u16,
}

/// A release series.
#[must_use]
pub const fn version(major: u16, minor: u16) -> Version {
    Version { major, minor }
}

/// The oldest series that topoc knows, and the target of a topology that names none.
pub const OLDEST: Version = version(3, 10);
/// The series that topoc knows.
pub const VERSIONS: &[Version] = &[
    OLDEST,
    version(3, 11),
    version(3, 12),
    version(3, 13),
    version(4, 0),
    version(4, 1),
    version(4, 2),
    version(4, 3),
];

impl Version {
    /// The series of a version such as `3.10`, `3.10.8` or `4.0.5-rc.1`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(['.', '-', '+']);
        Some(version(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Where the broker keeps an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A member of the entity's own JSON object: `durable`.
    Body(&'static str),
    /// In `arguments`: `x-message-ttl`.
    Argument(&'static str),
    /// In a policy's `definition` or a parameter's `value`.
    Key(&'static str),
    /// In the language only.
    Nowhere,
}

/// What an attribute's value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Type {
    /// Any string.
    Text,
    /// The name of an exchange.
    Exchange,
    /// The name of a queue or stream.
    Queue,
    /// `#true` or `#false`.
    Bool,
    /// A whole number, both bounds included.
    Integer(i64, i64),
    /// Milliseconds on the wire; `"30s"` or an integer of milliseconds in KDL.
    Duration(i64, i64),
    /// Whole seconds on the wire; `"30s"` or an integer of seconds in KDL.
    Seconds(i64, i64),
    /// Bytes on the wire; `"64KiB"` or an integer of bytes in KDL.
    Size(i64, i64),
    /// A stream's age, as the broker writes it: `7D`.
    Age,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One of these words, or one that a plugin brings.
    Open(&'static [&'static str]),
    /// A regular expression (PCRE).
    Pattern,
    /// A value that no file may hold in the open.
    Secret,
    /// Several words, of which the broker knows these: `"monitoring" "management"`, joined by commas on the wire.
    Words(&'static [&'static str]),
    /// Any JSON, written as KDL nodes.
    Json,
}

/// What it means to change an attribute of an entity that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A `PUT` changes it in place.
    InPlace,
    /// The broker refuses with 406 or ignores it: the entity has to be replaced.
    Replace,
    /// It counts only when the entity is declared, and the broker does not compare it afterwards.
    AtDeclare,
}

/// How a queue's or exchange's argument meets the policy key of the same name.
/// Source: `rabbit_queue_type_util:args_policy_lookup`, `rabbit_exchange:policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// There is no policy key.
    None,
    /// The lesser of the two counts.
    Min,
    /// The argument wins.
    Argument,
    /// The policy wins.
    Policy,
}

/// What an attribute is where nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// A truth value.
    Bool(bool),
    /// A number, in the unit of the wire.
    Integer(i64),
    /// A word.
    Text(&'static str),
}

/// One attribute of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// RabbitMQ's word, without `x-`.
    pub name: &'static str,
    /// Where the broker keeps it.
    pub place: Place,
    /// What its value may be.
    pub ty: Type,
    /// The queue or exchange types that have it; empty: all.
    pub on: &'static [&'static str],
    /// The first series that has it.
    pub since: Version,
    /// The first series that does not have it any more.
    pub until: Option<Version>,
    /// The first series that reads it as an argument, where its policy key is older.
    pub argument_since: Option<Version>,
    /// The first series that refuses it where it does not belong; an older one takes what it does not know.
    pub checked_since: Option<Version>,
    /// What changing it means.
    pub change: Change,
    /// How it meets its policy key.
    pub twin: Twin,
    /// The first series in which an operator policy may hold it.
    pub operator: Option<Version>,
    /// What the broker takes where nothing is said.
    pub default: Option<Preset>,
    /// Whether an entity must say it.
    pub required: bool,
    /// The types of entities that must say it.
    pub required_on: &'static [&'static str],
    /// Whether it follows from where the entity stands, so that nobody writes it.
    pub implied: bool,
    /// The child node that holds it, and where in that node, for attributes that are said together.
    pub within: Option<Within>,
    /// What it does, in one line.
    pub doc: &'static str,
    /// One line of KDL that sets it.
    pub example: &'static str,
}

/// An attribute's place in a child node such as `dead-letter "dlx" routing-key="dead"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    /// The child node's name.
    pub node: &'static str,
    /// The property in it; none: its first argument.
    pub property: Option<&'static str>,
}

impl Attribute {
    /// An attribute in its place; the rest is said by the methods below.
    pub(super) const fn new(
        name: &'static str,
        place: Place,
        ty: Type,
        doc: &'static str,
        example: &'static str,
    ) -> Self {
        Self {
            name,
            place,
            ty,
            on: &[],
            since: OLDEST,
            until: None,
            argument_since: None,
            checked_since: None,
            change: Change::InPlace,
            twin: Twin::None,
            operator: None,
            default: None,
            required: false,
            required_on: &[],
            implied: false,
            within: None,
            doc,
            example,
        }
    }

    /// An `x-` argument: it cannot change once declared.
    pub(super) const fn argument(
        name: &'static str,
        wire: &'static str,
        ty: Type,
        doc: &'static str,
        example: &'static str,
    ) -> Self {
        let mut attribute = Self::new(name, Place::Argument(wire), ty, doc, example);
        attribute.change = Change::Replace;
        attribute
    }

    pub(super) const fn on(mut self, types: &'static [&'static str]) -> Self {
        self.on = types;
        self
    }

    pub(super) const fn since(mut self, since: Version) -> Self {
        self.since = since;
        self
    }

    pub(super) const fn until(mut self, until: Version) -> Self {
        self.until = Some(until);
        self
    }

    pub(super) const fn argument_since(mut self, since: Version) -> Self {
        self.argument_since = Some(since);
        self
    }

    pub(super) const fn checked_since(mut self, since: Version) -> Self {
        self.checked_since = Some(since);
        self
    }

    pub(super) const fn change(mut self, change: Change) -> Self {
        self.change = change;
        self
    }

    pub(super) const fn twin(mut self, twin: Twin) -> Self {
        self.twin = twin;
        self
    }

    pub(super) const fn operator(mut self, since: Version) -> Self {
        self.operator = Some(since);
        self
    }

    pub(super) const fn default(mut self, value: Preset) -> Self {
        self.default = Some(value);
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// It follows from where the entity stands.
    pub(super) const fn implied(mut self) -> Self {
        self.implied = true;
        self
    }

    /// Entities of its types have to say it.
    pub(super) const fn required_there(mut self) -> Self {
        self.required_on = self.on;
        self
    }

    pub(super) const fn within(mut self, node: &'static str, property: Option<&'static str>) -> Self {
        self.within = Some(Within { node, property });
        self
    }

    /// Whether an entity of that type (a queue's or exchange's) may have it.
    #[must_use]
    pub fn applies_to(&self, entity_type: &str) -> bool {
        self.on.is_empty() || self.on.contains(&entity_type)
    }

    /// How users write it: `dead-letter … routing-key=`, or its name.
    #[must_use]
    pub fn spelling(&self) -> String {
        match self.within {
            Some(Within { node, property: Some(property) }) => format!("{node} … {property}="),
            Some(Within { node, property: None }) => node.to_owned(),
            None => self.name.to_owned(),
        }
    }
}
