//! By which series a broker comes from one to another, as the release notes of each say. A node of any other series does
//! not start on the data: <https://www.rabbitmq.com/docs/upgrade#rabbitmq-version-upgradability>.

use std::collections::{BTreeMap, VecDeque};

use crate::kind::{OLDEST, Version, version};

/// Each series with those from which it can be upgraded to in place.
const SOURCES: &[(Version, &[Version])] = &[
    (version(3, 11), &[OLDEST]),
    (version(3, 12), &[version(3, 11)]),
    (version(3, 13), &[version(3, 12)]),
    (version(4, 0), &[version(3, 13)]),
    (version(4, 1), &[version(4, 0), version(3, 13)]),
    (version(4, 2), &[version(4, 1), version(4, 0), version(3, 13)]),
    (version(4, 3), &[version(4, 2)]),
];

/// The series to go through, both ends included; none where no way leads there.
#[must_use]
pub fn path(from: Version, to: Version) -> Option<Vec<Version>> {
    let mut came: BTreeMap<Version, Version> = BTreeMap::new();
    let mut waiting = VecDeque::from([from]);
    while let Some(at) = waiting.pop_front() {
        if at == to {
            let mut way: Vec<Version> = std::iter::successors(Some(to), |at| came.get(at).copied()).collect();
            way.reverse();
            return Some(way);
        }
        let next = SOURCES.iter().filter(|(_, sources)| sources.contains(&at));
        for (series, _) in next {
            if *series != from && !came.contains_key(series) {
                came.insert(*series, at);
                waiting.push_back(*series);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::VERSIONS;

    #[test]
    fn the_shortest_way_is_taken() {
        let way = |from: &str, to: &str| {
            let (from, to) = (Version::parse(from).unwrap(), Version::parse(to).unwrap());
            path(from, to).map(|way| way.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(way("3.10", "4.3").as_deref(), Some("3.10 3.11 3.12 3.13 4.2 4.3"));
        assert_eq!(way("3.13", "4.1").as_deref(), Some("3.13 4.1"));
        assert_eq!(way("4.2", "4.2").as_deref(), Some("4.2"));
        assert_eq!(way("4.3", "4.2"), None);
    }

    #[test]
    fn every_series_can_be_reached() {
        for series in VERSIONS {
            assert!(path(OLDEST, *series).is_some(), "{series}");
        }
    }
}
