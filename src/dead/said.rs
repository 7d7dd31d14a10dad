//! Dead letters as people and programs read them.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value as Json, json};

use super::{Death, GIVEN_UP, Letter};
use crate::{
    diag::{counted, digits, visible},
    kind::show_duration,
};

/// So much of a payload is shown, in characters, unless all of it is asked for.
const PAYLOAD: usize = 400;

/// Headers that are told in other words, or that say it again.
const TOLD: &[&str] = &["x-death", "x-delivery-count"];
const TOLD_PREFIXES: &[&str] = &["x-first-death-", "x-last-death-", "x-topoc-"];

/// What a look into a dead queue found.
#[derive(Clone, Debug, Default)]
pub struct Census {
    /// How many letters it is about.
    pub letters: u64,
    /// How many died for which reason; those that do not say why are of none.
    pub reasons: BTreeMap<String, u64>,
    /// When the first of them died, in seconds since 1970.
    pub oldest: Option<u64>,
}

impl Census {
    /// Takes in one more.
    pub fn count(&mut self, letter: &Letter) {
        self.letters += 1;
        *self.reasons.entry(letter.reason().unwrap_or("").to_owned()).or_default() += 1;
        self.oldest = self.oldest.into_iter().chain(letter.since()).min();
    }

    /// `rejected 12, expired 3`, the most frequent first.
    #[must_use]
    pub fn why(&self) -> String {
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(reason, number)| (std::cmp::Reverse(**number), (*reason).clone()));
        let said = reasons.into_iter().map(|(reason, number)| {
            let reason = if reason.is_empty() { "unknown" } else { reason };
            format!("{} {}", visible(reason), digits(i64::try_from(*number).unwrap_or(i64::MAX)))
        });
        said.collect::<Vec<_>>().join(", ")
    }
}

/// How long ago something was, in the unit that says it best: `5 min`, `3 h`, `12 days`.
#[must_use]
pub fn ago(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", digits(i64::try_from(seconds / 86_400).unwrap_or(i64::MAX))),
    }
}

/// `2026-11-02 14:03:12 UTC`, of seconds since 1970.
#[must_use]
pub fn moment(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|at| time::OffsetDateTime::from_unix_timestamp(at).ok());
    at.map_or_else(
        || format!("{seconds} s after 1970"),
        |at| {
            let (hour, minute, second) = at.to_hms();
            format!("{} {hour:02}:{minute:02}:{second:02} UTC", at.date())
        },
    )
}

/// A letter for people, some lines; `now` is in seconds since 1970.
#[must_use]
pub fn human(number: usize, letter: &Letter, now: u64, whole: bool) -> String {
    let mut out = String::new();
    let name = letter.kind().map_or_else(|| "a message without a type".to_owned(), visible);
    let redelivered = if letter.redelivered { ", delivered before" } else { "" };
    // a string takes every write
    let _ = writeln!(out, "{number}  {name}, {} B{redelivered}", digits(letter.payload.len() as i64));
    match letter.last() {
        None => {
            let from = if letter.exchange.is_empty() {
                "the default exchange".to_owned()
            } else {
                format!("`{}`", visible(&letter.exchange))
            };
            let key = visible(&letter.routing_key);
            let _ = writeln!(out, "   nothing says why it is here; it came by {from} with the key \"{key}\"");
        }
        Some(last) => {
            let _ = writeln!(out, "   {}", death(last, now));
            for earlier in &letter.deaths[1..] {
                let first = if letter.first() == Some(earlier) { "first " } else { "before: " };
                let _ = writeln!(out, "   {first}{}", death(earlier, now));
            }
            if let Some((exchange, keys)) = letter.published() {
                let _ = writeln!(out, "   published {}", to(exchange, &keys));
            }
        }
    }
    let properties = letter.properties.iter().filter(|(name, _)| *name != "type");
    let properties: Vec<String> =
        properties.map(|(name, value)| format!("{name} {}", visible(value))).collect();
    if !properties.is_empty() {
        let _ = writeln!(out, "   properties  {}", properties.join(", "));
    }
    let is_told =
        |name: &str| TOLD.contains(&name) || TOLD_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let headers = letter.headers.iter().filter(|(name, _)| !is_told(name));
    let headers: Vec<String> =
        headers.map(|(name, value)| format!("{} {}", visible(name), visible(&value.to_string()))).collect();
    if !headers.is_empty() {
        let _ = writeln!(out, "   headers     {}", headers.join(", "));
    }
    for line in payload(letter, whole) {
        let _ = writeln!(out, "   │ {line}");
    }
    out
}

fn to(exchange: &str, keys: &[&str]) -> String {
    let mut keys = keys.iter().map(|key| format!("\"{}\"", visible(key)));
    let key = keys.next().unwrap_or_else(|| "\"\"".to_owned());
    let more: Vec<String> = keys.collect();
    let more = if more.is_empty() { String::new() } else { format!(", in CC also {}", more.join(", ")) };
    if exchange.is_empty() {
        format!("to the default exchange with the key {key}{more}")
    } else {
        format!("to `{}` with the key {key}{more}", visible(exchange))
    }
}

