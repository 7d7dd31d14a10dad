use crate::{Certificates, Version};

/// How a node is started. The default is a 3.10 node with the management plugin and nothing else.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// Which RabbitMQ.
    pub version: Version,
    /// Plugins besides `rabbitmq_management`, by full name. `rabbitmq_prometheus` and `rabbitmq_stream` get a loopback
    /// port; other plugins that listen need theirs in `extra_conf`.
    pub plugins: &'a [&'a str],
    /// Lines added to `rabbitmq.conf`.
    pub extra_conf: &'a str,
    /// Listens for AMQP and management with TLS, too, and accepts only clients that show the certificate.
    pub tls: Option<&'a Certificates>,
}

/// The exchange types and upstream plugins that ship with RabbitMQ.
pub const SHIPPED_PLUGINS: &[&str] = &[
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_federation",
    "rabbitmq_federation_management",
    "rabbitmq_random_exchange",
    "rabbitmq_recent_history_exchange",
    "rabbitmq_sharding",
    "rabbitmq_shovel",
    "rabbitmq_shovel_management",
];

impl Default for Options<'_> {
    fn default() -> Self {
        Self { version: Version::V3_10, plugins: &[], extra_conf: "", tls: None }
    }
}
