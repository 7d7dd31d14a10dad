//! Where secrets are found, and how a password meets the hash that the broker keeps.
//! Source: `rabbit_password`, `rabbit_password_hashing_sha256` and its siblings.

use std::{collections::BTreeMap, env, fs, io, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

use crate::kind::{DEFAULT_HASHING, Definition, KindId, Secret, Value, WireError};

const SHA256: &str = DEFAULT_HASHING;
const SHA512: &str = "rabbit_password_hashing_sha512";
const MD5: &str = "rabbit_password_hashing_md5";
const SALT_BYTES: usize = 4;

/// Finds the texts of secrets.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// In place of the process's environment.
    variables: Option<BTreeMap<String, String>>,
}

impl Secrets {
    /// From the process's environment and files.
    #[must_use]
    pub fn from_process() -> Self {
        Self::default()
    }

    /// From these variables in place of the process's.
    #[must_use]
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { variables: Some(variables.into_iter().collect()) }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the edge through which secrets are read")]
    fn text(&self, secret: &Secret) -> Result<String, String> {
        match secret {
            Secret::Literal(text) | Secret::Hash(text) => Ok(text.to_string()),
            Secret::Env(name) => {
                let found = match &self.variables {
                    Some(variables) => variables.get(&**name).cloned(),
                    None => env::var(&**name).ok(),
                };
                // an empty one is no password that anybody meant: the user could not log in
                match found {
                    Some(text) if text.is_empty() => Err(format!("the environment variable {name} is empty")),
                    Some(text) => Ok(text),
                    None => Err(format!("the environment variable {name} is not set")),
                }
            }
            Secret::File(path) => match in_file(Path::new(&**path)) {
                Ok(text) if text.is_empty() => Err(format!("the file {path} is empty")),
                Ok(text) => Ok(text),
                Err(error) => Err(format!("the file {path} cannot be read: {error}")),
            },
        }
    }

    /// A secret as it is sent: for a user's password its hash, freshly salted.
    ///
    /// # Errors
    /// When it is not there; the text says which and why.
    pub fn reveal(&self, definition: &Definition, secret: &Secret) -> Result<String, WireError> {
        let text = self.text(secret).map_err(WireError::Secret)?;
        if definition.kind != KindId::User || matches!(secret, Secret::Hash(_)) {
            return Ok(text);
        }
        let algorithm = definition.text("hashing-algorithm").unwrap_or(SHA256);
        hash(algorithm, rand::random(), &text)
            .ok_or_else(|| WireError::Secret(format!("topoc does not know the algorithm `{algorithm}`")))
    }

    /// Whether a secret of a desired entity is what the live one has; see [`crate::plan::SameSecret`].
    ///
    /// # Errors
    /// When it is not there; the text says which and why.
    pub fn same(
        &self,
        desired: &Definition,
        live: &Definition,
        attribute: &'static str,
    ) -> Result<bool, String> {
        let secret = |definition: &Definition| match definition.field(attribute).map(|field| &field.value) {
            Some(Value::Secret(secret)) => Some(secret.clone()),
            _ => None,
        };
        let Some(wanted) = secret(desired) else { return Ok(secret(live).is_none()) };
        let text = self.text(&wanted)?;
        let Some(Secret::Hash(found) | Secret::Literal(found)) = secret(live) else { return Ok(false) };
        if desired.kind != KindId::User {
            // several addresses come back as a list
            return Ok(text.split_whitespace().eq(found.split_whitespace()));
        }
        if matches!(wanted, Secret::Hash(_)) {
            return Ok(text == *found);
        }
        Ok(matches(live.text("hashing-algorithm").unwrap_or(SHA256), &found, &text))
    }

    /// The secrets of entities that cannot be found, each in a sentence.
    #[must_use]
    pub fn missing<'a>(&self, definitions: impl Iterator<Item = &'a Definition>) -> Vec<String> {
        let mut missing = Vec::new();
        for definition in definitions {
            for (name, field) in definition.fields() {
                if let Value::Secret(secret) = &field.value
                    && let Err(why) = self.text(secret)
                {
                    let word = definition.kind.word();
                    missing.push(format!("the {name} of {word} `{}`: {why}", definition.title()));
                }
            }
        }
        missing
    }
}

/// The secret in a file; a line end after it is not part of it.
#[expect(clippy::disallowed_methods, reason = "this is the edge through which secrets are read")]
pub(super) fn in_file(path: &Path) -> io::Result<String> {
    let text = fs::read_to_string(path)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// The salt, then the digest of salt and password, in Base64.
fn hash(algorithm: &str, salt: [u8; SALT_BYTES], password: &str) -> Option<String> {
    let salted = [&salt[..], password.as_bytes()].concat();
    let digest = match algorithm {
        SHA256 => Sha256::digest(&salted).to_vec(),
        SHA512 => Sha512::digest(&salted).to_vec(),
        MD5 => Md5::digest(&salted).to_vec(),
        _ => return None,
    };
    Some(STANDARD.encode([&salt[..], &digest].concat()))
}

fn matches(algorithm: &str, found: &str, password: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(found) else { return false };
    let Some(salt) = bytes.first_chunk::<SALT_BYTES>() else { return false };
    hash(algorithm, *salt, password).as_deref() == Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diag::Span, kind::Provenance};

    fn user(secret: Secret) -> Definition {
        let mut user = Definition::new(KindId::User, None, Span::NONE, Provenance::Written);
        user.set("name", Value::text("u"), Span::NONE);
        user.set("password", Value::Secret(secret), Span::NONE);
        user
    }

    #[test]
    fn a_password_meets_its_own_hash_only() {
        // made by RabbitMQ 3.10.8 for `x`
        let theirs = user(Secret::Hash("YHil4TyI1OoSq/g/kcedOlptmog3GAAwvA8Wq2VocufxzH21".into()));
        let secrets = Secrets::from_variables([("PW".to_owned(), "x".to_owned())]);
        assert_eq!(secrets.same(&user(Secret::Env("PW".into())), &theirs, "password"), Ok(true));
        assert_eq!(secrets.same(&user(Secret::Literal("y".into())), &theirs, "password"), Ok(false));
        let missing = secrets.same(&user(Secret::Env("NO".into())), &theirs, "password").unwrap_err();
        assert_eq!(missing, "the environment variable NO is not set");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test that writes a file")]
    fn an_empty_secret_is_none() {
        let secrets = Secrets::from_variables([("PW".to_owned(), String::new())]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pw");
        let file = user(Secret::File(path.to_str().unwrap().into()));
        let env = user(Secret::Env("PW".into()));
        for text in ["", "\n", "\r\n"] {
            fs::write(&path, text).unwrap();
            let missing = secrets.missing([&env, &file].into_iter());
            let why = format!("the password of user `u`: the file {} is empty", path.display());
            assert_eq!(missing, ["the password of user `u`: the environment variable PW is empty", &why]);
        }
        assert!(secrets.reveal(&env, &Secret::Env("PW".into())).is_err());
        assert!(secrets.same(&env, &user(Secret::Hash("x".into())), "password").is_err());
    }

    #[test]
    fn every_algorithm_recognizes_what_it_made() {
        for algorithm in [SHA256, SHA512, MD5] {
            let made = hash(algorithm, [1, 2, 3, 4], "pass").unwrap();
            assert!(matches(algorithm, &made, "pass") && !matches(algorithm, &made, "past"));
        }
        assert!(!matches(SHA256, "not base64", "x") && !matches("other", "AAAA", "x"));
    }
}
