use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use crate::broker::{
    Address, AmqpAddress, Credentials, Endpoint, Error, Identity, Secret, Tls, secrets::in_file,
};

/// How the broker is named and reached, as a person gives it; all is optional.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `http[s]://[user[:password]@]host[:port][/prefix]`, several with commas between them (`TOPOC_BROKER`).
    pub broker: Option<Secret>,
    /// The user, where the address names none (`TOPOC_BROKER_USERNAME`).
    pub username: Option<String>,
    /// The password, where the address has none (`TOPOC_BROKER_PASSWORD`).
    pub password: Option<Secret>,
    /// A file with the password; a line end after it is not part of it (`TOPOC_BROKER_PASSWORD_FILE`).
    pub password_file: Option<PathBuf>,
    /// A PEM file of the authorities to trust, in place of the system's (`TOPOC_BROKER_CA`).
    pub ca: Option<PathBuf>,
    /// A PEM file with the client certificate to show (`TOPOC_BROKER_CERT`).
    pub certificate: Option<PathBuf>,
    /// A PEM file with its private key (`TOPOC_BROKER_KEY`).
    pub key: Option<PathBuf>,
    /// `amqp[s]://[user[:password]@]host[:port]`, several with commas between them, where the broker's own word is not to be
    /// taken (`TOPOC_AMQP`, if the broker is that of `TOPOC_BROKER`).
    pub amqp: Option<Secret>,
}

impl Options {
    /// What is not given yet, from environment variables; one that is empty counts as absent.
    #[must_use]
    pub fn or_environment(self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| variable(name).filter(|text| !text.is_empty());
        let secret = |name: &str| text(name).map(Secret::new);
        let path = |name: &str| text(name).map(PathBuf::from);
        // one of the two given stands for both, so that a flag is not contradicted by a variable
        let has_password = self.password.is_some() || self.password_file.is_some();
        // the AMQP of the environment is that of the environment's broker, not of one that is named by hand
        let has_broker = self.broker.is_some();
        Self {
            broker: self.broker.or_else(|| secret("TOPOC_BROKER")),
            username: self.username.or_else(|| text("TOPOC_BROKER_USERNAME")),
            password: self.password.or_else(|| secret("TOPOC_BROKER_PASSWORD").filter(|_| !has_password)),
            password_file: self
                .password_file
                .or_else(|| path("TOPOC_BROKER_PASSWORD_FILE").filter(|_| !has_password)),
            ca: self.ca.or_else(|| path("TOPOC_BROKER_CA")),
            certificate: self.certificate.or_else(|| path("TOPOC_BROKER_CERT")),
            key: self.key.or_else(|| path("TOPOC_BROKER_KEY")),
            amqp: self.amqp.or_else(|| secret("TOPOC_AMQP").filter(|_| !has_broker)),
        }
    }

    /// Reads the files and checks that all of it fits together. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::Settings`], with what to write instead.
    pub fn open(&self) -> Result<Access, Error> {
        let Some(broker) = &self.broker else {
            return Err(Error::settings(
                "no broker is named",
                "add --broker http://user:password@host:15672, or set TOPOC_BROKER",
            ));
        };
        let address: Address = broker.expose().parse()?;
        let credentials = self.credentials(&address)?;
        let amqp = match &self.amqp {
            Some(amqp) => AmqpAddress::parse_all(amqp.expose(), &credentials)?,
            None => Vec::new(),
        };
        Ok(Access {
            endpoints: address.endpoints().to_vec(),
            credentials,
            tls: self.tls()?,
            amqp,
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(120),
        })
    }

    fn credentials(&self, address: &Address) -> Result<Credentials, Error> {
        let username = address.username().or(self.username.as_deref());
        let password = match (address.password(), &self.password, &self.password_file) {
            (Some(password), _, _) => Some(password.clone()),
            (None, Some(_), Some(_)) => {
                return Err(Error::settings(
                    "the password is given twice, by itself and by a file",
                    "leave out TOPOC_BROKER_PASSWORD or TOPOC_BROKER_PASSWORD_FILE",
                ));
            }
            (None, Some(password), None) => Some(password.clone()),
            (None, None, Some(file)) => {
                Some(Secret::new(in_file(file).map_err(|error| unreadable(file, "password", &error))?))
            }
            (None, None, None) => None,
        };
        match (username, password) {
            (Some(username), Some(password)) => Ok(Credentials { username: username.to_owned(), password }),
            // the user that every new broker has, for its own machine only
            (None | Some("guest"), None) => {
                Ok(Credentials { username: "guest".to_owned(), password: Secret::new("guest") })
            }
            (Some(username), None) => Err(Error::settings(
                format!("the user `{username}` has no password"),
                "set TOPOC_BROKER_PASSWORD, or TOPOC_BROKER_PASSWORD_FILE to the path of a file with it",
            )),
            (None, Some(_)) => Err(Error::settings(
                "a password is given, but no user",
                "set TOPOC_BROKER_USERNAME, or write the user into the broker's address",
            )),
        }
    }

