//! How a connection behaves, and what it leads to.

use crate::{address::Address, error::Result};
#[cfg(feature = "memory")]
use crate::{error::Error, memory};
use std::time::Duration;

/// How a [`Connection`](crate::Connection) behaves. Start from [`Options::new`] or [`Options::from_env`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Where the broker is.
    pub address: Address,
    /// The name that the broker shows for this connection; also the `app-id` of messages
    /// where the generated publisher states none.
    pub name: String,
    /// How long the first connection is tried. A lost one is tried for good. Default 30 s.
    pub connect_timeout: Duration,
    /// The longest wait between two attempts. Default 15 s.
    pub reconnect_wait: Duration,
    /// How long a publish may take, with waiting for a lost connection. Default 30 s.
    pub publish_timeout: Duration,
    /// How many messages of one publisher may be without a confirm. Default 1024.
    pub publish_window: usize,
    /// How long handlers may go on after the order to stop. Default 30 s.
    pub grace: Duration,
    /// The broker in this process that it connects to, in place of the one at the address.
    #[cfg(feature = "memory")]
    pub(crate) broker: Option<memory::Broker>,
}

impl Options {
    /// The defaults for a broker at `address`.
    #[must_use]
    pub fn new(address: Address) -> Self {
        let program = std::env::args_os().next().map(std::path::PathBuf::from);
        let name = program.as_ref().and_then(|path| path.file_name()?.to_str());
        Self {
            address,
            name: name.unwrap_or("topoc").to_owned(),
            connect_timeout: Duration::from_secs(30),
            reconnect_wait: Duration::from_secs(15),
            publish_timeout: Duration::from_secs(30),
            publish_window: 1024,
            grace: Duration::from_secs(30),
            #[cfg(feature = "memory")]
            broker: None,
        }
    }

    /// The defaults for the broker that `TOPOC_AMQP` names, else `AMQP_URL`, else for a new broker in this process with
    /// `topology` in it, as [`memory::Broker::new`] makes it: so one test runs on either. In memory the vhost is the first
    /// of the topology, on RabbitMQ the address's.
    ///
    /// # Errors
    /// [`Error::Address`] if the variable's value cannot be read, [`Error::Declare`] if the broker in this process
    /// refuses something of the topology.
    #[cfg(feature = "memory")]
    pub fn from_env_or_memory(topology: &crate::declare::Topology) -> Result<Self> {
        match Address::named_by_env()? {
            Some(address) => Ok(Self::new(address)),
            None => Ok(memory::Broker::new(topology)?.options()),
        }
    }

    /// The broker in this process that these options lead to, if they do.
    #[cfg(feature = "memory")]
    #[must_use]
    pub fn broker(&self) -> Option<&memory::Broker> {
        self.broker.as_ref()
    }

    /// A session with the broker in this process, if it is one.
    #[cfg(feature = "memory")]
    pub(crate) fn memory(&self) -> Option<Result<memory::Session>> {
        let broker = self.broker.as_ref()?;
        Some(
            broker
                .session(self.address.vhost())
                .map_err(|reason| Error::Refused { address: self.address.to_string(), reason }),
        )
    }

    /// The same in another vhost.
    #[must_use]
    pub fn vhost(mut self, vhost: &str) -> Self {
        self.address = self.address.in_vhost(vhost);
        self
    }

    /// The defaults for the broker that `TOPOC_AMQP` names, else `AMQP_URL`,
    /// else `amqp://guest:guest@127.0.0.1:5672/%2f`.
    ///
    /// # Errors
    /// [`Error::Address`] if the variable's value cannot be read.
    pub fn from_env() -> Result<Self> {
        Address::from_env().map(Self::new)
    }
}
