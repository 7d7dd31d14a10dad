use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::broker::{Access, AmqpAddress, Asked, Cause, Endpoint, Error, Method, Overview, Request};

/// How long to wait before each further round over the endpoints: long enough in all for a node to start again.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// How many of them a broker gets that does answer, but with an accident: it may well have the same one again.
const PAUSES_AFTER_ACCIDENT: usize = 2;

/// How long the first answer may take: it is asked for something small, and who waits does not yet know that anybody is there.
const FIRST_ANSWER: Duration = Duration::from_secs(20);

/// No broker's answer is longer, in bytes: the definitions of a million entities have a fifth of a kilobyte each.
const LONGEST: usize = 256 * 1024 * 1024;

/// An answer that is not a success is some words, in bytes.
const LONGEST_REFUSAL: usize = 64 * 1024;

/// How many bytes a second an answer brings at least, once it takes longer than it may pause.
const SLOWEST: usize = 512 * 1024;

/// How much of an answer that is not JSON an error shows, in characters.
const SHOWN: usize = 120;

/// A client of the management API. It keeps connections open, goes on to the next endpoint when one is gone, and sends
/// a request again when its answer is lost and it is repeatable. Use it from many tasks at once.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    access: Access,
    /// The index of the endpoint that answered last.
    current: AtomicUsize,
    /// One that never answered is not waited for.
    has_answered: AtomicBool,
}

struct Answer {
    status: StatusCode,
    location: Option<String>,
    body: Vec<u8>,
}

/// An attempt that brought no answer to go by.
enum Failure {
    /// The broker, or what stands before it, had an accident (5xx).
    Accident(Answer),
    NoAnswer {
        cause: Cause,
        /// No connection came about, so nothing can have been carried out.
        unsent: bool,
    },
}

impl Client {
    /// A client that has not yet connected.
    ///
    /// # Errors
    /// [`Error::Settings`] when the certificates cannot be used.
    pub fn new(access: Access) -> Result<Self, Error> {
        let endpoints = access.endpoints();
        let tls = if endpoints.iter().any(Endpoint::is_tls) {
            access.tls.client_config()?
        } else {
            access.tls.unused()?
        };
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .connect_timeout(access.connect_timeout)
            .read_timeout(access.answer_timeout)
            // the broker closes one after 60 s: ours goes first, so that no request meets the closing
            .pool_idle_timeout(Duration::from_secs(30));
        if endpoints.iter().all(Endpoint::is_loopback) {
            // a proxy's loopback is another machine's
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| {
            Error::settings(format!("HTTP cannot be used: {error}"), "check the proxy variables")
        })?;
        Ok(Self { http, access, current: AtomicUsize::new(0), has_answered: AtomicBool::new(false) })
    }

    /// How the broker is reached.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The endpoint that answered last, or the first.
    pub fn endpoint(&self) -> &Endpoint {
        &self.access.endpoints[self.current.load(Ordering::Relaxed)]
    }

    /// Sends `request` and gives the JSON that comes back, [`Value::Null`] where the answer is empty.
    ///
    /// # Errors
    /// Every [`Error`] but [`Error::Settings`] and [`Error::NoAmqp`].
    pub async fn send(&self, request: &Request) -> Result<Value, Error> {
        if let Some(name) = request.unsayable_name() {
            return Err(Error::Unsayable { method: request.method(), name: name.to_owned() });
        }
        let body = request.body().map(Value::to_string);
        let path = request.path();
        // whether an attempt may have been carried out without our learning of it
        let mut in_doubt = false;
        let mut round = 0;
        loop {
            let mut tried = Vec::new();
            let mut accident = None;
            let mut hangs = false;
            let first = self.current.load(Ordering::Relaxed);
            let count = self.access.endpoints.len();
            for index in (0..count).map(|step| (first + step) % count) {
                let endpoint = &self.access.endpoints[index];
                let asked =
                    || Asked { method: request.method(), endpoint: endpoint.to_string(), path: path.clone() };
                match self.attempt(endpoint, request.method(), &path, body.as_deref()).await {
                    Ok(answer) => {
                        self.current.store(index, Ordering::Relaxed);
                        self.has_answered.store(true, Ordering::Relaxed);
                        return self.interpret(asked(), &answer, in_doubt, request.is_secret());
                    }
                    Err(Failure::Accident(answer)) if request.is_repeatable() => {
                        self.has_answered.store(true, Ordering::Relaxed);
                        in_doubt = true;
                        accident = Some((asked(), answer));
                    }
                    Err(Failure::Accident(answer)) => {
                        return self.interpret(asked(), &answer, in_doubt, request.is_secret());
                    }
                    Err(Failure::NoAnswer { cause, unsent }) => {
                        if cause == Cause::TooLong || (!unsent && !request.is_repeatable()) {
                            return Err(Error::Lost { asked: asked(), cause });
                        }
                        in_doubt |= !unsent;
                        // whose patience is at its end does not begin anew
                        hangs |= !unsent && matches!(cause, Cause::TimedOut | Cause::TooSlow);
                        tried.push((endpoint.to_string(), cause));
                    }
                }
            }
            let pauses = if accident.is_some() { &PAUSES[..PAUSES_AFTER_ACCIDENT] } else { &PAUSES[..] };
            match pauses.get(round) {
                Some(pause) if !hangs && self.has_answered.load(Ordering::Relaxed) => {
                    tokio::time::sleep(*pause).await;
                }
                _ => {
                    return match accident {
                        Some((asked, answer)) => {
                            self.interpret(asked, &answer, in_doubt, request.is_secret())
                        }
                        None => Err(Error::Unreachable { tried }),
                    };
                }
            }
            round += 1;
        }
    }

