use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose,
};

use crate::Error;

/// A throwaway certificate authority with a server certificate for `localhost` and 127.0.0.1 and a client certificate,
/// all as PEM text.
#[derive(Debug, Clone)]
pub struct Certificates {
    ca: String,
    server: Certified,
    client: Certified,
}

/// A certificate and its private key, as PEM text.
#[derive(Debug, Clone)]
pub struct Certified {
    certificate: String,
    key: String,
}

impl Certificates {
    /// Makes all of them anew.
    ///
    /// # Panics
    /// When the system has no randomness to make keys of.
    #[must_use]
    pub fn generate() -> Self {
        match Self::try_generate() {
            Ok(certificates) => certificates,
            Err(error) => panic!("{error}"),
        }
    }

    fn try_generate() -> Result<Self, Error> {
        let making = || Error::while_doing("making throwaway certificates");
        let mut params = params("topoc test CA", &[]).map_err(making())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(making())?).map_err(making())?;
        let sign =
            |name: &str, hosts: &[&str], usage: ExtendedKeyUsagePurpose| -> Result<Certified, rcgen::Error> {
                let mut params = crate::certificates::params(name, hosts)?;
                params.extended_key_usages = vec![usage];
                let key = KeyPair::generate()?;
                let certificate = params.signed_by(&key, &issuer)?;
                Ok(Certified { certificate: certificate.pem(), key: key.serialize_pem() })
            };
        Ok(Self {
            ca: issuer.pem(),
            server: sign("localhost", &["localhost", "127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth)
                .map_err(making())?,
            client: sign("topoc test client", &[], ExtendedKeyUsagePurpose::ClientAuth).map_err(making())?,
        })
    }

    /// The authority's certificate, which a client is to trust.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// What the node shows.
    pub fn server(&self) -> &Certified {
        &self.server
    }

    /// What a client is to show.
    pub fn client(&self) -> &Certified {
        &self.client
    }
}

impl Certified {
    /// The certificate.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The private key (PKCS#8).
    pub fn key(&self) -> &str {
        &self.key
    }
}

fn params(name: &str, hosts: &[&str]) -> Result<CertificateParams, rcgen::Error> {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}
