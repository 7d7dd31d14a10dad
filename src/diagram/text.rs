//! Names as they can be seen and written.

use crate::diag::visible;

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
    fn long_names_keep_their_ends() {
        let name = format!("start{}end", "x".repeat(250));
        let short = short(&name);
        assert!(short.starts_with("start") && short.ends_with("end") && short.chars().count() == LONGEST);
    }
}
