//! The payload types of the topology language, as Rust types.
//!
//! | topology | Rust | JSON |
//! |---|---|---|
//! | `string` `bool` | `String` `bool` | string, boolean |
//! | `i32` `i64` `u32` `u64` `f64` | the same | number |
//! | `decimal` | [`Decimal`] | string |
//! | `bytes` | [`Bytes`] | base64 string |
//! | `uuid` | [`Uuid`] | string |
//! | `timestamp` | [`Timestamp`] | RFC 3339 string |
//! | `date` | [`Date`] | `2026-11-21` |
//! | `duration` | [`Duration`] | ISO 8601 string, `PT1.5S` |
//! | `list<T>` | `Vec<T>` | array |
//! | `map<T>` | `BTreeMap<String, T>` | object |
//! | `T?` | `Option<T>` | absent or null |

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr};

pub use chrono::NaiveDate as Date;
pub use rust_decimal::Decimal;
pub use uuid::Uuid;

/// A moment, in UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// Bytes, base64 (RFC 4648, padded) in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(|error| D::Error::custom(format!("not base64: {error}")))
    }
}

/// A length of time, in JSON an ISO 8601 duration of weeks, days, hours, minutes and seconds.
///
/// Years and months are refused: they have no fixed length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub std::time::Duration);

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Self(duration)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        f.write_str("PT")?;
        if hours > 0 {
            write!(f, "{hours}H")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}M")?;
        }
        let nothing_else = hours == 0 && minutes == 0;
        match (seconds, nanos) {
            (0, 0) if !nothing_else => Ok(()),
            (seconds, 0) => write!(f, "{seconds}S"),
            (seconds, nanos) => write!(f, "{seconds}.{}S", format!("{nanos:09}").trim_end_matches('0')),
        }
    }
}

/// A text that is not an ISO 8601 duration of fixed length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration like PT1.5S, PT2H30M or P7D")]
pub struct NotADuration(String);

impl FromStr for Duration {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map(Self).ok_or_else(|| NotADuration(text.chars().take(100).collect()))
    }
}

fn parse(text: &str) -> Option<std::time::Duration> {
    let rest = text.strip_prefix('P')?;
    let (days, time) = rest.split_once('T').map_or((rest, None), |(days, time)| (days, Some(time)));
    if (days.is_empty() && time.is_none()) || time == Some("") {
        return None;
    }
    let days = units(days, &[('W', 604_800), ('D', 86_400)])?;
    days.checked_add(units(time.unwrap_or_default(), &[('H', 3600), ('M', 60), ('S', 1)])?)
}

/// Reads `2H30M` given the units in their order; only the last number may have a fraction, of seconds.
fn units(mut text: &str, units: &[(char, u64)]) -> Option<std::time::Duration> {
    let mut total = std::time::Duration::ZERO;
    let mut units = units.iter();
    while !text.is_empty() {
        let end = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, rest) = text.split_at(end);
        let unit = rest.chars().next()?;
        let (_, seconds) = units.find(|(name, _)| *name == unit)?;
        text = &rest[1..];
        let (whole, fraction) = number.split_once(['.', ',']).map_or((number, None), |(a, b)| (a, Some(b)));
        if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let whole = std::time::Duration::from_secs(whole.parse::<u64>().ok()?.checked_mul(*seconds)?);
        total = total.checked_add(whole)?;
        if let Some(fraction) = fraction {
            let digits =
                !fraction.is_empty() && fraction.len() <= 9 && fraction.bytes().all(|b| b.is_ascii_digit());
            if !digits || unit != 'S' {
                return None;
            }
            let nanos = format!("{fraction:0<9}").parse().ok()?;
            total = total.checked_add(std::time::Duration::from_nanos(nanos))?;
        }
    }
    Some(total)
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_they_are_written() {
        for (millis, text) in [
            (0, "PT0S"),
            (1500, "PT1.5S"),
            (90_000, "PT1M30S"),
            (7_200_000, "PT2H"),
            (3_600_250, "PT1H0.25S"),
        ] {
            let duration = Duration(std::time::Duration::from_millis(millis));
            assert_eq!(duration.to_string(), text);
            assert_eq!(text.parse(), Ok(duration));
        }
        assert_eq!(
            "P1W2DT3H".parse(),
            Ok(Duration(std::time::Duration::from_secs(604_800 + 172_800 + 10_800)))
        );
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "P",
            "PT",
            "5s",
            "P1Y",
            "P1M",
            "PT1S2H",
            "PT-1S",
            "PT1.5H",
            "PT1.S",
            "PT99999999999999999999S",
            "PTé",
            "PT1é",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }

    #[test]
    fn json_forms() {
        assert_eq!(serde_json::to_string(&Bytes(vec![0, 255])).unwrap(), r#""AP8=""#);
        assert_eq!(serde_json::from_str::<Bytes>(r#""AP8=""#).unwrap(), Bytes(vec![0, 255]));
        assert!(serde_json::from_str::<Bytes>(r#""?""#).is_err());
        assert_eq!(serde_json::to_string(&Decimal::new(1995, 2)).unwrap(), r#""19.95""#);
        assert_eq!(serde_json::to_string(&Date::from_ymd_opt(2026, 11, 21)).unwrap(), r#""2026-11-21""#);
        let moment: Timestamp = serde_json::from_str(r#""2026-11-21T13:00:00+01:00""#).unwrap();
        assert_eq!(serde_json::to_string(&moment).unwrap(), r#""2026-11-21T12:00:00Z""#);
    }
}
