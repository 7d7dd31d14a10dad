use std::error::Error;
use std::{fmt, io};

/// Why an endpoint gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Nothing listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// The host's name has no address.
    UnknownHost,
    /// The certificate that it shows is not one to trust, and why.
    Untrusted(String),
    /// It wants a client certificate, or another one than it got.
    WantsCertificate,
    /// It was spoken to by TLS and does not speak it.
    NotTls,
    /// It was spoken to by HTTP and does not speak it.
    NotHttp,
    /// The connection ended before the answer did, in the system's words.
    Broken(String),
}

impl Cause {
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let mut deepest = error.to_string();
        let mut next = error.source();
        while let Some(source) = next {
            let wrapped = source.downcast_ref::<io::Error>().map(unwrap);
            let tls = source.downcast_ref::<rustls::Error>().or_else(|| wrapped?.downcast_ref());
            let io = wrapped.and_then(|wrapped| wrapped.downcast_ref::<io::Error>());
            if let Some(cause) = tls.and_then(Self::of_tls).or_else(|| Self::of_kind(io?.kind())) {
                return cause;
            }
            deepest = source.to_string();
            // hyper's own error kinds are private, and so only to be told by their words
            if deepest.starts_with("dns error") {
                return Self::UnknownHost;
            }
            if deepest.starts_with("invalid HTTP") {
                return Self::NotHttp;
            }
            next = source.source();
        }
        if error.is_timeout() { Self::TimedOut } else { Self::Broken(deepest) }
    }

    fn of_kind(kind: io::ErrorKind) -> Option<Self> {
        match kind {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::TimedOut => Some(Self::TimedOut),
            _ => None,
        }
    }

    fn of_tls(error: &rustls::Error) -> Option<Self> {
        use rustls::AlertDescription as Alert;
        match error {
            rustls::Error::InvalidCertificate(why) => Some(Self::Untrusted(why.to_string())),
            rustls::Error::AlertReceived(
                Alert::CertificateRequired
                | Alert::BadCertificate
                | Alert::UnknownCA
                | Alert::HandshakeFailure
                | Alert::CertificateUnknown
                | Alert::CertificateExpired,
            ) => Some(Self::WantsCertificate),
            rustls::Error::InvalidMessage(_) => Some(Self::NotTls),
            _ => None,
        }
    }

    /// What to do about it, at `endpoint`.
    pub(crate) fn help(&self, endpoint: &str) -> String {
        let other_scheme = || match endpoint.strip_prefix("https://") {
            Some(rest) => format!("http://{rest}"),
            None => endpoint.replacen("http://", "https://", 1),
        };
        match self {
            Self::Refused => {
                "start the broker, or its management API: `rabbitmq-plugins enable rabbitmq_management` \
                              (port 15672, with TLS 15671)"
                    .to_owned()
            }
            Self::TimedOut | Self::UnknownHost => {
                format!("check host and port: curl -i {endpoint}/api/overview")
            }
            Self::Untrusted(_) => {
                "name the authority that made its certificate by TOPOC_BROKER_CA=ca.pem, and the host \
                                   as the certificate does"
                    .to_owned()
            }
            Self::WantsCertificate => {
                "show one that its authority made: TOPOC_BROKER_CERT=cert.pem TOPOC_BROKER_KEY=key.pem"
                    .to_owned()
            }
            Self::NotTls => format!("write {}", other_scheme()),
            Self::NotHttp => {
                format!("write {}, or the port of the management API (15672, with TLS 15671)", other_scheme())
            }
            Self::Broken(_) => "look into the broker's log: rabbitmq-diagnostics log_tail".to_owned(),
        }
    }
}

/// What is inside io::Errors around io::Errors: their `source` is the source of what they wrap, not what they wrap.
fn unwrap(mut outer: &io::Error) -> &(dyn Error + 'static) {
    while let Some(inner) = outer.get_ref() {
        match inner.downcast_ref::<io::Error>() {
            Some(next) => outer = next,
            None => return inner,
        }
    }
    outer
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::UnknownHost => f.write_str("the host's name has no address"),
            Self::Untrusted(why) => write!(f, "its certificate is not trusted: {why}"),
            Self::WantsCertificate => f.write_str("it wants a client certificate that it trusts"),
            Self::NotTls => f.write_str("it does not speak TLS"),
            Self::NotHttp => f.write_str("it does not speak HTTP"),
            Self::Broken(why) => write!(f, "the connection broke: {why}"),
        }
    }
}
