//! What a topology has applied: its ownership record, kept in the broker as global parameters.
//!
//! A small record is one parameter, its head. A large one is cut into parts that the head names, so that writing the
//! head is the one moment in which the record changes: parts are written before it and removed after it. It holds which
//! entities there are, and as what they were described, without secrets: so that what somebody changed on the broker can
//! be told from what was changed in the file.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value as Json, json};

use super::content::Content;
use crate::kind::{Identity, KINDS, KindId, RECORD_PREFIX, Scope};

const VERSION: u64 = 2;

/// The broker takes 5 MB safely in one parameter and refuses 8 MB.
pub(super) const PART_BYTES: usize = 1_000_000;

/// A global parameter: its name and value.
pub type Parameter = (String, Json);

/// What a topology owns, and as what it was described when it was last applied. None: that is not known, as of what a
/// run that was interrupted may have made.
pub type Entries = BTreeMap<Identity, Option<Content>>;

/// When a topology was last applied, by whom, and from what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// When: RFC 3339, in UTC, to the second.
    pub at: String,
    /// The broker's user.
    pub by: String,
    /// topoc's version.
    pub topoc: String,
    /// A digest of the files.
    pub files: String,
    /// What the user calls this version of the files, such as a commit.
    pub revision: Option<String>,
}

impl Stamp {
    /// As a record and a plan hold it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({
            "at": self.at, "by": self.by, "topoc": self.topoc, "files": self.files, "revision": self.revision,
        })
    }

    fn from_json(applied: &Json) -> Option<Self> {
        let text = |name: &str| applied[name].as_str().map(ToOwned::to_owned);
        Some(Self {
            at: text("at")?,
            by: text("by")?,
            topoc: text("topoc")?,
            files: text("files")?,
            revision: text("revision"),
        })
    }
}

impl std::fmt::Display for Stamp {
    /// `2026-11-02 14:03:12 UTC by alice, from v1.2`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.at.replacen('T', " ", 1).replace('Z', " UTC");
        let from = self.revision.as_deref().unwrap_or(&self.files);
        write!(f, "{at} by {}, from {from}", self.by)
    }
}

/// What a topology has applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The topology's name.
    pub topology: Arc<str>,
    /// The entities.
    pub entries: Entries,
    /// When that was.
    pub stamp: Option<Stamp>,
}

impl Record {
    /// The name of the parameter that is written last and read first.
    #[must_use]
    pub fn head_name(topology: &str) -> String {
        format!("{RECORD_PREFIX}{topology}")
    }

