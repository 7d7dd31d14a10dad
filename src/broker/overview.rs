use serde_json::Value;

/// Who answers: `GET /api/overview`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// RabbitMQ's version, such as `3.10.8`.
    pub version: String,
    /// The name that the cluster goes by.
    pub cluster_name: String,
    /// The node that answered; `None` for a user without the tag `monitoring` or `administrator`.
    pub node: Option<String>,
    /// The open ports of all nodes; empty for a user without the tag `monitoring` or `administrator`.
    pub listeners: Vec<Listener>,
}

/// One open port of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The node.
    pub node: String,
    /// `amqp`, `amqp/ssl`, `http`, `clustering`, …
    pub protocol: String,
    /// The TCP port.
    pub port: u16,
}

impl Overview {
    /// What an answer says; `None` when it is not RabbitMQ's overview.
    pub fn from_json(overview: &Value) -> Option<Self> {
        let text = |name: &str| overview[name].as_str().map(str::to_owned);
        let listeners = overview["listeners"].as_array().into_iter().flatten();
        Some(Self {
            version: text("rabbitmq_version")?,
            cluster_name: text("cluster_name")?,
            node: text("node"),
            listeners: listeners.filter_map(Listener::from_json).collect(),
        })
    }
}

impl Listener {
    fn from_json(listener: &Value) -> Option<Self> {
        Some(Self {
            node: listener["node"].as_str()?.to_owned(),
            protocol: listener["protocol"].as_str()?.to_owned(),
            port: listener["port"].as_u64().and_then(|port| u16::try_from(port).ok())?,
        })
    }
}
