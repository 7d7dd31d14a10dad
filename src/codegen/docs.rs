//! Texts for doc comments.

/// A name as code: one line, without what would end the code.
pub(super) fn code(name: &str) -> String {
    let name = one_line(name).replace('`', "'");
    if name.is_empty() { "`\"\"`".to_owned() } else { format!("`{name}`") }
}

/// A user's own words: what Markdown would take for more is escaped.
pub(super) fn words(text: &str) -> String {
    one_line(text).chars().fold(String::new(), |mut out, c| {
        if matches!(c, '[' | ']' | '<' | '>' | '*' | '_' | '`' | '#' | '\\') {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

/// Several as `a`, `b` and `c`.
pub(super) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// A text without what ends a line or turns the direction of the text around it.
pub(super) fn one_line(text: &str) -> String {
    let hidden = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let visible: String = text.chars().map(|c| if hidden(c) { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}
