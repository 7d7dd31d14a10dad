use std::fmt;

use serde_json::Value;

use crate::uri;

/// The methods that the management API knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or replaces what the path names.
    Put,
    /// Adds to what the path names.
    Post,
    /// Removes what the path names.
    Delete,
}

impl Method {
    /// As it is written in HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One request to the management API, as a value: nothing is sent by making it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    method: Method,
    segments: Vec<String>,
    query: Vec<(String, String)>,
    body: Option<Value>,
    repeatable: bool,
    secret: bool,
}

impl Request {
    /// Reads `/api/{segments…}`. Segments are names as they are, not yet encoded.
    pub fn get(segments: &[&str]) -> Self {
        Self::new(Method::Get, segments, None)
    }

    /// Creates or replaces `/api/{segments…}`.
    pub fn put(segments: &[&str], body: Value) -> Self {
        Self::new(Method::Put, segments, Some(body))
    }

    /// Adds to `/api/{segments…}`.
    pub fn post(segments: &[&str], body: Value) -> Self {
        Self::new(Method::Post, segments, Some(body))
    }

    /// Removes `/api/{segments…}`.
    pub fn delete(segments: &[&str]) -> Self {
        Self::new(Method::Delete, segments, None)
    }

    fn new(method: Method, segments: &[&str], body: Option<Value>) -> Self {
        let segments = segments.iter().map(|segment| (*segment).to_owned()).collect();
        Self { method, segments, query: Vec::new(), body, repeatable: method != Method::Post, secret: false }
    }

    /// Adds `name=value` to the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Says that carrying it out twice is carrying it out once, as adding a binding is; true of all but POST already.
    /// Only such a request is sent again when its answer is lost.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Says that the body holds a secret: what the broker repeats of it is then not shown.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Whether the body holds a secret.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// Whether it may be sent again when its answer is lost.
    pub fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The JSON body.
    pub fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// `/api/…` with its query, percent-encoded.
    pub fn path(&self) -> String {
        let mut path = String::from("/api");
        for segment in &self.segments {
            path.push('/');
            path.push_str(&uri::part(segment));
        }
        for (index, (name, value)) in self.query.iter().enumerate() {
            path.push(if index == 0 { '?' } else { '&' });
            path.push_str(&uri::part(name));
            path.push('=');
            path.push_str(&uri::part(value));
        }
        path
    }

    /// A name that no path can say: the broker drops the segments ``, `.` and `..` after decoding them (seen on 3.10 and
    /// 4.0), so that the request would be about something else.
    pub fn unsayable_name(&self) -> Option<&str> {
        self.segments.iter().map(String::as_str).find(|segment| matches!(*segment, "" | "." | ".."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn names_stay_one_segment() {
        let path = |name: &str| Request::get(&["queues", "/", name]).path();
        assert_eq!(path("orders"), "/api/queues/%2F/orders");
        assert_eq!(path("a/b c"), "/api/queues/%2F/a%2Fb%20c");
        assert_eq!(path("a%2fb"), "/api/queues/%2F/a%252fb");
        assert_eq!(path("größe?#&+"), "/api/queues/%2F/gr%C3%B6%C3%9Fe%3F%23%26%2B");
    }

    #[test]
    fn a_query_is_encoded() {
        let request = Request::get(&["queues"]).query("disable_stats", "true").query("name", "a&b=c");
        assert_eq!(request.path(), "/api/queues?disable_stats=true&name=a%26b%3Dc");
    }

    #[test]
    fn names_that_the_broker_would_drop_from_a_path() {
        for name in ["", ".", ".."] {
            assert_eq!(Request::delete(&["queues", "/", name]).unsayable_name(), Some(name));
        }
        assert_eq!(Request::delete(&["queues", "/", "..."]).unsayable_name(), None);
    }

    #[test]
    fn only_a_post_is_not_repeated() {
        assert!(Request::put(&["vhosts", "a"], json!({})).is_repeatable());
        assert!(!Request::post(&["definitions"], json!({})).is_repeatable());
        assert!(Request::post(&["bindings"], json!({})).repeatable().is_repeatable());
    }

    proptest! {
        #[test]
        fn a_path_decodes_to_its_names(names in prop::collection::vec(".+", 1..4)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let path = Request::get(&names).path();
            let decoded: Vec<String> = path
                .split('/')
                .skip(2)
                .map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8().unwrap().into_owned())
                .collect();
            prop_assert_eq!(decoded, names);
        }
    }
}
