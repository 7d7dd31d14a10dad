//! Names as they can be seen and written.

/// Characters that no font shows or that turn a line round, made visible; line ends too.
pub(super) fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
            '\u{7f}' => '\u{2421}',
            '\u{80}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// The longest name that is shown whole, in characters.
const LONGEST: usize = 44;

/// A name that fits a box: of a long one its beginning and end.
pub(super) fn short(text: &str) -> String {
    let text = visible(text);
    let count = text.chars().count();
    if count <= LONGEST {
        return text;
    }
    let head: String = text.chars().take(LONGEST * 2 / 3).collect();
    let tail: String = text.chars().skip(count - LONGEST / 3).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_made_visible() {
        assert_eq!(visible("a\nb\0c\u{7f}\u{202e}é"), "a␊b␀c␡\u{fffd}é");
    }

    #[test]
    fn long_names_keep_their_ends() {
        let name = format!("start{}end", "x".repeat(250));
        let short = short(&name);
        assert!(short.starts_with("start") && short.ends_with("end") && short.chars().count() == LONGEST);
    }
}
