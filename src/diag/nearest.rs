//! The nearest known name to one that is not known.

use std::collections::BTreeSet;

use super::plural;

/// So many names are listed; all words of the language that can stand in one place are fewer.
const MOST: usize = 30;
/// Names that are so many slips apart may be mistaken for one another.
const NEAR: usize = 2;
/// How many of more than those.
const FEW: usize = 12;

/// The candidate that was most likely meant, if any is near enough to be worth saying.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['.', '_', ' '], "-");
    let wanted = plain(name);
    let allowed = (wanted.chars().count() / 3).clamp(1, 4);
    let candidates: Vec<&str> = candidates.into_iter().filter(|candidate| *candidate != name).collect();
    let close = candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), *candidate))
        // as far as the word is long, anything is near
        .filter(|(distance, _)| *distance <= allowed && *distance < wanted.chars().count())
        .min_by(|a, b| a.cmp(b));
    close.map(|(_, candidate)| candidate).or_else(|| {
        // a part of the whole name: `ttl` for `message-ttl`
        let mut whole =
            candidates.iter().filter(|candidate| plain(candidate).split('-').any(|part| part == wanted));
        let first = whole.next().copied()?;
        whole.all(|other| *other == first).then_some(first)
    })
}

/// The candidate that is certainly meant: the only one that is a slip of the pen away. Names that differ in their
/// numbers are names of different things.
pub(crate) fn surely<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['.', '_', ' '], "-");
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let (wanted, length) = (plain(name), name.chars().count());
    let slips = match length {
        0..3 => 0,
        3..8 => 1,
        _ => 2,
    };
    let mut near: Vec<&str> = candidates
        .into_iter()
        .filter(|candidate| *candidate != name && candidate.len().abs_diff(name.len()) <= 2 * NEAR)
        .filter(|candidate| strsim::damerau_levenshtein(&wanted, &plain(candidate)) <= NEAR)
        .collect();
    near.sort_unstable();
    near.dedup();
    let [only] = near.as_slice() else { return None };
    let slip = strsim::damerau_levenshtein(&wanted, &plain(only)) <= slips;
    (slip && digits(name) == digits(only)).then_some(only)
}

/// A help line: the nearest name if there is one, else the names there are, in their order.
#[must_use]
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>, what: &str) -> String {
    let mut names: Vec<&str> = candidates.into_iter().collect();
    if let Some(near) = nearest(name, names.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    let mut seen = BTreeSet::new();
    names.retain(|candidate| seen.insert(*candidate));
    // of very many, those most like it
    let rest = names.len().saturating_sub(MOST);
    if rest > 0 {
        names.sort_by_cached_key(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate));
        names.truncate(FEW);
    }
    let rest = if rest > 0 { rest + MOST - FEW } else { 0 };
    match names.as_slice() {
        [] => format!("no {what} is declared"),
        [only] => format!("the only {what} is `{only}`"),
        names => {
            let shown: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("the {} are {}{rest}", plural(what), shown.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_slip_of_the_pen_is_certain() {
        assert_eq!(surely("mesage-ttl", ["message-ttl", "max-length"]), Some("message-ttl"));
        assert_eq!(surely("Message_TTL", ["message-ttl"]), Some("message-ttl"));
        assert_eq!(surely("typ", ["type"]), Some("type"));
        assert_eq!(surely("tpye", ["type"]), Some("type"));
        assert_eq!(surely("orders.v1", ["orders.v2"]), None);
        assert_eq!(surely("order", ["orders", "older"]), None);
        assert_eq!(surely("ttl", ["message-ttl"]), None);
    }

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("mesage-ttl", ["message-ttl", "max-length"]), Some("message-ttl"));
        assert_eq!(nearest("message_ttl", ["message-ttl", "max-length"]), Some("message-ttl"));
        assert_eq!(nearest("x", ["message-ttl"]), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("X", ["x"]), Some("x"));
        assert_eq!(nearest("ttl", ["message-ttl", "max-length"]), Some("message-ttl"));
        assert_eq!(nearest("length", ["max-length", "min-length"]), None);
        assert_eq!(did_you_mean("zzz", ["b", "a"], "exchange"), "the exchanges are `b`, `a`");
    }
}
