use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::broker::{Error, Secret};

/// What TLS connections trust and show, as PEM text.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// The certificate authorities to trust, in place of the system's.
    pub ca: Option<String>,
    /// The certificate to show.
    pub identity: Option<Identity>,
}

/// A client certificate and its private key, as PEM text.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate, then those that lead to its authority.
    pub certificate: String,
    /// The private key.
    pub key: Secret,
}

impl Tls {
    /// The same for rustls, with ring.
    ///
    /// # Errors
    /// [`Error::Settings`] when something in it is not what it should be, or the system trusts nobody.
    pub fn client_config(&self) -> Result<ClientConfig, Error> {
        self.with_roots(self.roots()?)
    }

    /// A configuration that trusts nobody, for a client that has no TLS endpoint.
    pub(crate) fn unused(&self) -> Result<ClientConfig, Error> {
        self.with_roots(RootCertStore::empty())
    }

    fn with_roots(&self, roots: RootCertStore) -> Result<ClientConfig, Error> {
        // explicit, because the process may have no default provider, or several
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                Error::settings(format!("TLS cannot be used: {error}"), "use http:// on loopback")
            })?
            .with_root_certificates(roots);
        let Some(identity) = &self.identity else { return Ok(builder.with_no_client_auth()) };
        let chain = certificates(&identity.certificate, "client certificate", "TOPOC_BROKER_CERT")?;
        let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes()).map_err(|_| {
            Error::settings(
                "the client key has no private key in PEM form",
                "name a file with `-----BEGIN PRIVATE KEY-----`, not encrypted, by TOPOC_BROKER_KEY",
            )
        })?;
        builder.with_client_auth_cert(chain, key).map_err(|error| {
            Error::settings(
                format!("the client certificate and its key cannot be used: {error}"),
                "name the key that the certificate was made for by TOPOC_BROKER_KEY",
            )
        })
    }

    fn roots(&self) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(pem) => {
                for certificate in certificates(pem, "certificate authority", "TOPOC_BROKER_CA")? {
                    roots.add(certificate).map_err(|error| {
                        Error::settings(
                            format!("the certificate authority cannot be used: {error}"),
                            "name a PEM file of authorities by TOPOC_BROKER_CA",
                        )
                    })?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if roots.is_empty() {
                    return Err(Error::settings(
                        "this system has no certificate authorities to trust",
                        "install the package ca-certificates, or name the broker's authority by TOPOC_BROKER_CA",
                    ));
                }
            }
        }
        Ok(roots)
    }
}

fn certificates(pem: &str, what: &str, variable: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok).collect();
    if found.is_empty() {
        return Err(Error::settings(
            format!("the {what} has no certificate in PEM form"),
            format!("name a file with `-----BEGIN CERTIFICATE-----` by {variable}"),
        ));
    }
    Ok(found)
}
