//! Names and what they mean, one below the other.

use std::fmt::Write as _;

/// Less than this beside the names is no room to read in.
const LEAST: usize = 24;

/// `head` and `text` on a line; where that is longer than `columns`, the text goes on below its own start.
pub(super) fn line(head: &str, text: &str, columns: Option<usize>) -> String {
    let indent = head.chars().count() + 1;
    let Some(room) = columns.and_then(|columns| columns.checked_sub(indent)).filter(|room| *room >= LEAST)
    else {
        return format!("{head} {text}");
    };
    let mut out = head.to_owned();
    let mut left = 0;
    for word in text.split(' ') {
        let width = word.chars().count();
        if width < left {
            out.push(' ');
            left -= width + 1;
        } else {
            // a string takes every write
            let _ = if left == 0 && out.len() == head.len() {
                write!(out, " ")
            } else {
                write!(out, "\n{:indent$}", "")
            };
            left = room.saturating_sub(width);
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_goes_on_below_its_own_start() {
        let text = "The first words of it, and some more that follow.";
        assert_eq!(line("  a", text, None), format!("  a {text}"));
        assert_eq!(line("  a", text, Some(53)), format!("  a {text}"));
        assert_eq!(line("  a", text, Some(52)), "  a The first words of it, and some more that\n    follow.");
        assert_eq!(line("  a", text, Some(30)), "  a The first words of it, and\n    some more that follow.");
        assert_eq!(line("  a", text, Some(20)), format!("  a {text}"));
        assert_eq!(
            line("a", "short averyveryveryverylongwordthatfitsnowhere", Some(30)),
            "a short\n  averyveryveryverylongwordthatfitsnowhere"
        );
    }
}
