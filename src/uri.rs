//! What RFC 3986 never needs encoded: addresses of brokers, requests and files agree on it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All that is encoded in one part of a URI, so that a name with `/`, `%2f` or a space stays one part.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The same, but for what parts a path.
#[cfg(feature = "cli")]
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A text as one part of a URI.
pub(crate) fn part(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A path, its `/` kept.
#[cfg(feature = "cli")]
pub(crate) fn path(text: &str) -> String {
    utf8_percent_encode(text, RESERVED_IN_PATH).to_string()
}
