//! What routing needs to know of one virtual host: its exchanges, queues and bindings.

use std::collections::{HashMap, hash_map::Entry};
use std::fmt;

use crate::headers::Match;
use crate::matching::Index;
use crate::{ExchangeKind, Queue, QueueKind, Table, Version};

macro_rules! id {
    ($name:ident, $what:literal) => {
        #[doc = concat!("The place of ", $what, " in its [`Topology`], counted in order of declaration.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) u32);

        impl $name {
            /// The number itself, to index a vector with.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(ExchangeId, "an exchange");
id!(QueueId, "a queue");
id!(BindingId, "a binding");

/// An exchange with its effective values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Its name; empty for the default exchange.
    pub name: String,
    /// How it routes.
    pub kind: ExchangeKind,
    /// Where messages go that match none of its bindings: the argument, else the policy. It need not exist.
    pub alternate_exchange: Option<String>,
    /// Clients may not publish to it.
    pub internal: bool,
}

impl Exchange {
    /// An exchange that clients may publish to, without an alternate exchange.
    pub fn new(name: impl Into<String>, kind: ExchangeKind) -> Self {
        Self { name: name.into(), kind, alternate_exchange: None, internal: false }
    }
}

/// Where a binding leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// To a queue.
    Queue(QueueId),
    /// To another exchange.
    Exchange(ExchangeId),
}

/// A binding.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// The exchange that it leaves.
    pub source: ExchangeId,
    /// Where it leads.
    pub destination: Destination,
    /// The binding key: a pattern on a topic exchange, a weight on a consistent-hash exchange.
    pub routing_key: String,
    /// The arguments, which a headers exchange compares.
    pub arguments: Table,
}

/// Why an exchange, a queue or a binding cannot be added.
#[derive(Debug, Clone, PartialEq)]
pub enum BuildError {
    /// The exchange is there already with other properties; the broker answers 406.
    ExchangeDiffers(String),
    /// The queue is there already with other properties; the broker answers 406.
    QueueDiffers(String),
    /// The default exchange takes no bindings; the broker answers 403.
    DefaultExchange,
    /// `x-match` is none of all, any, all-with-x and any-with-x.
    HeadersMatch,
    /// The binding key of a consistent-hash exchange is no integer above 0.
    HashWeight(String),
    /// A local-random exchange takes only an empty binding key.
    LocalRandomKey(String),
    /// A local-random exchange takes only classic queues.
    LocalRandomDestination,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExchangeDiffers(name) => {
                write!(f, "exchange `{name}` is declared twice with other properties")
            }
            Self::QueueDiffers(name) => write!(f, "queue `{name}` is declared twice with other properties"),
            Self::DefaultExchange => f.write_str("the default exchange takes no bindings"),
            Self::HeadersMatch => {
                f.write_str("`x-match` is none of `all`, `any`, `all-with-x` and `any-with-x`")
            }
            Self::HashWeight(key) => {
                write!(f, "the binding key `{key}` is no weight: an integer above 0 is wanted")
            }
            Self::LocalRandomKey(key) => {
                write!(f, "the binding key `{key}` of an x-local-random exchange is not empty")
            }
            Self::LocalRandomDestination => {
                f.write_str("an x-local-random exchange is bound to something else than a classic queue")
            }
        }
    }
}

impl std::error::Error for BuildError {}

/// The exchanges, queues and bindings of one virtual host, indexed for routing. Nothing routes across virtual hosts.
#[derive(Debug, Clone)]
pub struct Topology {
    version: Version,
    exchanges: Vec<Exchange>,
    queues: Vec<Queue>,
    bindings: Vec<Binding>,
    exchange_ids: HashMap<String, ExchangeId>,
    queue_ids: HashMap<String, QueueId>,
    /// The first of the bindings that differ at most in their arguments.
    binding_ids: HashMap<(ExchangeId, Destination, String), BindingId>,
    /// The others, by the first.
    alike: HashMap<BindingId, Vec<BindingId>>,
    /// By exchange: its bindings in order of declaration.
    bound: Vec<Vec<BindingId>>,
    /// By exchange: its bindings as its kind looks them up.
    pub(crate) indices: Vec<Index>,
}

impl Topology {
    /// The default exchange, which every virtual host has and which takes no bindings.
    pub const DEFAULT_EXCHANGE: ExchangeId = ExchangeId(0);

    /// A new virtual host on a broker of this version: nothing but the default exchange and the predeclared `amq.*`.
    pub fn new(version: Version) -> Self {
        let mut topology = Self {
            version,
            exchanges: Vec::new(),
            queues: Vec::new(),
            bindings: Vec::new(),
            exchange_ids: HashMap::new(),
            queue_ids: HashMap::new(),
            binding_ids: HashMap::new(),
            alike: HashMap::new(),
            bound: Vec::new(),
            indices: Vec::new(),
        };
        for (name, kind) in [
            ("", ExchangeKind::Direct),
            ("amq.direct", ExchangeKind::Direct),
            ("amq.fanout", ExchangeKind::Fanout),
            ("amq.headers", ExchangeKind::Headers),
            ("amq.match", ExchangeKind::Headers),
            ("amq.topic", ExchangeKind::Topic),
            ("amq.rabbitmq.trace", ExchangeKind::Topic),
        ] {
            let internal = name == "amq.rabbitmq.trace";
            topology.push_exchange(Exchange { internal, ..Exchange::new(name, kind) });
        }
        topology
    }

    fn push_exchange(&mut self, exchange: Exchange) -> ExchangeId {
        let id = ExchangeId(self.exchanges.len() as u32);
        self.exchange_ids.insert(exchange.name.clone(), id);
        self.indices.push(Index::new(exchange.kind.matching()));
        self.bound.push(Vec::new());
        self.exchanges.push(exchange);
        id
    }