    /// The parameters that hold it, the head last. The same entries give the same parameters, but for the head's stamp.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let head = Self::head_name(&self.topology);
        let mut parts = vec![Vec::new()];
        let mut size = 0;
        let mut said: BTreeSet<&Content> = BTreeSet::new();
        for (identity, content) in &self.entries {
            size += identity.parts.iter().map(|part| part.len() + 8).sum::<usize>();
            // those alike share it
            size += content.as_ref().filter(|content| said.insert(content)).map_or(0, Content::size);
            if size > PART_BYTES {
                parts.push(Vec::new());
                size = 0;
                said.clear();
            }
            if let Some(part) = parts.last_mut() {
                part.push((identity, content.as_ref()));
            }
        }
        let mut value = json!({"version": VERSION, "topology": &*self.topology});
        if let Some(stamp) = &self.stamp {
            value["applied"] = stamp.to_json();
        }
        if let [one] = parts.as_slice() {
            value["entries"] = write(one);
            return vec![(head, value)];
        }
        let mut all: Vec<Parameter> = parts
            .iter()
            .map(|part| {
                let entries = write(part);
                // named by its content, so that a new part never overwrites one that the head still names
                let name = format!("{head}:{:016x}", fnv(entries.to_string().as_bytes()));
                (name, json!({"part-of": &*self.topology, "entries": entries}))
            })
            .collect();
        value["parts"] = all.iter().map(|(name, _)| name.as_str()).collect();
        all.push((head, value));
        all
    }

    /// The records among a broker's global parameters, in order of their names. A head of a later version, or one with a
    /// part missing, is an error: to take it for empty would lose track of what is owned.
    ///
    /// # Errors
    /// A sentence that names the parameter.
    pub fn read_all<'a>(parameters: impl Iterator<Item = (&'a str, &'a Json)>) -> Result<Vec<Self>, String> {
        let ours: BTreeMap<&str, &Json> =
            parameters.filter(|(name, _)| name.starts_with(RECORD_PREFIX)).collect();
        let mut records = Vec::new();
        for (name, value) in &ours {
            let Some(topology) = value["topology"].as_str().filter(|_| value["part-of"].is_null()) else {
                continue;
            };
            match value["version"].as_u64() {
                Some(VERSION) => {}
                Some(version) if version > VERSION => {
                    return Err(format!(
                        "the global parameter `{name}` is a record of a newer topoc: use that one, or one that is newer still"
                    ));
                }
                _ => {
                    return Err(format!(
                        "the global parameter `{name}` is no record as this topoc writes them"
                    ));
                }
            }
            let damaged = || format!("the record in the global parameter `{name}` is damaged");
            let mut record = Self {
                topology: Arc::from(topology),
                entries: Entries::new(),
                stamp: Stamp::from_json(&value["applied"]),
            };
            match value["parts"].as_array() {
                None => read(&value["entries"], &mut record.entries).ok_or_else(damaged)?,
                Some(parts) => {
                    for part in parts {
                        let part = part.as_str().unwrap_or_default();
                        let value = ours.get(part).ok_or_else(|| {
                            format!(
                                "the global parameter `{name}` names the part `{part}`, which is not there"
                            )
                        })?;
                        read(&value["entries"], &mut record.entries).ok_or_else(damaged)?;
                    }
                }
            }
            records.push(record);
        }
        Ok(records)
    }

    /// The names of parameters that an earlier record has and a later one of the same topology has not.
    #[must_use]
    pub fn leftovers(earlier: &[Parameter], later: &[Parameter]) -> Vec<String> {
        let kept: BTreeSet<&String> = later.iter().map(|(name, _)| name).collect();
        earlier.iter().map(|(name, _)| name).filter(|name| !kept.contains(name)).cloned().collect()
    }
}

/// `{"queue": {"shop": [[{"durable": true}, "a", "b"], [null, "c"]]}, "binding": {"shop": [[null, ["e", "queue", "a", "key"]]]}}`:
/// those that are described alike, after what is said of them; global entities stand under `""`.
fn write(entries: &[(&Identity, Option<&Content>)]) -> Json {
    type Alike<'a> = BTreeMap<Option<&'a Content>, Vec<Json>>;
    let mut kinds: BTreeMap<&str, BTreeMap<&str, Alike<'_>>> = BTreeMap::new();
    for (identity, content) in entries {
        let parts = match identity.parts.as_slice() {
            [one] => Json::from(&**one),
            several => several.iter().map(|part| &**part).collect(),
        };
        let vhosts = kinds.entry(identity.kind.word()).or_default();
        let alike = vhosts.entry(identity.vhost.as_deref().unwrap_or("")).or_default();
        alike.entry(*content).or_default().push(parts);
    }
    let groups = |alike: Alike<'_>| -> Json {
        let group = |(content, names): (Option<&Content>, Vec<Json>)| -> Json {
            std::iter::once(content.map_or(Json::Null, Content::json)).chain(names).collect()
        };
        alike.into_iter().map(group).collect()
    };
    let vhosts = |vhosts: BTreeMap<&str, Alike<'_>>| -> Json {
        vhosts.into_iter().map(|(vhost, alike)| (vhost.to_owned(), groups(alike))).collect()
    };
    kinds.into_iter().map(|(kind, of)| (kind.to_owned(), vhosts(of))).collect()
}

/// None where anything is not as topoc writes it: what is on record must not be overlooked.
fn read(entries: &Json, into: &mut Entries) -> Option<()> {
    for (word, vhosts) in entries.as_object()? {
        let kind = kind_of(word)?;
        for (vhost, groups) in vhosts.as_object()? {
            let vhost: Option<Arc<str>> =
                (kind.kind().scope == Scope::Vhost).then(|| Arc::from(vhost.as_str()));
            for group in groups.as_array()? {
                let (content, names) = group.as_array()?.split_first()?;
                let content = match content {
                    Json::Null => None,
                    content => Some(Content::from_json(content)?),
                };
                for parts in names {
                    let parts = match parts {
                        Json::Array(parts) => {
                            parts.iter().map(|part| part.as_str().map(Arc::from)).collect::<Option<_>>()?
                        }
                        one => vec![Arc::from(one.as_str()?)],
                    };
                    into.insert(Identity { kind, vhost: vhost.clone(), parts }, content.clone());
                }
            }
        }
    }
    Some(())
}

