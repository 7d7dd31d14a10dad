//! What a headers exchange matches (`rabbit_exchange_type_headers`).

use crate::value::equal;
use crate::{Message, Table, Value, Version};

/// The argument `x-match` of a binding to a headers exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Match {
    /// Every argument that does not start with `x-` matches; also when `x-match` is missing.
    All,
    /// At least one argument that does not start with `x-` matches.
    Any,
    /// Every argument but `x-match` matches (3.10 and newer).
    AllWithX,
    /// At least one argument but `x-match` matches (3.10 and newer).
    AnyWithX,
}

impl Match {
    /// Reads `x-match` from a binding's arguments; the error is the value, which the broker refuses.
    pub fn of(arguments: &Table) -> Result<Self, &Value> {
        match arguments.get("x-match") {
            None => Ok(Self::All),
            Some(value @ Value::String(word)) => match word.as_slice() {
                b"all" => Ok(Self::All),
                b"any" => Ok(Self::Any),
                b"all-with-x" => Ok(Self::AllWithX),
                b"any-with-x" => Ok(Self::AnyWithX),
                _ => Err(value),
            },
            Some(other) => Err(other),
        }
    }

    fn skips(self, argument: &str) -> bool {
        match self {
            Self::All | Self::Any => argument.starts_with("x-"),
            Self::AllWithX | Self::AnyWithX => argument == "x-match",
        }
    }
}

/// Whether a headers exchange delivers `message` along a binding with these `arguments`: `None` if that depends on
/// headers that are not known.
///
/// With only `x-` arguments `all` matches everything and `any` nothing. A void argument asks only that the header
/// exists. An `x-match` that the broker would refuse counts as `all`, as it does for bindings of old brokers.
pub fn matches(arguments: &Table, message: &Message<'_>, version: Version) -> Option<bool> {
    let satisfied =
        |(name, wanted): (&String, &Value)| satisfies(wanted, message.header(name).as_deref(), version);
    let every = wants_every(arguments);
    match message.headers {
        None => compared(arguments).next().is_none().then_some(every),
        Some(_) if every => Some(compared(arguments).all(satisfied)),
        Some(_) => Some(compared(arguments).any(satisfied)),
    }
}

fn mode(arguments: &Table) -> Match {
    Match::of(arguments).unwrap_or(Match::All)
}

/// Whether all of the arguments have to match; else one does.
pub(crate) fn wants_every(arguments: &Table) -> bool {
    matches!(mode(arguments), Match::All | Match::AllWithX)
}

/// The arguments that headers are compared with.
pub(crate) fn compared(arguments: &Table) -> impl Iterator<Item = (&String, &Value)> {
    let mode = mode(arguments);
    arguments.iter().filter(move |(name, _)| !mode.skips(name))
}

/// Whether a header, if there is one, is what an argument asks for.
pub(crate) fn satisfies(wanted: &Value, said: Option<&Value>, version: Version) -> bool {
    match said {
        None => false,
        Some(_) if *wanted == Value::Void => true,
        Some(said) => equal(wanted, said, version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &[(&str, Value)]) -> Table {
        entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn yes(arguments: &[(&str, Value)], headers: &[(&str, Value)]) -> bool {
        let headers = table(headers);
        matches(&table(arguments), &Message::new("").with_headers(&headers), Version::V4_0) == Some(true)
    }

    #[test]
    fn a_missing_x_match_means_all() {
        assert!(yes(&[("a", 1.into())], &[("a", 1.into()), ("b", 2.into())]));
        assert!(!yes(&[("a", 1.into()), ("b", 3.into())], &[("a", 1.into()), ("b", 2.into())]));
    }

    #[test]
    fn any_needs_one() {
        assert!(yes(&[("x-match", "any".into()), ("a", 1.into()), ("b", 3.into())], &[("a", 1.into())]));
        assert!(!yes(&[("x-match", "any".into()), ("a", 1.into())], &[("a", 2.into())]));
    }

    #[test]
    fn all_with_only_x_arguments_matches_everything_and_any_nothing() {
        assert!(yes(&[("x-match", "all".into()), ("x-tier", "gold".into())], &[]));
        assert!(yes(&[], &[]));
        assert!(!yes(&[("x-match", "any".into()), ("x-tier", "gold".into())], &[("x-tier", "gold".into())]));
        assert!(!yes(&[("x-match", "any".into())], &[("a", 1.into())]));
    }

    #[test]
    fn with_x_skips_only_x_match() {
        let gold = [("x-tier", "gold".into())];
        assert!(yes(&[("x-match", "all-with-x".into()), ("x-tier", "gold".into())], &gold));
        assert!(!yes(&[("x-match", "all-with-x".into()), ("x-tier", "iron".into())], &gold));
        assert!(yes(&[("x-match", "any-with-x".into()), ("x-tier", "gold".into()), ("a", 1.into())], &gold));
        assert!(!yes(&[("x-match", "any-with-x".into())], &gold));
        assert!(yes(&[("x-match", "all-with-x".into())], &gold));
    }

    #[test]
    fn void_asks_for_the_name_only() {
        assert!(yes(&[("a", Value::Void)], &[("a", 1.into())]));
        assert!(yes(&[("a", Value::Void)], &[("a", Value::Void)]));
        assert!(!yes(&[("a", Value::Void)], &[("b", 1.into())]));
        assert!(!yes(&[("a", 1.into())], &[("a", Value::Void)]));
    }

    #[test]
    fn cc_is_a_header_and_bcc_is_not() {
        let cc = ["k".to_owned()];
        let message = Message::new("").with_cc(&cc).with_bcc(&cc);
        assert_eq!(matches(&table(&[("CC", Value::Void)]), &message, Version::V4_0), Some(true));
        assert_eq!(matches(&table(&[("BCC", Value::Void)]), &message, Version::V4_0), Some(false));
    }

    #[test]
    fn unknown_headers_decide_only_what_compares_none() {
        let unknown = Message::new("").with_unknown_headers();
        let asked = |arguments: &[(&str, Value)]| matches(&table(arguments), &unknown, Version::V4_0);
        assert_eq!(asked(&[("a", 1.into())]), None);
        assert_eq!(asked(&[("x-a", 1.into())]), Some(true));
        assert_eq!(asked(&[("x-match", "any".into()), ("x-a", 1.into())]), Some(false));
    }

    #[test]
    fn what_the_broker_refuses_is_an_error() {
        assert_eq!(Match::of(&table(&[("x-match", "none".into())])), Err(&"none".into()));
        assert_eq!(Match::of(&table(&[("x-match", 1.into())])), Err(&1.into()));
    }
}
