//! Throwaway RabbitMQ nodes on loopback, for tests, benches and the demo.
//!
//! A test that only needs a broker takes a virtual host of the shared one:
//! `let vhost = Shared::get().vhost();`. A test that kills, restarts or configures its broker starts its own:
//! `let mut broker = Broker::start();`. A [`Cluster`] has three nodes, which can be killed, paused and parted.

mod api;
mod broker;
mod certificates;
mod cluster;
mod command;
mod conf;
mod error;
mod options;
mod ports;
mod proxy;
mod shared;
mod supervisor;
mod users;
mod version;

pub use api::Api;
pub use broker::Broker;
pub use certificates::{Certificates, Certified};
pub use cluster::Cluster;
pub use command::run_until_we_end;
pub use error::Error;
pub use options::{Options, SHIPPED_PLUGINS};
pub use proxy::{Event, Fate, Passing, Protocol, Proxy, Rewrite, Speak};
pub use shared::{RunBrokers, Shared, Vhost, describe};
pub use users::with_users;
pub use version::{Version, available, available_or_skip};
