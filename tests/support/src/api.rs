use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use crate::Error;

/// A plain client of the management API, for what a test sets up or looks at: paths start at `/api`, answers are JSON
/// (`null` where the answer is empty).
#[derive(Debug, Clone)]
pub struct Api {
    agent: Agent,
    origin: String,
}

impl Api {
    /// A client of `http://guest:guest@host:port`.
    pub(crate) fn new(management_url: &str) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build()
            .new_agent();
        Self { agent, origin: management_url.replace("guest:guest@", "") }
    }

    /// GET.
    ///
    /// # Panics
    /// When the answer is not a success.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.expect("GET", path, None)
    }

    /// PUT with a JSON body.
    ///
    /// # Panics
    /// When the answer is not a success.
    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Value {
        self.expect("PUT", path, Some(body))
    }

    /// POST with a JSON body.
    ///
    /// # Panics
    /// When the answer is not a success.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.expect("POST", path, Some(body))
    }

    /// DELETE.
    ///
    /// # Panics
    /// When the answer is not a success.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Value {
        self.expect("DELETE", path, None)
    }

    #[track_caller]
    fn expect(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        match self.ask(method, path, body) {
            Ok((200..=299, answer)) => answer,
            Ok((status, answer)) => panic!("{method} {path}: {status} {answer}"),
            Err(error) => panic!("{error}"),
        }
    }

    /// Any request: the status and the body.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value), Error> {
        let (status, text) = self
            .send(method, path, body)
            .map_err(Error::while_doing(format_args!("{method} {}{path}", self.origin)))?;
        let answer = match text.as_str() {
            "" => Value::Null,
            json => serde_json::from_str(json).unwrap_or(Value::String(text)),
        };
        Ok((status, answer))
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, String), ureq::Error> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin))
            // guest:guest
            .header("authorization", "Basic Z3Vlc3Q6Z3Vlc3Q=")
            .header("content-type", "application/json");
        let response = match body {
            Some(body) => self.agent.run(request.body(body.to_string())?),
            None => self.agent.run(request.body(())?),
        }?;
        let status = response.status().as_u16();
        let text = response.into_body().into_with_config().limit(u64::MAX).read_to_string()?;
        Ok((status, text))
    }
}
