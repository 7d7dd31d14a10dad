//! What stands between a client and its broker, and lets a request meet its fate: both on the management API and on AMQP.

mod amqp;
mod http;

use std::{
    fmt, io,
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// What a request is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The management API.
    Http,
    /// AMQP 0-9-1: a method, be it of the handshake.
    Amqp,
}

/// A request that passes.
#[derive(Clone, Debug)]
pub struct Passing {
    /// Counted from 1, over both protocols.
    pub number: usize,
    /// What it is of.
    pub protocol: Protocol,
    /// `PUT /api/queues/v/q`, or `method 50.10` by AMQP's numbers of class and method.
    pub what: String,
}

/// What happens, beside a request's fate.
pub type Event = Arc<dyn Fn() + Send + Sync>;

/// Makes the body of an answer into another.
pub type Rewrite = Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>;

/// Answers on the client's connection, in whatever bytes.
pub type Speak = Arc<dyn Fn(&mut TcpStream) -> io::Result<()> + Send + Sync>;

/// What becomes of a request.
#[derive(Clone)]
pub enum Fate {
    /// The broker gets it, and the client its answer.
    Pass,
    /// The connection ends before the broker gets it.
    CutBefore,
    /// The broker gets it, and the connection ends before the client gets the answer.
    CutAfter,
    /// The broker does not get it, and this HTTP status answers; on AMQP, as [`Fate::CutBefore`].
    Answer(u16),
    /// The broker gets it, and the connection ends with half of its answer.
    Half,
    /// The broker gets it so much later.
    Late(Duration),
    /// The broker gets it, and its answer's body is made into another.
    Rewritten(Rewrite),
    /// The broker does not get it, and whoever speaks here answers.
    Spoken(Speak),
    /// All of AMQP's connections end, then the broker gets it.
    WithoutAmqp,
    /// This happens, and then the connection ends, before the broker gets it.
    Before(Event),
    /// The broker gets it and answers, then this happens, and the connection ends without the answer.
    After(Event),
}

impl fmt::Debug for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("Pass"),
            Self::CutBefore => f.write_str("CutBefore"),
            Self::CutAfter => f.write_str("CutAfter"),
            Self::Answer(status) => write!(f, "Answer({status})"),
            Self::Half => f.write_str("Half"),
            Self::Late(pause) => write!(f, "Late({pause:?})"),
            Self::Rewritten(_) => f.write_str("Rewritten"),
            Self::Spoken(_) => f.write_str("Spoken"),
            Self::WithoutAmqp => f.write_str("WithoutAmqp"),
            Self::Before(_) => f.write_str("Before"),
            Self::After(_) => f.write_str("After"),
        }
    }
}

type Rule = dyn Fn(&Passing) -> Fate + Send + Sync;

struct Way {
    rule: Box<Rule>,
    passed: AtomicUsize,
    is_closed: AtomicBool,
    /// AMQP's connections, also those that have ended.
    open: Mutex<Vec<TcpStream>>,
    management: u16,
    amqp: u16,
}

impl Way {
    /// Ends all of AMQP's connections.
    fn cut_amqp(&self) {
        for connection in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            cut(&connection);
        }
    }

    /// Counts a request, and gives its fate.
    fn fate(&self, protocol: Protocol, what: String) -> Fate {
        let number = self.passed.fetch_add(1, Ordering::SeqCst) + 1;
        (self.rule)(&Passing { number, protocol, what })
    }
}

/// A way to a broker's management API and AMQP. It closes when it is dropped; what still passes then ends by itself.
pub struct Proxy {
    way: Arc<Way>,
    management: u16,
    amqp: u16,
}

impl Proxy {
    /// A way to the broker of these two addresses, on which `rule` decides what becomes of each request.
    ///
    /// # Panics
    /// When an address names no port, or loopback has none left.
    #[must_use]
    pub fn new(
        management_url: &str,
        amqp_url: &str,
        rule: impl Fn(&Passing) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let [management, amqp] = [management_url, amqp_url].map(port);
        let way = Arc::new(Way {
            rule: Box::new(rule),
            passed: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            open: Mutex::default(),
            management,
            amqp,
        });
        let management = listen(&way, http::serve);
        let amqp = listen(&way, amqp::serve);
        Self { way, management, amqp }
    }

    /// `http://guest:guest@127.0.0.1:PORT`.
    #[must_use]
    pub fn management_url(&self) -> String {
        format!("http://guest:guest@127.0.0.1:{}", self.management)
    }

    /// `amqp://guest:guest@127.0.0.1:PORT`.
    #[must_use]
    pub fn amqp_url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.amqp)
    }

    /// Ends all of AMQP's connections, now.
    pub fn cut_amqp(&self) {
        self.way.cut_amqp();
    }

    /// How many requests have come.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.way.passed.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.way.is_closed.store(true, Ordering::SeqCst);
        for port in [self.management, self.amqp] {
            // wakes who listens
            drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("management", &self.management).field("amqp", &self.amqp).finish()
    }
}

/// The port of `scheme://user:password@host:port/path`.
fn port(url: &str) -> u16 {
    let port = url.rsplit(':').next().and_then(|rest| rest.split('/').next()?.parse().ok());
    port.unwrap_or_else(|| panic!("{url} names no port"))
}

/// Listens on a port of its own, each connection in a thread.
fn listen(way: &Arc<Way>, serve: fn(TcpStream, &Arc<Way>) -> io::Result<()>) -> u16 {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| {
        let port = listener.local_addr()?.port();
        Ok((listener, port))
    });
    let (listener, port) = match bound {
        Ok(bound) => bound,
        Err(error) => panic!("loopback has no port: {error}"),
    };
    let way = way.clone();
    thread::spawn(move || {
        for client in listener.incoming().filter_map(Result::ok) {
            if way.is_closed.load(Ordering::SeqCst) {
                return;
            }
            let way = way.clone();
            // one that breaks off is what this is for
            thread::spawn(move || drop(serve(client, &way)));
        }
    });
    port
}

/// Ends a connection for both who read and who write it.
fn cut(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Both);
}
