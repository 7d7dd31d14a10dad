//! Exchange types, by how they choose among their bindings.

/// How an exchange routes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ExchangeKind {
    /// Every binding whose key equals the message's.
    Direct,
    /// Every binding whose pattern matches the message's key.
    Topic,
    /// Every binding.
    Fanout,
    /// Every binding whose arguments match the message's headers.
    Headers,
    /// `x-consistent-hash`: one destination, by a hash of the key or of what `hash-header`/`hash-property` name.
    ConsistentHash,
    /// `x-modulus-hash`: one binding, by a hash of the keys.
    ModulusHash,
    /// `x-random`: any one binding.
    Random,
    /// `x-local-random` (4.0 and newer): any one bound queue on the node that was published to.
    LocalRandom,
    /// `x-recent-history`: every binding; what it replays to a new binding is not routing.
    RecentHistory,
    /// `x-delayed-message`: as its `x-delayed-type`, once the delay of `x-delay` has passed.
    DelayedMessage(Box<ExchangeKind>),
    /// A type that this crate does not know: where its messages go cannot be decided.
    Unknown(String),
}

impl ExchangeKind {
    /// The kind of an exchange of type `name`, whose argument `x-delayed-type` is `delayed`.
    ///
    /// ```
    /// use topoc_routing::ExchangeKind;
    /// assert_eq!(ExchangeKind::of("topic", None), ExchangeKind::Topic);
    /// let delayed = ExchangeKind::of("x-delayed-message", Some("direct"));
    /// assert_eq!(delayed, ExchangeKind::DelayedMessage(Box::new(ExchangeKind::Direct)));
    /// assert_eq!(ExchangeKind::of("x-jms-topic", None), ExchangeKind::Unknown("x-jms-topic".into()));
    /// ```
    pub fn of(name: &str, delayed: Option<&str>) -> Self {
        match name {
            "direct" => Self::Direct,
            "topic" => Self::Topic,
            "fanout" => Self::Fanout,
            "headers" => Self::Headers,
            "x-consistent-hash" => Self::ConsistentHash,
            "x-modulus-hash" => Self::ModulusHash,
            "x-random" => Self::Random,
            "x-local-random" => Self::LocalRandom,
            "x-recent-history" => Self::RecentHistory,
            "x-delayed-message" => match delayed.map(|inner| Self::of(inner, None)) {
                Some(inner) if inner.is_known() => Self::DelayedMessage(Box::new(inner)),
                _ => Self::Unknown(name.to_owned()),
            },
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// The type as the broker names it.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Direct => "direct",
            Self::Topic => "topic",
            Self::Fanout => "fanout",
            Self::Headers => "headers",
            Self::ConsistentHash => "x-consistent-hash",
            Self::ModulusHash => "x-modulus-hash",
            Self::Random => "x-random",
            Self::LocalRandom => "x-local-random",
            Self::RecentHistory => "x-recent-history",
            Self::DelayedMessage(_) => "x-delayed-message",
            Self::Unknown(name) => name,
        }
    }

    /// The kind that chooses among the bindings: of a delayed-message exchange its `x-delayed-type`.
    pub fn matching(&self) -> &Self {
        match self {
            Self::DelayedMessage(inner) => inner.matching(),
            other => other,
        }
    }

    /// Whether this crate knows how the type routes.
    pub fn is_known(&self) -> bool {
        !matches!(self.matching(), Self::Unknown(_))
    }

    /// Whether the exchange sends a message along only one of the bindings that could take it.
    pub fn picks_one(&self) -> bool {
        use ExchangeKind::*;
        matches!(self.matching(), ConsistentHash | ModulusHash | Random | LocalRandom)
    }
}
