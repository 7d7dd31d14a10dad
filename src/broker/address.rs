use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::broker::Error;

/// A password. It is shown nowhere: what shows it says so by calling [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who we are to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

/// The origin of a management API: `http[s]://host:port[/prefix]`, without user and password, so that it can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
}

impl Endpoint {
    /// Whether it is reached by TLS.
    pub fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host as a URL has it: an IPv6 address is in brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

/// What `--broker` says: the endpoints of one cluster, to be tried in turn, and perhaps who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    endpoints: Vec<Endpoint>,
    username: Option<String>,
    password: Option<Secret>,
}

impl Address {
    /// The endpoints, at least one, in the order in which they are tried.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The user that the URLs name.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The password in the URLs.
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }
}

impl FromStr for Address {
    type Err = Error;

    /// Reads `http[s]://[user[:password]@]host[:port][/prefix]`, several with commas between them. User and password are
    /// percent-encoded, are the same for all, and need to be given only once.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut address = Self { endpoints: Vec::new(), username: None, password: None };
        for url in split(text, &["http://", "https://"]) {
            let mut url = parse(url, &["http", "https"])?;
            let username = decode(url.username(), "user")?.filter(|name| !name.is_empty());
            let password =
                decode(url.password().unwrap_or_default(), "password")?.filter(|word| !word.is_empty());
            for (given, known) in [
                (&username, address.username.as_deref()),
                (&password, address.password.as_ref().map(Secret::expose)),
            ] {
                if let (Some(given), Some(known)) = (given, known)
                    && given != known
                {
                    return Err(Error::settings(
                        "the endpoints of one broker have different users or passwords",
                        "name endpoints of one cluster, which has one set of users",
                    ));
                }
            }
            address.username = address.username.or(username);
            address.password = address.password.or(password.map(Secret::new));
            if url.query().or(url.fragment()).is_some() {
                return Err(Error::settings(
                    "a broker's address ends with its path, but this one has a `?` or a `#`",
                    "write `%3F` for a `?` and `%23` for a `#` in a user or password",
                ));
            }
            // neither can fail: http and https URLs have a host
            let _ = url.set_username("");
            let _ = url.set_password(None);
            let prefix = url.path().trim_end_matches('/');
            let prefix = prefix.strip_suffix("/api").unwrap_or(prefix).to_owned();
            url.set_path(&prefix);
            address.endpoints.push(Endpoint { url });
        }
        Ok(address)
    }
}

/// Cuts at the commas before another URL of one of these schemes; any other comma belongs to a password.
pub(crate) fn split<'a>(text: &'a str, schemes: &[&str]) -> impl Iterator<Item = &'a str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let all = rest?;
        let cut = all.match_indices(',').map(|(at, _)| at).find(|at| {
            let next = all[at + 1..].trim_start();
            schemes.iter().any(|scheme| next.starts_with(scheme))
        });
        rest = cut.map(|at| &all[at + 1..]);
        Some(all[..cut.unwrap_or(all.len())].trim())
    })
}

/// Reads a URL of one of `schemes`. No message shows the text: it may hold a password.
pub(crate) fn parse(text: &str, schemes: &[&str]) -> Result<Url, Error> {
    let wanted = format!("{}://user:password@host:port", schemes[0]);
    if text.is_empty() {
        return Err(Error::settings("the broker's address is empty", format!("write {wanted}")));
    }
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        None => Err(Error::settings("the broker's address has no scheme", format!("write {wanted}"))),
        Some(scheme) if !schemes.contains(&scheme) => {
            let shown: String = scheme.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
            let help = if scheme.starts_with("amqp") {
                format!("write the management API's address, {wanted} (port 15672); AMQP's is for --amqp")
            } else {
                format!("write {wanted}")
            };
            Err(Error::settings(
                format!("the broker's address is `{shown}:`, not {}", schemes.join(" or ")),
                help,
            ))
        }
        Some(_) => {
            let url = Url::parse(text).ok().filter(|url| url.host_str().is_some_and(|host| !host.is_empty()));
            // what follows a `/` in a password would pass for the path, and what stands before it for the host
            url.filter(|url| !url.path().contains('@')).ok_or_else(|| {
                Error::settings(
                    "the broker's address has no host or port where they should be",
                    format!(
                        "write {wanted}, with `%40` for an `@`, `%2F` for a `/` and `%23` for a `#` in the password"
                    ),
                )
            })
        }
    }
}

/// The text of a percent-encoded part of a URL; `None` if there is none.
pub(crate) fn decode(part: &str, what: &str) -> Result<Option<String>, Error> {
    let decoded = percent_encoding::percent_decode_str(part).decode_utf8().map_err(|_| {
        Error::settings(
            format!("the {what} in the broker's address is not UTF-8 once its `%` sequences are decoded"),
            "write `%25` for a `%`",
        )
    })?;
    Ok(Some(decoded.into_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn a_url_is_taken_apart() {
        let broker = address("https://admin:p%40ss%2Fw%25@mq.example.com:15671/rabbit/");
        assert_eq!(broker.endpoints()[0].to_string(), "https://mq.example.com:15671/rabbit");
        assert!(broker.endpoints()[0].is_tls());
        assert_eq!(broker.username(), Some("admin"));
        assert_eq!(broker.password().unwrap().expose(), "p@ss/w%");
        assert_eq!(address("http://[::1]:15672").endpoints()[0].host(), "[::1]");
        assert_eq!(
            address("http://localhost:15672/api/").endpoints()[0].to_string(),
            "http://localhost:15672"
        );
    }

    #[test]
    fn several_endpoints_share_a_user() {
        let broker = address("http://a:b,c@one:15672, https://two:15671,http://a:b,c@three:1");
        let shown: Vec<String> = broker.endpoints().iter().map(Endpoint::to_string).collect();
        assert_eq!(shown, ["http://one:15672", "https://two:15671", "http://three:1"]);
        assert_eq!((broker.username(), broker.password().unwrap().expose()), (Some("a"), "b,c"));
        assert!("http://a:x@one:1,http://a:y@two:1".parse::<Address>().is_err());
    }

    #[test]
    fn a_secret_is_shown_nowhere() {
        let broker = address("http://admin:s3cret@localhost:15672");
        assert!(!format!("{broker:?}").contains("s3cret"));
        let wrong = [
            "http://admin:s3cret",
            "http://admin:s3cret#@localhost:1",
            "http://a:s3cret/@h:1",
            "http://a:p@s3cret/word@h:1",
            "http://a:p@s3cret\\\\word@h:1",
            "http://a:1/s3cret@h:1",
            "http://a:b@h:1,http://a:p@s3cret/@h:1",
            "http://a:p@s3cret?x@h:1",
            "s3cret",
            "amqp://a:s3cret@h",
            "http://a:s3cret%ff@h",
            "",
        ];
        for text in wrong {
            let error = text.parse::<Address>().unwrap_err();
            let all = format!("{error} {error:?} {}", error.help().unwrap());
            assert!(!all.contains("s3cret"), "{text}: {all}");
        }
    }

    #[test]
    fn loopback_is_recognised() {
        for text in ["http://localhost:1", "http://127.0.0.2:1", "http://[::1]:1"] {
            assert!(address(text).endpoints()[0].is_loopback(), "{text}");
        }
        assert!(!address("http://localhost.example.com:1").endpoints()[0].is_loopback());
    }
}
