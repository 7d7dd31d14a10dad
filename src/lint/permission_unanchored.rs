//! A permission lets through names that it does not spell.

use std::collections::BTreeMap;

use fancy_regex::Regex;

use super::{
    Context, Lint,
    edit::{some_of, value},
    permission_dot_star::lets_all_through,
    warning,
};
use crate::{
    diag::{Diagnostic, Report},
    kind::{KindId, Provenance},
    syntax::quote,
    topology::DEFAULT_VHOST,
};

pub(super) const LINT: Lint = Lint {
    code: warning("S006", "permission-unanchored", "A permission lets through names that it does not spell."),
    page: include_str!("permission_unanchored.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entity in [KindId::Exchange, KindId::Queue].into_iter().flat_map(|kind| context.topology.of(kind)) {
        names.entry(entity.vhost.as_deref().unwrap_or(DEFAULT_VHOST)).or_default().push(entity.name());
    }
    for permission in context.permissions().filter(|found| found.provenance == Provenance::Written) {
        let vhost = permission.vhost.as_deref().unwrap_or(DEFAULT_VHOST);
        let here = names.get(vhost).map_or(&[][..], Vec::as_slice);
        for which in ["configure", "write", "read"] {
            let Some(pattern) = permission.text(which) else { continue };
            let Some(slack) = slack(pattern, here) else { continue };
            // who is let in by chance may count on it
            let spelt = alternatives(pattern).into_iter().all(|alternative| spells(alternative, here));
            let certain = (spelt && slack.let_in.is_empty()).then(|| anchored(pattern, here));
            let mut note = "the broker searches for the pattern inside the name".to_owned();
            if !slack.let_in.is_empty() {
                note.push_str(&format!("; it also lets in {}", some_of(&slack.let_in)));
            }
            report.push(
                Diagnostic::new(
                    LINT.code,
                    format!(
                        "`{pattern}` lets `{}` {which} more than it spells",
                        permission.text("user").unwrap_or("")
                    ),
                )
                .label(permission.span_of(which), slack.trouble)
                .note(note)
                .help(format!("write `{which}={}`", quote(&anchored(pattern, here))))
                .mend(certain.and_then(|held| value(permission, which, quote(&held))))
                .given_every_run(),
            );
        }
    }
}

/// What a pattern leaves open.
struct Slack<'a> {
    trouble: String,
    let_in: Vec<&'a str>,
}

fn slack<'a>(pattern: &str, names: &[&'a str]) -> Option<Slack<'a>> {
    if pattern.is_empty() || lets_all_through(pattern) || pattern.starts_with(".*") {
        return None;
    }
    // what is no regular expression is `arg-bad-type`'s to say
    let regex = Regex::new(pattern).ok()?;
    let whole = Regex::new(&format!("^(?:{pattern})$")).ok()?;
    let let_in = || {
        let is = |regex: &Regex, name: &str| regex.is_match(name).unwrap_or(false);
        names.iter().copied().filter(|name| is(&regex, name) && !is(&whole, name)).collect::<Vec<_>>()
    };
    let alternatives = alternatives(pattern);
    if let Some(loose) = alternatives.iter().find(|alternative| !starts_anchored(alternative)) {
        let trouble = if alternatives.len() > 1 {
            format!("`{loose}` has no `^` of its own")
        } else {
            "has no `^`, so it may stand anywhere in a name".to_owned()
        };
        return Some(Slack { trouble, let_in: let_in() });
    }
    // `^orders-` is a prefix and means it; `^orders` beside a queue `orders` is a name without its end
    let cut = alternatives.iter().find(|alternative| {
        let name = alternative.trim_start_matches('^');
        !alternative.ends_with('$') && names.contains(&&*name.replace("\\.", "."))
    })?;
    let let_in = let_in();
    (!let_in.is_empty()).then(|| Slack { trouble: format!("`{cut}` has no `$`, so it is a prefix"), let_in })
}

/// Whether an alternative is a name as it stands.
fn spells(alternative: &str, names: &[&str]) -> bool {
    names.contains(&&*alternative.trim_start_matches('^').trim_end_matches('$').replace("\\.", "."))
}

/// The alternatives of a pattern outside any group.
fn alternatives(pattern: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let (mut depth, mut class, mut escaped, mut start) = (0u32, false, false, 0);
    for (at, c) in pattern.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' => class = false,
            _ if class => {}
            '[' => class = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => {
                all.push(&pattern[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    all.push(&pattern[start..]);
    all
}

/// Whether an alternative begins where the name begins, or says that it need not.
fn starts_anchored(alternative: &str) -> bool {
    let flagless = match alternative.strip_prefix("(?").and_then(|rest| rest.split_once(')')) {
        Some((flags, rest)) if flags.chars().all(|c| c.is_ascii_lowercase()) => rest,
        _ => alternative,
    };
    if flagless.starts_with('^') || flagless.starts_with("\\A") || flagless.starts_with(".*") {
        return true;
    }
    let Some(inside) = flagless.strip_prefix('(') else { return false };
    let inside = inside.strip_prefix("?:").unwrap_or(inside);
    let end = inside.rfind(')').unwrap_or(inside.len());
    alternatives(&inside[..end]).into_iter().all(starts_anchored)
}

/// The pattern with the ends of every alternative held; what spells no name as it stands is taken as a prefix.
fn anchored(pattern: &str, names: &[&str]) -> String {
    let bare: Vec<(&str, bool)> = alternatives(pattern)
        .into_iter()
        .map(|alternative| {
            let text = alternative.trim_start_matches('^');
            let whole = text.ends_with('$') || names.contains(&&*text.replace("\\.", "."));
            (text.trim_end_matches('$'), whole)
        })
        .collect();
    match bare.as_slice() {
        [(one, whole)] => format!("^{one}{}", if *whole { "$" } else { "" }),
        several if several.iter().all(|(_, whole)| *whole) => {
            let texts: Vec<&str> = several.iter().map(|(text, _)| *text).collect();
            format!("^({})$", texts.join("|"))
        }
        several => {
            let each =
                several.iter().map(|(text, whole)| format!("^{text}{}", if *whole { "$" } else { "" }));
            each.collect::<Vec<_>>().join("|")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_what_it_does_is_left_alone() {
        let names = ["orders", "orders.dead", "billing"];
        for good in [
            "",
            "^$",
            "^orders$",
            "^orders\\.",
            "^(orders|billing)$",
            "^(?:a|b)",
            "(^orders$|^billing$)",
            ".*",
            "^orders$|^billing$",
        ] {
            assert!(slack(good, &names).is_none(), "{good}");
        }
        for bad in ["orders", "^orders", "^a|b$", "orders$", "(orders|billing)"] {
            assert!(slack(bad, &names).is_some(), "{bad}");
        }
        assert_eq!(anchored("^billing|orders$", &names), "^(billing|orders)$");
        assert_eq!(anchored("orders", &names), "^orders$");
        assert_eq!(anchored("orders-|billing", &names), "^orders-|^billing$");
    }
}
