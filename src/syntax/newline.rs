//! What ends a line in KDL 2.0.

/// Whether a character ends a line.
pub(super) fn is_newline(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The length in bytes of the newline at a byte, if there is one; CR LF is one.
pub(super) fn newline_at(text: &str, at: usize) -> Option<usize> {
    match text.as_bytes().get(at..)? {
        [b'\r', b'\n', ..] => Some(2),
        [b'\n' | b'\r' | 0x0b | 0x0c, ..] => Some(1),
        [0xc2, 0x85, ..] => Some(2),
        [0xe2, 0x80, 0xa8 | 0xa9, ..] => Some(3),
        _ => None,
    }
}

/// Where the line ends that a byte stands in.
pub(super) fn end_of_line(text: &str, at: usize) -> usize {
    text[at..].find(is_newline).map_or(text.len(), |length| at + length)
}