pub(super) fn kind_of(word: &str) -> Option<KindId> {
    let kinds = KINDS.iter().filter(|kind| kind.scope != Scope::Contract);
    kinds.into_iter().find(|kind| kind.keyword == word).map(|kind| kind.id)
}

/// FNV-1a: a name for a content, not a guard against anybody.
pub(super) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(queues: usize) -> Record {
        let identity = |kind, vhost: Option<&str>, parts: &[&str]| Identity {
            kind,
            vhost: vhost.map(Arc::from),
            parts: parts.iter().map(|part| Arc::from(*part)).collect(),
        };
        let content = |json: Json| Content::from_json(&json);
        let mut entries = Entries::from([
            (identity(KindId::Vhost, None, &["shop"]), content(json!({}))),
            (identity(KindId::VhostLimits, Some("shop"), &[]), content(json!({"value": {"max-queues": 5}}))),
            (identity(KindId::Binding, Some("shop"), &["e", "queue", "q", "", "{\"a\":1.0}"]), None),
            (identity(KindId::TopicPermission, Some(""), &["u", "e"]), content(json!({"write": ".*"}))),
        ]);
        for index in 0..queues {
            let name = format!("a queue with a name of some length, number {index}");
            let said = content(json!({"durable": index % 3 == 0}));
            entries.insert(identity(KindId::Queue, Some("shop"), &[&name]), said);
        }
        let stamp = Stamp {
            at: "2026-11-02T14:03:12Z".to_owned(),
            by: "alice".to_owned(),
            topoc: "0.1.0".to_owned(),
            files: "sha256:4f2a".to_owned(),
            revision: (queues > 5).then(|| "v1.2".to_owned()),
        };
        Record { topology: Arc::from("orders"), entries, stamp: Some(stamp) }
    }

    fn read_back(parameters: &[Parameter]) -> Result<Vec<Record>, String> {
        Record::read_all(parameters.iter().map(|(name, value)| (name.as_str(), value)))
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for (queues, parameters) in [(0, 1), (10, 1), (40_000, 4)] {
            let record = record(queues);
            let written = record.parameters();
            assert_eq!(written.len(), parameters, "{queues}");
            assert!(written.iter().all(|(_, value)| value.to_string().len() < 2_000_000));
            assert_eq!(read_back(&written), Ok(vec![record]));
        }
    }

    #[test]
    fn what_is_missing_damaged_or_of_another_version_is_no_empty_record() {
        let mut written = record(40_000).parameters();
        written.remove(0);
        assert!(read_back(&written).unwrap_err().contains("is not there"));
        let read = |value: Json| read_back(&[("topoc:a".to_owned(), value)]).unwrap_err();
        assert!(read(json!({"version": 3, "topology": "a"})).contains("a newer topoc"));
        assert!(read(json!({"version": 1, "topology": "a", "entries": {}})).contains("no record"));
        for damaged in [
            Json::Null,
            json!([]),
            json!({"queue": []}),
            json!({"queues": {"v": []}}),
            json!({"queue": {"v": [[]]}}),
            json!({"queue": {"v": [["q"]]}}),
            json!({"queue": {"v": [[null, 5]]}}),
            json!({"binding": {"v": [[null, ["e", null]]]}}),
        ] {
            let said = read(json!({"version": 2, "topology": "a", "entries": damaged}));
            assert!(said.contains("is damaged"), "{said}");
        }
    }

    #[test]
    fn parts_of_an_earlier_record_are_left_over() {
        let (old, new) = (record(40_000).parameters(), record(5).parameters());
        let leftovers = Record::leftovers(&old, &new);
        assert_eq!(leftovers.len(), 3);
        assert!(!leftovers.contains(&"topoc:orders".to_owned()));
    }
}