/// `rejected in `billing` 3 times, first 2026-11-02 14:03:12 UTC (4 min ago)`.
fn death(death: &Death, now: u64) -> String {
    let queue = visible(&death.queue);
    let mut said = match &*death.reason {
        "rejected" => format!("rejected in `{queue}`"),
        "expired" => format!("expired in `{queue}`"),
        "maxlen" => format!("put out of `{queue}`, which was full"),
        "delivery_limit" => format!("delivered too often in `{queue}`"),
        GIVEN_UP => {
            let attempts = match usize::try_from(death.count).unwrap_or(usize::MAX) {
                0 => String::new(),
                retries => format!(" after {}", counted(retries, "retry")),
            };
            format!("given up in `{queue}`{attempts}")
        }
        other => format!("{} in `{queue}`", visible(other)),
    };
    let several = death.count > 1 && death.reason != GIVEN_UP;
    if several {
        let _ = write!(said, " {} times", digits(i64::try_from(death.count).unwrap_or(i64::MAX)));
    }
    if let Some(at) = death.first {
        let first = if several { "first " } else { "" };
        let _ = write!(said, ", {first}{} ({} ago)", moment(at), ago(now.saturating_sub(at)));
    }
    if let Some(expiration) = &death.expiration {
        let time = expiration.parse().map_or_else(|_| visible(expiration), show_duration);
        let _ = write!(said, "; its own expiration of {time} was taken off");
    }
    if let Some(note) = &death.note {
        let _ = write!(said, ": {}", visible(note));
    }
    said
}

/// The payload in lines: text as it is, else its bytes.
fn payload(letter: &Letter, whole: bool) -> Vec<String> {
    let most = if whole { usize::MAX } else { PAYLOAD };
    let Ok(text) = std::str::from_utf8(&letter.payload) else {
        let shown = letter.payload.iter().take(most / 8);
        let bytes: Vec<String> = shown.map(|byte| format!("{byte:02x}")).collect();
        let rest = letter.payload.len().saturating_sub(bytes.len());
        let more = if rest > 0 { format!(" … and {} more", digits(rest as i64)) } else { String::new() };
        return vec![format!("{}{more}", bytes.join(" "))];
    };
    let shown: String = text.chars().take(most).collect();
    let rest = text.len() - shown.len();
    let mut lines: Vec<String> =
        shown.lines().map(|line| visible(line.strip_suffix('\r').unwrap_or(line))).collect();
    if rest > 0 {
        lines.push(format!("… and {} B more: --whole", digits(rest as i64)));
    }
    lines
}

/// A letter for programs. Its payload is text where it is one, else Base64.
#[must_use]
pub fn json(letter: &Letter) -> Json {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let deaths: Vec<Json> = letter
        .deaths
        .iter()
        .map(|death| {
            json!({
                "queue": death.queue,
                "reason": death.reason,
                "count": death.count,
                "exchange": death.exchange,
                "routing_keys": death.routing_keys,
                "first": death.first,
                "expiration": death.expiration,
                "note": death.note,
            })
        })
        .collect();
    let text = std::str::from_utf8(&letter.payload).ok();
    let properties: serde_json::Map<String, Json> =
        letter.properties.iter().map(|(name, value)| ((*name).to_owned(), Json::from(&**value))).collect();
    json!({
        "type": letter.kind(),
        "reason": letter.reason(),
        "since": letter.since(),
        "deaths": deaths,
        "exchange": letter.exchange,
        "routing_key": letter.routing_key,
        "redelivered": letter.redelivered,
        "properties": properties,
        "headers": letter.headers,
        "bytes": letter.payload.len(),
        "payload": text.map_or_else(|| STANDARD.encode(&letter.payload), ToOwned::to_owned),
        "payload_encoding": if text.is_some() { "string" } else { "base64" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_words() {
        assert_eq!(ago(5), "5 s");
        assert_eq!(ago(3_600), "60 min");
        assert_eq!(ago(86_400), "24 h");
        assert_eq!(ago(1_000_000), "11 days");
        assert_eq!(moment(1_763_776_393), "2025-11-22 01:53:13 UTC");
    }

    #[test]
    fn nothing_of_a_message_writes_on_a_terminal() {
        let headers = json!({
            "\u{1b}[2J": "\u{1b}[31m",
            "x-death": [{"queue": "\u{1b}[1m", "reason": "rejected", "exchange": "\u{7}", "routing-keys": ["\u{9b}"]}]
        });
        let letter = Letter {
            properties: vec![("type", "\u{1b}]0;x".to_owned()), ("app-id", "\r".to_owned())],
            headers: headers.as_object().cloned().unwrap(),
            payload: "a\r\n\u{1b}[5mb\rc".into(),
            ..Letter::default()
        }
        .with_deaths(|_| None);
        let text = human(1, &letter, 0, false);
        assert!(!text.contains(|c: char| c != '\n' && c.is_control()), "{text:?}");
        assert!(text.contains("│ ␛[5mb␍c"), "{text}");
    }

    #[test]
    fn a_payload_is_bounded() {
        let of = |payload: Vec<u8>, whole| payload_of(payload, whole).join("\n");
        fn payload_of(payload: Vec<u8>, whole: bool) -> Vec<String> {
            super::payload(&Letter { payload, ..Letter::default() }, whole)
        }
        assert!(of("ä".repeat(500).into(), false).ends_with("\n… and 200 B more: --whole"));
        assert_eq!(of("ä".repeat(500).into(), true).chars().count(), 500);
        assert_eq!(of(vec![0xff, 0x00], false), "ff 00");
        assert!(of(vec![0xff; 100], false).ends_with(" … and 50 more"));
    }
}
