use std::error::Error;
use std::{fmt, io};

use rustls::CertificateError;

/// Why an endpoint gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Nothing listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// It answers with more than anybody has to say.
    TooLong,
    /// It answers, but so slowly that no end is in sight.
    TooSlow,
    /// The host's name has no address.
    UnknownHost,
    /// The certificate that it shows is not one to trust, and why.
    Untrusted(String),
    /// The certificate that it shows is an authority's own, which stands for no server, though it be trusted.
    AuthorityAsServer,
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
            rustls::Error::InvalidCertificate(why) => Some(Self::of_certificate(why)),
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

    fn of_certificate(why: &CertificateError) -> Self {
        use CertificateError as Why;
        let words = match why {
            // rustls keeps webpki's error to itself
            Why::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
                return Self::AuthorityAsServer;
            }
            Why::Expired | Why::ExpiredContext { .. } => "it has expired".to_owned(),
            Why::NotValidYet | Why::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
            Why::UnknownIssuer | Why::BadSignature => "no authority that is trusted has made it".to_owned(),
            Why::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
                // each is written as `DnsName("localhost")` or `IpAddress(127.0.0.1)`
                let name = |shown: &str| {
                    shown.split(['"', '(', ')']).rfind(|part| !part.is_empty()).map(str::to_owned)
                };
                let names: Vec<String> = presented.iter().filter_map(|shown| name(shown)).collect();
                format!("it is made out to {}", names.join(", "))
            }
            Why::NotValidForName | Why::NotValidForNameContext { .. } => {
                "it is not made out to this host".to_owned()
            }
            Why::InvalidPurpose | Why::InvalidPurposeContext { .. } => "it is not for servers".to_owned(),
            why => why.to_string(),
        };
        Self::Untrusted(words)
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
            Self::TimedOut | Self::TooLong | Self::TooSlow | Self::UnknownHost => {
                format!("check host and port: curl -i {endpoint}/api/overview")
            }
            Self::Untrusted(_) => {
                "name the authority that made its certificate by TOPOC_BROKER_CA=ca.pem, and the host \
                                   as the certificate does"
                    .to_owned()
            }
            Self::AuthorityAsServer => {
                let rest = endpoint.trim_start_matches("https://");
                let host = match rest.strip_prefix('[') {
                    Some(address) => address.split(']').next(),
                    None => rest.split([':', '/']).next(),
                };
                let host = host.unwrap_or(rest);
                let kind = if host.parse::<std::net::IpAddr>().is_ok() { "IP" } else { "DNS" };
                format!(
                    "have an authority make it one for a server; one that signs itself needs \
                     `openssl req -x509 -addext basicConstraints=critical,CA:FALSE -addext subjectAltName={kind}:{host} …`"
                )
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
            Self::TooLong => f.write_str("it is longer than a broker's can be"),
            Self::TooSlow => f.write_str("it comes so slowly that no end is in sight"),
            Self::UnknownHost => f.write_str("the host's name has no address"),
            Self::Untrusted(why) => write!(f, "its certificate is not trusted: {why}"),
            Self::AuthorityAsServer => {
                f.write_str("it shows an authority's own certificate (CA:TRUE), which stands for no server")
            }
            Self::WantsCertificate => f.write_str("it wants a client certificate that it trusts"),
            Self::NotTls => f.write_str("it does not speak TLS"),
            Self::NotHttp => f.write_str("it does not speak HTTP"),
            Self::Broken(why) => write!(f, "the connection broke: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::client::{WebPkiServerVerifier, danger::ServerCertVerifier as _};
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use topoc_test_support::Certificates;

    use super::*;

    #[test]
    fn why_a_certificate_is_not_trusted_is_said_in_words() {
        let certificates = Certificates::generate();
        let of = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let cause = |shown: &str, authority: &Certificates, host: &'static str| {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(of(authority.ca())).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let verifier =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            let host = ServerName::try_from(host).unwrap();
            let error =
                verifier.verify_server_cert(&of(shown), &[], &host, &[], UnixTime::now()).unwrap_err();
            Cause::of_tls(&error).unwrap()
        };
        let server = certificates.server().certificate();
        let other = Certificates::generate();
        let untrusted = |why: &str| Cause::Untrusted(why.to_owned());
        let unknown = cause(server, &other, "localhost");
        assert_eq!(unknown, untrusted("no authority that is trusted has made it"));
        let misnamed = cause(server, &certificates, "mq");
        assert_eq!(misnamed, untrusted("it is made out to localhost, 127.0.0.1"));
        let authority = cause(certificates.ca(), &certificates, "localhost");
        assert_eq!(authority, Cause::AuthorityAsServer);
        assert!(authority.help("https://[::1]:15671").contains("subjectAltName=IP:::1 "), "{authority}");
        let client = cause(certificates.client().certificate(), &certificates, "localhost");
        assert_eq!(client, untrusted("it is not for servers"));
    }
}
