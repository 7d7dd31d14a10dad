//! Numbers and nouns as sentences want them.

/// `a` or `an`, as the word after it wants.
#[must_use]
pub fn article(word: &str) -> &'static str {
    // of the language's words, those in `u` (`user`) sound like `you`, and `rpc` begins with its letter's name
    if word.starts_with(['a', 'e', 'i', 'o']) || word == "rpc" { "an" } else { "a" }
}

/// `a policy`, `an operator policy`.
#[must_use]
pub fn with_article(noun: &str) -> String {
    format!("{} {noun}", article(noun))
}

/// A noun of the language for more than one: `queues`, `policies`, and `limits`, which are many already.
#[must_use]
pub fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if noun.ends_with('s') => noun.to_owned(),
        _ => format!("{noun}s"),
    }
}

/// A choice: `` `a`, `b` or `c` ``.
#[must_use]
pub fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
}

/// A number and its noun: `1 queue`, `2 queues`.
#[must_use]
pub fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {}", plural(noun)) }
}

/// A size in bytes, in round figures: `312 B`, `3.2 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let (mut size, mut unit) = (bytes as f64, "B");
    for larger in ["kB", "MB", "GB", "TB"] {
        // what would be shown as 1 000.0 is shown as 1.0 of the next
        if size < 999.95 {
            break;
        }
        (size, unit) = (size / 1000.0, larger);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") }
}

/// Characters that no font shows, that turn a line round, or that speak to a terminal, made visible; line ends too. Names
/// may come from a broker, and hold anything.
#[must_use]
pub fn visible(text: &str) -> String {
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

/// The same of a text of several lines, which stay.
#[must_use]
pub fn visible_lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// `10 000`.
#[must_use]
pub fn digits(integer: i64) -> String {
    let text = integer.unsigned_abs().to_string();
    let mut grouped = String::from(if integer < 0 { "-" } else { "" });
    for (index, digit) in text.chars().enumerate() {
        if index > 0 && text.len() > 3 && (text.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded() {
        let sizes = [0, 312, 999, 1000, 3_249_000, 999_949, 999_950, 2_000_000_000_000, u64::MAX];
        let wanted =
            ["0 B", "312 B", "999 B", "1.0 kB", "3.2 MB", "999.9 kB", "1.0 MB", "2.0 TB", "18446744.1 TB"];
        assert_eq!(sizes.map(size), wanted);
    }

    #[test]
    fn nouns_stand_in_the_right_number() {
        assert_eq!(counted(1, "policy"), "1 policy");
        assert_eq!(counted(0, "operator-policy"), "0 operator-policies");
        assert_eq!(counted(2, "other queue"), "2 other queues");
        assert_eq!(plural("limits"), "limits");
        assert_eq!(plural("key"), "keys");
        assert_eq!(article("exchange"), "an");
        assert_eq!(article("user"), "a");
        assert_eq!(article("rpc"), "an");
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
    }

    #[test]
    fn what_cannot_be_seen_is_made_visible() {
        assert_eq!(visible("a\nb\0c\u{7f}\u{202e}é"), "a␊b␀c␡\u{fffd}é");
        assert_eq!(visible_lines("a\n\u{1b}[2J"), "a\n␛[2J");
    }
}