    /// Like [`Client::send`], but what does not exist is `None`.
    ///
    /// # Errors
    /// As [`Client::send`] without [`Error::NotFound`].
    pub async fn find(&self, request: &Request) -> Result<Option<Value>, Error> {
        match self.send(request).await {
            Ok(answer) => Ok(Some(answer)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Who answers. To be asked first: it tells a wrong address from an object that does not exist.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn overview(&self) -> Result<Overview, Error> {
        let request = Request::get(&["overview"]);
        let not_management = |found: &str| Error::NotManagement {
            asked: Asked { method: Method::Get, endpoint: self.endpoint().to_string(), path: request.path() },
            found: found.to_owned(),
        };
        let Some(overview) = self.find(&request).await? else {
            return Err(not_management("it has no overview"));
        };
        Overview::from_json(&overview).ok_or_else(|| not_management("its overview names no version"))
    }

    /// The tags of the user that the broker is spoken to as.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn tags(&self) -> Result<Vec<String>, Error> {
        let found = self.send(&Request::get(&["whoami"])).await?;
        let tags = found["tags"].as_array().into_iter().flatten();
        Ok(tags.filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Whether the broker has shovels. One that is none is offered to it: a broker that has them says what is wrong with it.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn has_shovels(&self, vhost: &str) -> Result<bool, Error> {
        let name = "topoc.probe";
        let body = json!({"component": "shovel", "vhost": vhost, "name": name, "value": {}});
        match self.send(&Request::put(&["parameters", "shovel", vhost, name], body)).await {
            Ok(_) => Ok(true),
            Err(error @ Error::Refused { .. }) => {
                Ok(!error.reason().is_some_and(|reason| reason.contains("component shovel not found")))
            }
            Err(error) => Err(error),
        }
    }

    /// Where the broker speaks AMQP, to be tried in turn: as [`crate::broker::Options::amqp`] says, else as the broker does.
    /// Of several endpoints, the one that answers now is asked anew: each node has ports of its own.
    ///
    /// # Errors
    /// [`Error::NoAmqp`] when neither says it; as [`Client::send`].
    pub async fn amqp(&self, overview: &Overview) -> Result<Vec<AmqpAddress>, Error> {
        if !self.access.amqp.is_empty() {
            return Ok(self.access.amqp.clone());
        }
        let now = if self.access.endpoints.len() > 1 { Some(self.overview().await?) } else { None };
        let overview = now.as_ref().unwrap_or(overview);
        Ok(vec![AmqpAddress::learn(overview, self.endpoint(), &self.access.credentials)?])
    }

    async fn attempt(
        &self,
        endpoint: &Endpoint,
        method: Method,
        path: &str,
        body: Option<&str>,
    ) -> Result<Answer, Failure> {
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Put => reqwest::Method::PUT,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let credentials = &self.access.credentials;
        let mut request = self
            .http
            .request(method, format!("{endpoint}{path}"))
            .basic_auth(&credentials.username, Some(credentials.password.expose()));
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_owned());
        }
        if !self.has_answered.load(Ordering::Relaxed) {
            request = request.timeout(FIRST_ANSWER.min(self.access.answer_timeout));
        }
        let no_answer = |error: reqwest::Error| Failure::NoAnswer {
            cause: Cause::of(&error),
            unsent: error.is_connect(),
        };
        let start = Instant::now();
        let mut response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        let location =
            response.headers().get(header::LOCATION).and_then(|at| at.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(no_answer)? {
            let seconds = (body.len() / SLOWEST) as u64;
            let lost = |cause| Failure::NoAnswer { cause, unsent: false };
            if start.elapsed() > self.access.answer_timeout + Duration::from_secs(seconds) {
                return Err(lost(Cause::TooSlow));
            }
            body.extend_from_slice(&piece);
            if !status.is_success() && body.len() > LONGEST_REFUSAL {
                break;
            }
            if body.len() > LONGEST {
                return Err(lost(Cause::TooLong));
            }
        }
        let answer = Answer { status, location, body };
        if status.is_server_error() { Err(Failure::Accident(answer)) } else { Ok(answer) }
    }

    fn interpret(
        &self,
        asked: Asked,
        answer: &Answer,
        in_doubt: bool,
        is_secret: bool,
    ) -> Result<Value, Error> {
        let said = |words: String| if is_secret { unechoed(&words) } else { words };
        let status = answer.status;
        if status.is_success() && answer.body.is_empty() {
            return Ok(Value::Null);
        }
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        if status.is_success() {
            return json.ok_or_else(|| Error::NotManagement { found: said(answer.shown()), asked });
        }
        if status.is_redirection() {
            let location = answer.location.as_deref().unwrap_or("another place");
            return Err(Error::NotManagement { found: format!("it sends on to {location}"), asked });
        }
        let word = json.as_ref().and_then(|json| json["error"].as_str());
        let reason = said(json.as_ref().and_then(reason).unwrap_or_else(|| answer.shown()));
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Error::Unauthorized { asked, username: self.access.credentials.username.clone(), reason })
            }
            // an attempt before this one has removed it
            StatusCode::NOT_FOUND if in_doubt && asked.method == Method::Delete => Ok(Value::Null),
            // a 404 page of something else must not pass for an object that does not exist
            StatusCode::NOT_FOUND if word == Some("Object Not Found") => Err(Error::NotFound { asked }),
            // that word is AMQP's: what the request rests on is not there, or its node is down
            StatusCode::NOT_FOUND if word != Some("not_found") => {
                Err(Error::NotManagement { found: said(answer.shown()), asked })
            }
            _ => Err(Error::Refused { asked, status: status.as_u16(), reason }),
        }
    }
}

