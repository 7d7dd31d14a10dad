//! Where the broker is, without ever showing the password.

use crate::error::Error;
use lapin::uri::{AMQPScheme, AMQPUri};
use std::fmt;

const WANTED: &str = "amqp[s]://user:password@host:port/vhost";

/// The broker's address; its `Display` and `Debug` leave the password out.
#[derive(Clone)]
pub struct Address {
    uri: AMQPUri,
}

impl Address {
    /// Reads `amqp[s]://user:password@host:port/vhost`; `%2f` is the vhost `/`, which is also the default.
    ///
    /// # Errors
    /// [`Error::Address`], whose text never holds any part of the address.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_from("the address", text)
    }

    /// `TOPOC_AMQP`, else `AMQP_URL`, else the broker on this machine with the user guest.
    pub(crate) fn from_env() -> Result<Self, Error> {
        Self::named_by_env()?.map_or_else(|| Self::parse("amqp://guest:guest@127.0.0.1:5672/%2f"), Ok)
    }

    /// `TOPOC_AMQP`, else `AMQP_URL`, if one of them says something.
    pub(crate) fn named_by_env() -> Result<Option<Self>, Error> {
        for name in ["TOPOC_AMQP", "AMQP_URL"] {
            match std::env::var(name) {
                Ok(text) if !text.is_empty() => return Self::parse_from(name, &text).map(Some),
                Ok(_) | Err(std::env::VarError::NotPresent) => {}
                Err(std::env::VarError::NotUnicode(_)) => {
                    return Err(Error::Address { source_name: name.into(), trouble: "is not UTF-8".into() });
                }
            }
        }
        Ok(None)
    }

    fn parse_from(source_name: &str, text: &str) -> Result<Self, Error> {
        let trouble = |trouble: &str| Error::Address {
            source_name: source_name.into(),
            trouble: format!("{trouble}: wanted {WANTED}"),
        };
        // the parser's own words can repeat the address, so its reason is found here
        let rest = text
            .strip_prefix("amqp://")
            .or_else(|| text.strip_prefix("amqps://"))
            .ok_or_else(|| trouble("does not start with amqp:// or amqps://"))?;
        let mut uri: AMQPUri = text.parse().map_err(|_| trouble("cannot be read as a URL"))?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        // the parser knows no IPv6 host and would silently take `localhost`
        if let Some((host, _)) = host_and_port.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            uri.authority.host = host.to_owned();
        }
        if host_and_port.is_empty() || host_and_port.starts_with(':') {
            return Err(trouble("names no host"));
        }
        Ok(Self { uri })
    }

    /// The address that a broker in this process shows.
    #[cfg(feature = "memory")]
    pub(crate) fn in_memory(vhost: &str) -> Self {
        let authority = lapin::uri::AMQPAuthority { host: "memory".to_owned(), ..Default::default() };
        Self { uri: AMQPUri { authority, ..AMQPUri::default() } }.in_vhost(vhost)
    }

    /// The same broker and user, in another vhost.
    #[must_use]
    pub fn in_vhost(mut self, vhost: &str) -> Self {
        vhost.clone_into(&mut self.uri.vhost);
        self
    }

    /// The vhost.
    #[must_use]
    pub fn vhost(&self) -> &str {
        &self.uri.vhost
    }

    pub(crate) fn uri(&self) -> &AMQPUri {
        &self.uri
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.uri.scheme {
            AMQPScheme::AMQP => "amqp",
            AMQPScheme::AMQPS => "amqps",
        };
        let authority = &self.uri.authority;
        let vhost = self.uri.vhost.replace('/', "%2f");
        write!(f, "{scheme}://{}@{}:{}/{vhost}", authority.userinfo.username, authority.host, authority.port)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let address = Address::parse("amqp://shop:s3cret@mq.example.com:5673/%2f").unwrap();
        assert_eq!(address.to_string(), "amqp://shop@mq.example.com:5673/%2f");
        for wrong in [
            "shop:s3cret@host",
            "http://shop:s3cret@host",
            "amqp://shop:s3cret@host:port/",
            "amqp://u:s3cret@/",
        ] {
            let error = Address::parse(wrong).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn defaults_follow_the_uri_specification() {
        let address = Address::parse("amqp://mq").unwrap();
        assert_eq!(address.to_string(), "amqp://guest@mq:5672/%2f");
        let address = Address::parse("amqps://u:p%40@mq/shop").unwrap();
        assert_eq!(address.to_string(), "amqps://u@mq:5671/shop");
        assert_eq!(address.uri().authority.userinfo.password, "p@");
        assert_eq!(address.in_vhost("back office/x").to_string(), "amqps://u@mq:5671/back office%2fx");
    }

    #[test]
    fn an_ipv6_host_is_kept() {
        assert_eq!(Address::parse("amqp://u:p@[::1]:5673/x").unwrap().uri().authority.host, "::1");
    }
}
