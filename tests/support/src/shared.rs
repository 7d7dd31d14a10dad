use std::env;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::ports::random;
use crate::{Api, Broker, Error, Options, SHIPPED_PLUGINS, Version, available_or_skip};

/// A node that many tests use, each in a [`Vhost`] of its own. It has the [`SHIPPED_PLUGINS`]. Under `with-brokers` it
/// is one for the whole run, else one for this process.
#[derive(Debug)]
pub struct Shared {
    version: Version,
    amqp_url: String,
    management_url: String,
    /// Where it is this process's own.
    _own: Option<Broker>,
}

impl Shared {
    /// The shared 3.10 node.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn get() -> &'static Self {
        match Self::of(Version::V3_10) {
            Ok(shared) => shared,
            Err(error) => panic!("{error}"),
        }
    }

    /// The shared node of `version`, or `None` where this machine does not have it: see [`available_or_skip`].
    ///
    /// # Panics
    /// When it is there but does not start.
    #[track_caller]
    pub fn get_or_skip(version: Version) -> Option<&'static Self> {
        if env::var_os(version.variable()).is_none() && !available_or_skip(version) {
            return None;
        }
        match Self::of(version) {
            Ok(shared) => Some(shared),
            Err(error) => panic!("{error}"),
        }
    }

    fn of(version: Version) -> Result<&'static Self, Error> {
        static NODES: [OnceLock<Result<Shared, Error>>; Version::ALL.len()] =
            [const { OnceLock::new() }; Version::ALL.len()];
        let node = NODES[version as usize].get_or_init(|| match env::var(version.variable()) {
            Ok(described) => Self::described(version, &described),
            Err(_) => Self::start(version),
        });
        node.as_ref().map_err(Clone::clone)
    }

    fn start(version: Version) -> Result<Self, Error> {
        let broker = Broker::try_start_with(shared_options(version))?;
        Ok(Self {
            version,
            amqp_url: broker.amqp_url(),
            management_url: broker.management_url(),
            _own: Some(broker),
        })
    }

    fn described(version: Version, description: &str) -> Result<Self, Error> {
        let value: Value = serde_json::from_str(description)
            .map_err(Error::while_doing(format_args!("{}", version.variable())))?;
        let text = |name: &str| {
            let text = value[name].as_str().map(str::to_owned);
            text.ok_or_else(|| Error::new(format!("{} has no {name:?}: {description}", version.variable())))
        };
        Ok(Self { version, amqp_url: text("amqp_url")?, management_url: text("management_url")?, _own: None })
    }

    /// Which RabbitMQ this is.
    pub fn version(&self) -> Version {
        self.version
    }

    /// `amqp://guest:guest@127.0.0.1:PORT/%2f`.
    pub fn amqp_url(&self) -> &str {
        &self.amqp_url
    }

    /// `http://guest:guest@127.0.0.1:PORT`.
    pub fn management_url(&self) -> &str {
        &self.management_url
    }

    /// The management API.
    pub fn api(&self) -> Api {
        Api::new(&self.management_url)
    }

    /// A new virtual host that nobody else uses.
    ///
    /// # Panics
    /// When the broker refuses it.
    #[track_caller]
    pub fn vhost(&'static self) -> Vhost {
        self.vhost_with(&json!({}))
    }

    /// A new virtual host with what the management API takes, such as `{"default_queue_type": "quorum"}`.
    ///
    /// # Panics
    /// When the broker refuses it.
    #[track_caller]
    pub fn vhost_with(&'static self, body: &Value) -> Vhost {
        let vhost = Vhost { shared: self, name: format!("test-{:016x}", random()) };
        let api = self.api();
        api.put(&format!("/api/vhosts/{}", vhost.name), body);
        let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
        api.put(&format!("/api/permissions/{}/guest", vhost.name), &all);
        vhost
    }
}

/// A virtual host of the shared node for one test, removed with all that is in it when dropped.
#[derive(Debug)]
pub struct Vhost {
    shared: &'static Shared,
    name: String,
}

impl Vhost {
    /// Its name, which needs no percent-encoding.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The node it is on.
    pub fn shared(&self) -> &'static Shared {
        self.shared
    }

    /// `amqp://guest:guest@127.0.0.1:PORT/NAME`.
    pub fn amqp_url(&self) -> String {
        self.shared.amqp_url.replace("/%2f", &format!("/{}", self.name))
    }

    /// The management API of the whole node.
    pub fn api(&self) -> Api {
        self.shared.api()
    }
}

impl Drop for Vhost {
    fn drop(&mut self) {
        // the node goes away with the run in any case; a panic in a drop would hide the test's own
        let _ = self.api().ask("DELETE", &format!("/api/vhosts/{}", self.name), None);
    }
}

/// The nodes that a whole run shares: one of each available version.
#[derive(Debug)]
pub struct RunBrokers {
    brokers: Vec<Broker>,
    missing: Vec<(Version, Error)>,
}

impl RunBrokers {
    /// Starts them side by side.
    ///
    /// # Errors
    /// When one of an available version does not start.
    pub fn start() -> Result<Self, Error> {
        let mut run = Self { brokers: Vec::new(), missing: Vec::new() };
        let starting: Vec<_> = Version::ALL
            .into_iter()
            .map(|version| {
                let available = crate::available(version);
                (
                    version,
                    available.map(|()| {
                        std::thread::spawn(move || Broker::try_start_with(shared_options(version)))
                    }),
                )
            })
            .collect();
        for (version, started) in starting {
            match started {
                Ok(thread) => {
                    let broker =
                        thread.join().map_err(|_| Error::new(format!("starting {version} panicked")))?;
                    run.brokers.push(broker?);
                }
                Err(missing) => run.missing.push((version, missing)),
            }
        }
        Ok(run)
    }

    /// The variables by which [`Shared`] finds them in a process of the run.
    pub fn environment(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.brokers.iter().map(|broker| (broker.version().variable(), describe(broker).to_string()))
    }

    /// The versions that are not available here, and why.
    pub fn missing(&self) -> &[(Version, Error)] {
        &self.missing
    }
}

/// A node as one JSON object: `version`, `amqp_url`, `management_url`.
pub fn describe(broker: &Broker) -> Value {
    json!({
        "version": broker.version().as_str(),
        "amqp_url": broker.amqp_url(),
        "management_url": broker.management_url(),
    })
}

fn shared_options(version: Version) -> Options<'static> {
    Options { version, plugins: SHIPPED_PLUGINS, ..Options::default() }
}