impl Answer {
    /// What came, for an error.
    fn shown(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let words: Vec<&str> = text.split_whitespace().collect();
        let start: String = words.join(" ").chars().take(SHOWN).collect();
        if start.is_empty() { self.status.to_string() } else { format!("{}: {start}", self.status) }
    }
}

/// What a broker says without what it repeats of what it was sent: Erlang shows texts in quotes, and the rest as terms.
fn unechoed(words: &str) -> String {
    let plain = words.split(['{', '[', '<', '#']).next().unwrap_or_default();
    let unquoted: Vec<&str> =
        plain.split('"').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "…" }).collect();
    let unquoted = unquoted.join("\"");
    let shown: Vec<&str> =
        unquoted.split_whitespace().map(|word| if word.contains("://") { "…" } else { word }).collect();
    shown.join(" ").trim_end_matches(':').to_owned()
}

/// The broker's words: `{"error":"bad_request","reason":"…"}`, where the reason is mostly a string.
fn reason(answer: &Value) -> Option<String> {
    [&answer["reason"], &answer["error"]].into_iter().find_map(|words| match words {
        Value::Null => None,
        Value::String(words) => Some(words.clone()),
        other => Some(other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_repeats_no_secret() {
        let said =
            "Validation failed\n\n\"amqp://u:pw@host:x\" not a valid URI: {{unable_to_parse_uri,\n \"pw\"}}";
        assert_eq!(unechoed(said), "Validation failed \"…\" not a valid URI");
        assert_eq!(unechoed("cannot reach amqp://u:pw@host [pw]"), "cannot reach …");
        assert_eq!(unechoed("half a \"pw"), "half a \"…");
        assert_eq!(unechoed("no such user"), "no such user");
    }
}