    /// Declares an exchange; again with the same properties is its first declaration.
    pub fn add_exchange(&mut self, exchange: Exchange) -> Result<ExchangeId, BuildError> {
        match self.exchange_ids.get(&exchange.name) {
            Some(&id) if self.exchanges[id.index()] == exchange => Ok(id),
            Some(_) => Err(BuildError::ExchangeDiffers(exchange.name)),
            None => Ok(self.push_exchange(exchange)),
        }
    }

    /// Declares a queue; again with the same properties is its first declaration.
    pub fn add_queue(&mut self, queue: Queue) -> Result<QueueId, BuildError> {
        match self.queue_ids.entry(queue.name.clone()) {
            Entry::Occupied(there) if self.queues[there.get().index()] == queue => Ok(*there.get()),
            Entry::Occupied(_) => Err(BuildError::QueueDiffers(queue.name)),
            Entry::Vacant(place) => {
                let id = *place.insert(QueueId(self.queues.len() as u32));
                self.queues.push(queue);
                Ok(id)
            }
        }
    }

    /// Makes room for so many more queues and bindings.
    pub fn reserve(&mut self, queues: usize, bindings: usize) {
        self.queues.reserve(queues);
        self.queue_ids.reserve(queues);
        self.bindings.reserve(bindings);
        self.binding_ids.reserve(bindings);
    }

    /// Binds `source` to `destination`. A binding's identity is all it consists of, so again is the first one.
    pub fn bind(
        &mut self,
        source: ExchangeId,
        destination: Destination,
        routing_key: impl Into<String>,
        arguments: Table,
    ) -> Result<BindingId, BuildError> {
        let binding = Binding { source, destination, routing_key: routing_key.into(), arguments };
        self.check_binding(&binding)?;
        let id = BindingId(self.bindings.len() as u32);
        match self.binding_ids.entry((source, destination, binding.routing_key.clone())) {
            Entry::Vacant(first) => {
                first.insert(id);
            }
            Entry::Occupied(first) => {
                let others = self.alike.entry(*first.get()).or_default();
                let mut all = std::iter::once(first.get()).chain(&*others);
                if let Some(&there) = all.find(|there| self.bindings[there.index()] == binding) {
                    return Ok(there);
                }
                others.push(id);
            }
        }
        self.indices[source.index()].insert(id, &binding);
        self.bound[source.index()].push(id);
        self.bindings.push(binding);
        Ok(id)
    }

    /// What `validate_binding` of the exchange types refuses.
    fn check_binding(&self, binding: &Binding) -> Result<(), BuildError> {
        if binding.source == Self::DEFAULT_EXCHANGE
            || binding.destination == Destination::Exchange(Self::DEFAULT_EXCHANGE)
        {
            return Err(BuildError::DefaultExchange);
        }
        let key = &binding.routing_key;
        match self.exchange(binding.source).kind.matching() {
            ExchangeKind::Headers => match Match::of(&binding.arguments) {
                Ok(_) => Ok(()),
                Err(_) => Err(BuildError::HeadersMatch),
            },
            ExchangeKind::ConsistentHash => match key.parse::<u64>() {
                Ok(weight) if weight > 0 => Ok(()),
                _ => Err(BuildError::HashWeight(key.clone())),
            },
            ExchangeKind::LocalRandom if !key.is_empty() => Err(BuildError::LocalRandomKey(key.clone())),
            ExchangeKind::LocalRandom => match binding.destination {
                Destination::Queue(id) if self.queue(id).kind == QueueKind::Classic => Ok(()),
                _ => Err(BuildError::LocalRandomDestination),
            },
            _ => Ok(()),
        }
    }

    /// The broker's version that this topology routes by.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The exchange of this name.
    pub fn exchange_id(&self, name: &str) -> Option<ExchangeId> {
        self.exchange_ids.get(name).copied()
    }

    /// The queue of this name.
    pub fn queue_id(&self, name: &str) -> Option<QueueId> {
        self.queue_ids.get(name).copied()
    }

    /// The exchange at `id`, which must be of this topology.
    pub fn exchange(&self, id: ExchangeId) -> &Exchange {
        &self.exchanges[id.index()]
    }

    /// The queue at `id`, which must be of this topology.
    pub fn queue(&self, id: QueueId) -> &Queue {
        &self.queues[id.index()]
    }

    /// The binding at `id`, which must be of this topology.
    pub fn binding(&self, id: BindingId) -> &Binding {
        &self.bindings[id.index()]
    }

    /// The bindings that leave an exchange, in order of declaration.
    pub fn bindings_of(&self, source: ExchangeId) -> &[BindingId] {
        &self.bound[source.index()]
    }

    /// Every exchange, in order of declaration; the default exchange is the first.
    pub fn exchanges(&self) -> impl ExactSizeIterator<Item = (ExchangeId, &Exchange)> {
        self.exchanges.iter().enumerate().map(|(i, exchange)| (ExchangeId(i as u32), exchange))
    }

    /// Every queue, in order of declaration.
    pub fn queues(&self) -> impl ExactSizeIterator<Item = (QueueId, &Queue)> {
        self.queues.iter().enumerate().map(|(i, queue)| (QueueId(i as u32), queue))
    }

    /// Every binding, in order of declaration.
    pub fn bindings(&self) -> impl ExactSizeIterator<Item = (BindingId, &Binding)> {
        self.bindings.iter().enumerate().map(|(i, binding)| (BindingId(i as u32), binding))
    }
}
