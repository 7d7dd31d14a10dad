//! Texts for doc comments.

/// A name as code: one line, without what would end the code.
pub(super) fn code(name: &str) -> String {
    if name.is_empty() {
        return "the default exchange".to_owned();
    }
    format!("`{}`", one_line(name).replace('`', "'"))
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

fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}
