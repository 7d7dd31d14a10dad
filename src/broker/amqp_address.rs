use std::fmt;

use crate::broker::address::{decode, parse, split};
use crate::broker::{Credentials, Endpoint, Error, Overview, Secret};
use crate::uri;

/// The port that AMQP has by default.
const PORT: u16 = 5672;
/// The same over TLS.
const TLS_PORT: u16 = 5671;

/// Where AMQP is spoken, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmqpAddress {
    tls: bool,
    /// As a URL has it: an IPv6 address is in brackets.
    host: String,
    port: u16,
    credentials: Credentials,
}

impl AmqpAddress {
    /// Reads `amqp[s]://[user[:password]@]host[:port]`; who we are to the management API counts where it says nothing. A
    /// vhost in it is not used: the topology names its own.
    ///
    /// # Errors
    /// [`Error::Settings`], with what to write instead.
    pub fn parse(text: &str, known: &Credentials) -> Result<Self, Error> {
        let url = parse(text, &["amqp", "amqps"])?;
        let tls = url.scheme() == "amqps";
        let username = decode(url.username(), "user")?;
        let password = decode(url.password().unwrap_or_default(), "password")?;
        Ok(Self {
            tls,
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port().unwrap_or(if tls { TLS_PORT } else { PORT }),
            credentials: Credentials {
                username: username.unwrap_or_else(|| known.username.clone()),
                password: password.map_or_else(|| known.password.clone(), Secret::new),
            },
        })
    }

    /// Reads several with commas between them, nodes of one cluster that are tried in turn.
    ///
    /// # Errors
    /// As [`AmqpAddress::parse`].
    pub fn parse_all(text: &str, known: &Credentials) -> Result<Vec<Self>, Error> {
        split(text, &["amqp://", "amqps://"]).map(|url| Self::parse(url, known)).collect()
    }

    /// Where the broker says that it listens for AMQP, on the host by which `endpoint` reaches it. One that is reached by
    /// TLS is not spoken to without, unless it is this machine.
    ///
    /// # Errors
    /// [`Error::NoAmqp`] when it names its ports, and none is fit.
    pub fn learn(overview: &Overview, endpoint: &Endpoint, credentials: &Credentials) -> Result<Self, Error> {
        let port = |protocol: &str| {
            let listeners = overview.listeners.iter().filter(|listener| listener.protocol == protocol);
            listeners
                .min_by_key(|listener| Some(&listener.node) != overview.node.as_ref())
                .map(|listener| listener.port)
        };
        let (mut plain, mut tls) = (port("amqp"), port("amqp/ssl"));
        // who is not told takes the usual port; whether it is the same broker is seen to before it is relied on
        if overview.listeners.is_empty() {
            (plain, tls) = if endpoint.is_tls() { (None, Some(TLS_PORT)) } else { (Some(PORT), None) };
        }
        let plain_is_fit = !endpoint.is_tls() || endpoint.is_loopback();
        let found = if endpoint.is_tls() {
            tls.map(|port| (true, port)).or(plain.filter(|_| plain_is_fit).map(|port| (false, port)))
        } else {
            plain.map(|port| (false, port)).or(tls.map(|port| (true, port)))
        };
        let Some((tls, port)) = found else {
            return Err(Error::NoAmqp { endpoint: endpoint.to_string(), only_plain: plain.is_some() });
        };
        Ok(Self { tls, host: endpoint.host().to_owned(), port, credentials: credentials.clone() })
    }

    /// Whether it is spoken over TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The URL of a virtual host. It holds the password: not to be shown.
    pub fn url(&self, vhost: &str) -> Secret {
        let Credentials { username, password } = &self.credentials;
        Secret::new(format!(
            "{}://{}:{}@{}:{}/{}",
            self.scheme(),
            uri::part(username),
            uri::part(password.expose()),
            self.host,
            self.port,
            uri::part(vhost)
        ))
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "amqps" } else { "amqp" }
    }
}

impl fmt::Display for AmqpAddress {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme(), self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::{Address, Listener};

    fn known() -> Credentials {
        Credentials { username: "me".to_owned(), password: Secret::new("p/w") }
    }

    fn overview(listeners: &[(&str, &str, u16)]) -> Overview {
        let listener = |(node, protocol, port): &(&str, &str, u16)| Listener {
            node: (*node).to_owned(),
            protocol: (*protocol).to_owned(),
            port: *port,
        };
        Overview {
            version: "4.0.5".to_owned(),
            cluster_name: "c".to_owned(),
            node: Some("rabbit@b".to_owned()),
            listeners: listeners.iter().map(listener).collect(),
        }
    }

    fn learn(listeners: &[(&str, &str, u16)], endpoint: &str) -> Result<String, Error> {
        let address: Address = endpoint.parse().unwrap();
        AmqpAddress::learn(&overview(listeners), &address.endpoints()[0], &known())
            .map(|amqp| amqp.to_string())
    }

    #[test]
    fn an_override_takes_the_known_user_where_it_names_none() {
        let amqp = AmqpAddress::parse("amqps://mq", &known()).unwrap();
        assert_eq!(amqp.to_string(), "amqps://mq:5671");
        assert_eq!(amqp.url("/").expose(), "amqps://me:p%2Fw@mq:5671/%2F");
        let amqp = AmqpAddress::parse("amqp://you:yo%40@[::1]:1/ignored", &known()).unwrap();
        assert_eq!(amqp.url("a b").expose(), "amqp://you:yo%40@[::1]:1/a%20b");
        assert!(!format!("{amqp:?}").contains("yo@"));
        let several = AmqpAddress::parse_all("amqp://a:b,c@one:1, amqps://two", &known()).unwrap();
        let several: Vec<String> = several.iter().map(ToString::to_string).collect();
        assert_eq!(several, ["amqp://one:1", "amqps://two:5671"]);
        assert!(AmqpAddress::parse("http://mq", &known()).is_err());
    }

    #[test]
    fn the_node_that_answered_comes_first() {
        let listeners = [("rabbit@a", "amqp", 1), ("rabbit@b", "clustering", 2), ("rabbit@b", "amqp", 3)];
        assert_eq!(learn(&listeners, "http://mq:15672").unwrap(), "amqp://mq:3");
    }

    #[test]
    fn tls_stays_tls() {
        let both = [("rabbit@b", "amqp", 1), ("rabbit@b", "amqp/ssl", 2)];
        assert_eq!(learn(&both, "https://mq").unwrap(), "amqps://mq:2");
        assert_eq!(learn(&both, "http://mq").unwrap(), "amqp://mq:1");
        assert_eq!(learn(&both[1..], "http://mq").unwrap(), "amqps://mq:2");
        assert_eq!(learn(&both[..1], "https://localhost").unwrap(), "amqp://localhost:1");
        assert!(learn(&both[..1], "https://mq").unwrap_err().help().unwrap().contains("--amqp"));
        assert!(learn(&[("rabbit@b", "http", 1)], "http://mq").is_err());
        // who may not see the ports takes the usual ones
        assert_eq!(learn(&[], "http://mq").unwrap(), "amqp://mq:5672");
        assert_eq!(learn(&[], "https://mq").unwrap(), "amqps://mq:5671");
    }
}
