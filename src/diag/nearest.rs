//! The nearest known name to one that is not known.

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
        .filter(|(distance, _)| *distance <= allowed)
        .min_by(|a, b| a.cmp(b));
    close.map(|(_, candidate)| candidate).or_else(|| {
        // a part of the whole name: `ttl` for `message-ttl`
        let mut whole =
            candidates.iter().filter(|candidate| plain(candidate).split('-').any(|part| part == wanted));
        let first = whole.next().copied()?;
        whole.all(|other| *other == first).then_some(first)
    })
}

/// A help line: the nearest name if there is one, else the names there are (a few of them).
#[must_use]
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>, what: &str) -> String {
    let mut names: Vec<&str> = candidates.into_iter().collect();
    if let Some(near) = nearest(name, names.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    names.sort_unstable();
    names.dedup();
    match names.len() {
        0 => format!("no {what} is declared"),
        1 => format!("the only {what} is `{}`", names[0]),
        count => {
            let shown: Vec<String> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
            let rest = if count > 12 { format!(" and {} more", count - 12) } else { String::new() };
            format!("the {what}s are {}{rest}", shown.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("mesage-ttl", ["message-ttl", "max-length"]), Some("message-ttl"));
        assert_eq!(nearest("message_ttl", ["message-ttl", "max-length"]), Some("message-ttl"));
        assert_eq!(nearest("x", ["message-ttl"]), None);
        assert_eq!(nearest("ttl", ["message-ttl", "max-length"]), Some("message-ttl"));
        assert_eq!(nearest("length", ["max-length", "min-length"]), None);
        assert_eq!(did_you_mean("zzz", ["b", "a"], "exchange"), "the exchanges are `a`, `b`");
    }
}
