//! A connection over AMQP, by what is known of the management API.

use std::{io, time::Duration};

use lapin::{Connection, ConnectionProperties};

use super::{AmqpAddress, Client, Overview};

/// How long a broker may take to be connected to.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the broker may take to answer a method.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// Waits for the answer to a method no longer than a broker may take: a connection may stay open and bring none.
pub(super) async fn answered<T>(answer: impl Future<Output = lapin::Result<T>>) -> lapin::Result<T> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the broker does not answer");
    tokio::time::timeout(ANSWERS_WITHIN, answer).await.unwrap_or_else(|_| Err(late().into()))
}

/// A connection, and where it leads.
pub(super) struct Connected {
    pub(super) connection: Connection,
    /// Without user and password.
    pub(super) address: String,
}

/// Connects to a vhost, under a name that the management API shows.
pub(super) async fn connect(
    client: &Client,
    overview: &Overview,
    vhost: &str,
    name: &str,
) -> Result<Connected, String> {
    let mut troubles = Vec::new();
    for address in client.amqp(overview).await.map_err(|error| error.to_string())? {
        match connect_to(client, &address, vhost, name).await {
            Ok(connection) => return Ok(Connected { connection, address: address.to_string() }),
            Err(trouble) => troubles.push(trouble),
        }
    }
    Err(troubles.join("; "))
}

async fn connect_to(
    client: &Client,
    address: &AmqpAddress,
    vhost: &str,
    name: &str,
) -> Result<Connection, String> {
    let tls = client.access().tls();
    let config = lapin::tcp::OwnedTLSConfig {
        identity: tls.identity.as_ref().map(|identity| lapin::tcp::OwnedIdentity::PKCS8 {
            pem: identity.certificate.clone().into_bytes(),
            key: identity.key.expose().as_bytes().to_vec(),
        }),
        cert_chain: tls.ca.clone(),
    };
    let url = address.url(vhost);
    let runtime = lapin::runtime::default_runtime().map_err(|error| error.to_string())?;
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let connect = Connection::connect_with_config(url.expose(), properties, config, runtime);
    tokio::time::timeout(PATIENCE, connect)
        .await
        .map_err(|_| format!("{address} does not answer"))?
        .map_err(|error| format!("{address}: {error}"))
}
