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
}
