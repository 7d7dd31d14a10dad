//! Numbers and nouns as sentences want them.

/// `a` or `an`, as the word after it wants.
#[must_use]
pub fn article(word: &str) -> &'static str {
    // of the language's words, those in `u` (`user`) sound like `you`
    if word.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}

/// A noun of the language for more than one: `queues`, `policies`, and `limits`, which are many already.
#[must_use]
pub fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if noun.ends_with('s') => noun.to_owned(),
        None => format!("{noun}s"),
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
        assert_eq!(article("exchange"), "an");
        assert_eq!(article("user"), "a");
    }
}