    fn tls(&self) -> Result<Tls, Error> {
        let ca = self.ca.as_ref().map(|file| read(file, "certificate authority")).transpose()?;
        let identity = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some(Identity {
                certificate: read(certificate, "client certificate")?,
                key: Secret::new(read(key, "client key")?),
            }),
            (None, None) => None,
            (Some(_), None) => {
                return Err(Error::settings(
                    "a client certificate is given without its key",
                    "name the key's PEM file by TOPOC_BROKER_KEY",
                ));
            }
            (None, Some(_)) => {
                return Err(Error::settings(
                    "a client key is given without its certificate",
                    "name the certificate's PEM file by TOPOC_BROKER_CERT",
                ));
            }
        };
        Ok(Tls { ca, identity })
    }
}

/// Everything that is needed to reach a broker, checked.
#[derive(Debug, Clone)]
pub struct Access {
    /// At least one, tried in turn.
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) credentials: Credentials,
    pub(crate) tls: Tls,
    /// Tried in turn; none: as the broker says.
    pub(crate) amqp: Vec<AmqpAddress>,
    pub(crate) connect_timeout: Duration,
    pub(crate) answer_timeout: Duration,
}

impl Access {
    /// How long one endpoint may take to accept a connection; 5 s unless said.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an answer may pause, before it starts or amidst; 120 s unless said.
    #[must_use]
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// The endpoints, in the order in which they are tried.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Who we are to the broker.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// What TLS connections trust and show, AMQP's too.
    pub fn tls(&self) -> &Tls {
        &self.tls
    }
}

#[expect(clippy::disallowed_methods, reason = "an edge: the files that name a broker's secrets")]
fn read(file: &Path, what: &str) -> Result<String, Error> {
    fs::read_to_string(file).map_err(|error| unreadable(file, what, &error))
}

fn unreadable(file: &Path, what: &str, error: &io::Error) -> Error {
    Error::settings(
        format!("the {what} in {} cannot be read: {error}", file.display()),
        format!("name a readable file for the {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Access, Error> {
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        };
        Options::default().or_environment(lookup).open()
    }

    fn user(access: &Access) -> (&str, &str) {
        (&access.credentials.username, access.credentials.password.expose())
    }

    const AT: (&str, &str) = ("TOPOC_BROKER", "http://localhost:15672");

    #[test]
    fn the_address_comes_before_the_environment() {
        let named = ("TOPOC_BROKER", "http://me:mine@localhost:15672");
        let variables = [("TOPOC_BROKER_USERNAME", "you"), ("TOPOC_BROKER_PASSWORD", "yours")];
        assert_eq!(user(&with(&[named, variables[0], variables[1]]).unwrap()), ("me", "mine"));
        assert_eq!(user(&with(&[AT, variables[0], variables[1]]).unwrap()), ("you", "yours"));
        let name_only = ("TOPOC_BROKER", "http://me@localhost:15672");
        assert_eq!(user(&with(&[name_only, variables[1]]).unwrap()), ("me", "yours"));
        assert_eq!(user(&with(&[AT]).unwrap()), ("guest", "guest"));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test is about a file")]
    fn a_password_comes_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "two words \r\n").unwrap();
        let path = file.path().to_str().unwrap();
        let variables = [AT, ("TOPOC_BROKER_USERNAME", "me"), ("TOPOC_BROKER_PASSWORD_FILE", path)];
        assert_eq!(user(&with(&variables).unwrap()), ("me", "two words "));
        let twice = [&variables[..], &[("TOPOC_BROKER_PASSWORD", "other")]].concat();
        assert!(with(&twice).unwrap_err().to_string().contains("twice"));
        // a flag is enough
        let flag = Options { password: Some(Secret::new("flag")), ..Options::default() };
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        };
        assert_eq!(user(&flag.or_environment(lookup).open().unwrap()), ("me", "flag"));
    }

    #[test]
    fn amqp_is_that_of_the_same_broker() {
        let variables = [AT, ("TOPOC_AMQP", "amqp://elsewhere")];
        assert_eq!(with(&variables).unwrap().amqp[0].to_string(), "amqp://elsewhere:5672");
        let named = Options { broker: Some(Secret::new("http://localhost:1")), ..Options::default() };
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        };
        assert_eq!(named.clone().or_environment(lookup).open().unwrap().amqp, []);
        let both = Options { amqp: Some(Secret::new("amqp://here")), ..named };
        assert_eq!(both.or_environment(lookup).open().unwrap().amqp[0].to_string(), "amqp://here:5672");
    }

    #[test]
    fn what_is_missing_is_said() {
        let trouble = |variables: &[(&str, &str)]| {
            let error = with(variables).unwrap_err();
            format!("{error}; {}", error.help().unwrap())
        };
        assert!(trouble(&[]).contains("no broker is named; add --broker"));
        assert!(
            trouble(&[AT, ("TOPOC_BROKER_USERNAME", "me")])
                .contains("`me` has no password; set TOPOC_BROKER_PASSWORD")
        );
        assert!(trouble(&[AT, ("TOPOC_BROKER_PASSWORD", "x")]).contains("no user"));
        assert!(
            trouble(&[AT, ("TOPOC_BROKER_CA", "/nowhere/ca.pem")]).contains("/nowhere/ca.pem cannot be read")
        );
        assert!(trouble(&[AT, ("TOPOC_BROKER_CERT", "/nowhere/cert.pem")]).contains("TOPOC_BROKER_KEY"));
    }
}
