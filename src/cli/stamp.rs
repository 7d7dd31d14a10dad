//! What an apply puts on record besides what it made: when, by whom, and from which version of the files.

use sha2::{Digest as _, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{Compiled, broker::Client, plan::Stamp};

/// How much of the digest is kept, in bytes: as much as tells versions of files apart.
const DIGEST_BYTES: usize = 6;

/// The stamp of a run that starts now.
pub(super) fn stamp(compiled: &Compiled, client: &Client, revision: Option<String>) -> Stamp {
    let now = OffsetDateTime::now_utc();
    let at = now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default();
    Stamp {
        at,
        by: client.access().credentials().username.clone(),
        topoc: env!("CARGO_PKG_VERSION").to_owned(),
        files: digest(compiled),
        revision,
    }
}

/// The same for the same texts, in whichever order and from whichever folder they are read.
pub(super) fn digest(compiled: &Compiled) -> String {
    let mut texts: Vec<[u8; 32]> =
        compiled.sources.files().iter().map(|file| Sha256::digest(file.text.as_bytes()).into()).collect();
    texts.sort_unstable();
    let all = Sha256::digest(texts.concat());
    all[..DIGEST_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}
