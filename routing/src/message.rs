//! A message, as far as routing looks at it.

use std::borrow::Cow;

use crate::{Table, Value};

static NO_HEADERS: Table = Table::new();

/// What the broker routes by: the key, the headers, and the extra keys in the headers `CC` and `BCC`.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The routing key of `basic.publish`.
    pub routing_key: &'a str,
    /// The headers, without `CC` and `BCC`; `None` if they are not known, and then what depends on them is undecided.
    pub headers: Option<&'a Table>,
    /// Extra routing keys that consumers see.
    pub cc: &'a [String],
    /// Extra routing keys that the broker strips before it routes.
    pub bcc: &'a [String],
}

impl<'a> Message<'a> {
    /// A message without headers.
    pub fn new(routing_key: &'a str) -> Self {
        Self { routing_key, headers: Some(&NO_HEADERS), cc: &[], bcc: &[] }
    }

    /// The same message with these headers.
    pub fn with_headers(self, headers: &'a Table) -> Self {
        Self { headers: Some(headers), ..self }
    }

    /// The same message with headers that are not known.
    pub fn with_unknown_headers(self) -> Self {
        Self { headers: None, ..self }
    }

    /// The same message with these keys in `CC`.
    pub fn with_cc(self, cc: &'a [String]) -> Self {
        Self { cc, ..self }
    }

    /// The same message with these keys in `BCC`.
    pub fn with_bcc(self, bcc: &'a [String]) -> Self {
        Self { bcc, ..self }
    }

    /// Every key that the message is routed by: its own, then `CC`, then `BCC` (`rabbit_basic:header_routes`).
    pub fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        std::iter::once(self.routing_key).chain(self.cc.iter().chain(self.bcc).map(String::as_str))
    }

    /// A header as a headers exchange sees it: `CC` is there, `BCC` has been stripped.
    pub(crate) fn header(&self, name: &str) -> Option<Cow<'a, Value>> {
        if name == "CC" && !self.cc.is_empty() {
            return Some(Cow::Owned(Value::string_array(self.cc)));
        }
        self.headers?.get(name).map(Cow::Borrowed)
    }
}
