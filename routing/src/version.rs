//! The broker's version, as far as routing depends on it.

use std::fmt;
use std::str::FromStr;

/// A RabbitMQ release series such as 3.10 or 4.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second number.
    pub minor: u16,
}

impl Version {
    /// 3.10, the oldest series that this crate knows.
    pub const V3_10: Self = Self::new(3, 10);
    /// 3.11.
    pub const V3_11: Self = Self::new(3, 11);
    /// 3.12.
    pub const V3_12: Self = Self::new(3, 12);
    /// 3.13, the first with message containers.
    pub const V3_13: Self = Self::new(3, 13);
    /// 4.0.
    pub const V4_0: Self = Self::new(4, 0);
    /// 4.1.
    pub const V4_1: Self = Self::new(4, 1);
    /// 4.2.
    pub const V4_2: Self = Self::new(4, 2);
    /// 4.3.
    pub const V4_3: Self = Self::new(4, 3);

    /// The series `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Message containers (3.13): headers compare by value *and* type, and a timestamp header counts milliseconds.
    pub(crate) fn has_message_containers(self) -> bool {
        self >= Self::V3_13
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The text is not `major.minor` with an optional patch number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAVersion(
    /// The text as it was given.
    pub String,
);

impl fmt::Display for NotAVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a RabbitMQ version such as 3.10 or 4.0.5", self.0)
    }
}

impl std::error::Error for NotAVersion {}

impl FromStr for Version {
    type Err = NotAVersion;

    /// Reads `3.10` and, as brokers report it, `3.10.8` or `4.3.0-rc.1`; what follows the second number is dropped.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let mut numbers = text.splitn(3, '.').take(2).map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self { major, minor }),
            _ => Err(NotAVersion(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_series_and_releases() {
        assert_eq!("3.10".parse(), Ok(Version::V3_10));
        assert_eq!("4.0.5".parse(), Ok(Version::V4_0));
        assert_eq!("4.3.0-rc.1".parse(), Ok(Version::V4_3));
        assert!("4".parse::<Version>().is_err());
        assert!("four.oh".parse::<Version>().is_err());
        assert!(Version::V3_13 < Version::V4_0);
    }
}
