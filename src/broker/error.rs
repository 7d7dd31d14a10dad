use std::fmt;

use crate::{
    broker::{Cause, Method},
    diag::shell_word,
};

/// Why the broker did not do what it was asked. [`fmt::Display`] says what happened, [`Error::help`] what to do; neither
/// ever holds a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// What names the broker, or says how to reach it, makes no sense. Nothing was sent.
    Settings {
        /// What is wrong.
        trouble: String,
        /// What to write instead.
        help: String,
    },
    /// No endpoint answered.
    Unreachable {
        /// Each endpoint and why, in the order tried; at least one.
        tried: Vec<(String, Cause)>,
    },
    /// The answer to a request that may not be sent twice was lost: whether it was carried out is not known.
    Lost {
        /// What was asked.
        asked: Asked,
        /// What became of the connection.
        cause: Cause,
    },
    /// The user is not known or may not do this (401, 403).
    Unauthorized {
        /// What was asked.
        asked: Asked,
        /// As whom.
        username: String,
        /// The broker's words.
        reason: String,
    },
    /// What the path names does not exist (404).
    NotFound {
        /// What was asked.
        asked: Asked,
    },
    /// The broker refused, or had an accident (any other status).
    Refused {
        /// What was asked.
        asked: Asked,
        /// The HTTP status.
        status: u16,
        /// The broker's words.
        reason: String,
    },
    /// Something answered that is not RabbitMQ's management API.
    NotManagement {
        /// What was asked.
        asked: Asked,
        /// What came.
        found: String,
    },
    /// The broker's definitions make no sense to topoc.
    Unreadable {
        /// What is wrong.
        trouble: String,
    },
    /// The management API has no path for a name such as `..`, and nothing was sent.
    Unsayable {
        /// The method.
        method: Method,
        /// The name.
        name: String,
    },
    /// Nobody can look into a queue, as nodes of the cluster are down.
    Away {
        /// The queue.
        queue: String,
        /// `its node … is down`.
        why: String,
    },
    /// The broker does not say where it speaks AMQP.
    NoAmqp {
        /// The endpoint that was asked.
        endpoint: String,
        /// It does say so, but without TLS, which the management API is reached by.
        only_plain: bool,
    },
}

/// What was asked, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The endpoint, without user and password.
    pub endpoint: String,
    /// `/api/…`, percent-encoded.
    pub path: String,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.endpoint, self.path)
    }
}

impl Error {
    pub(crate) fn settings(trouble: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Settings { trouble: trouble.into(), help: help.into() }
    }

    /// The broker's own words, where it gave any.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Unauthorized { reason, .. } | Self::Refused { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// An edit or a command that leads on, where there is one.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Settings { help, .. } => Some(help.clone()),
            Self::Unreachable { tried } => tried.first().map(|(endpoint, cause)| cause.help(endpoint)),
            Self::Lost { asked, cause } if asked.method == Method::Get => Some(cause.help(&asked.endpoint)),
            Self::Lost { .. } => Some("see with `topoc diff` whether it was carried out".to_owned()),
            Self::Unauthorized { asked, username, reason } => Some(authorize(asked, username, reason)),
            Self::NotManagement { .. } => Some(
                "name the management API, up to but without `/api`: http://user:password@host:15672".to_owned(),
            ),
            Self::NoAmqp { only_plain: false, .. } => Some(
                "name it: --amqp amqp://host:5672; or give the user the tag `monitoring`, who may see the listeners"
                    .to_owned(),
            ),
            Self::NoAmqp { only_plain: true, .. } => {
                Some("name it, if it may go without TLS: --amqp amqp://host:5672".to_owned())
            }
            Self::Away { .. } => Some("topoc status says which nodes are down: start them, and try again".to_owned()),
            Self::Refused { status: 500.., .. } => {
                Some("look into the broker's log: rabbitmq-diagnostics log_tail".to_owned())
            }
            Self::Unreadable { .. } | Self::Unsayable { .. } | Self::NotFound { .. } | Self::Refused { .. } => None,
        }
    }
}

impl Asked {
    /// The vhost that the path names.
    fn vhost(&self) -> Option<String> {
        let mut segments = self.path.strip_prefix("/api/")?.split(['/', '?']);
        let at = if segments.next()? == "parameters" { 1 } else { 0 };
        let name = percent_encoding::percent_decode_str(segments.nth(at)?).decode_utf8().ok()?;
        Some(name.into_owned())
    }
}

fn authorize(asked: &Asked, username: &str, reason: &str) -> String {
    let username = &shell_word(username);
    if reason.ends_with("Not management user") {
        return format!("rabbitmqctl set_user_tags {username} management");
    }
    if reason.contains("virtual host") {
        let vhost = asked.vhost().map_or_else(|| "VHOST".to_owned(), |vhost| shell_word(&vhost));
        return format!("rabbitmqctl set_permissions -p {vhost} {username} '.*' '.*' '.*'");
    }
    for tag in ["administrator", "policymaker", "monitoring"] {
        if reason.to_ascii_lowercase().contains(tag) {
            return format!("rabbitmqctl set_user_tags {username} {tag}");
        }
    }
    let right =
        "set TOPOC_BROKER_USERNAME and TOPOC_BROKER_PASSWORD, or write http://user:password@host:port";
    if username == "guest" {
        format!("{right}; `guest` may log in from the broker's own machine only")
    } else {
        right.to_owned()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings { trouble, .. } => f.write_str(trouble),
            Self::Unreachable { tried } => {
                if tried.len() > 1 {
                    write!(f, "none of the broker's {} endpoints answers: ", tried.len())?;
                }
                for (index, (endpoint, cause)) in tried.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "; " };
                    write!(f, "{comma}{endpoint}: {cause}")?;
                }
                Ok(())
            }
            Self::Lost { asked, cause } => write!(f, "{asked}: the answer is lost: {cause}"),
            Self::Unauthorized { asked, username, reason } => {
                write!(f, "{asked}: the broker does not allow this to `{username}`: {reason}")
            }
            Self::NotFound { asked } => write!(f, "{asked}: does not exist"),
            Self::Refused { asked, status, reason } => write!(f, "{asked}: {reason} ({status})"),
            Self::NotManagement { asked, found } => {
                write!(f, "{asked}: this is not RabbitMQ's management API: {found}")
            }
            Self::Unreadable { trouble } => f.write_str(trouble),
            Self::Unsayable { method, name } => {
                write!(
                    f,
                    "the name `{name}` has no path in the management API, so {method} cannot be asked for it"
                )
            }
            Self::Away { queue, why } => write!(f, "`{queue}` cannot be looked into: {why}"),
            Self::NoAmqp { endpoint, only_plain: false } => {
                write!(f, "the broker at {endpoint} does not say where it speaks AMQP")
            }
            Self::NoAmqp { endpoint, only_plain: true } => {
                write!(f, "the broker at {endpoint} is reached by TLS, but speaks AMQP only without")
            }
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_enter_a_vhost_is_told_how_to_be_let_in() {
        let help = |path: &str| {
            let asked = Asked { method: Method::Put, endpoint: String::new(), path: path.to_owned() };
            let reason = "User not authorised to access virtual host".to_owned();
            Error::Unauthorized { asked, username: "me".to_owned(), reason }.help().unwrap()
        };
        assert_eq!(help("/api/queues/%2F/q"), "rabbitmqctl set_permissions -p / me '.*' '.*' '.*'");
        assert!(help("/api/parameters/shovel/a%20b/s").contains(" -p 'a b' "));
    }
}
