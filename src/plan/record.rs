//! What a topology has applied: its ownership record, kept in the broker as global parameters.
//!
//! A small record is one parameter, its head. A large one is cut into parts that the head names, so that writing the
//! head is the one moment in which the record changes: parts are written before it and removed after it. Nothing secret
//! is in it, only which entities there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Map, Value as Json, json};

use crate::kind::{Identity, KINDS, KindId, RECORD_PREFIX, Scope};

const VERSION: u64 = 1;

/// The broker takes 5 MB safely in one parameter and refuses 8 MB.
pub(super) const PART_BYTES: usize = 1_000_000;

/// A global parameter: its name and value.
pub type Parameter = (String, Json);

/// What a topology has applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The topology's name.
    pub topology: Arc<str>,
    /// The entities.
    pub entries: BTreeSet<Identity>,
}

impl Record {
    /// The name of the parameter that is written last and read first.
    #[must_use]
    pub fn head_name(topology: &str) -> String {
        format!("{RECORD_PREFIX}{topology}")
    }

    /// The parameters that hold it, the head last. The same entries give the same parameters.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let head = Self::head_name(&self.topology);
        let mut parts = vec![Vec::new()];
        let mut size = 0;
        for entry in &self.entries {
            size += entry.parts.iter().map(|part| part.len() + 8).sum::<usize>();
            if size > PART_BYTES {
                parts.push(Vec::new());
                size = 0;
            }
            if let Some(part) = parts.last_mut() {
                part.push(entry);
            }
        }
        if parts.len() == 1 {
            let entries = write(self.entries.iter());
            return vec![(
                head,
                json!({"version": VERSION, "topology": &*self.topology, "entries": entries}),
            )];
        }
        let mut all: Vec<Parameter> = parts
            .into_iter()
            .map(|part| {
                let entries = write(part.into_iter());
                // named by its content, so that a new part never overwrites one that the head still names
                let name = format!("{head}:{:016x}", fnv(entries.to_string().as_bytes()));
                (name, json!({"part-of": &*self.topology, "entries": entries}))
            })
            .collect();
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let value = json!({"version": VERSION, "topology": &*self.topology, "parts": names});
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
            if value["version"].as_u64() != Some(VERSION) {
                return Err(format!(
                    "the global parameter `{name}` is a record of another version of topoc: use that one"
                ));
            }
            let mut record = Self { topology: Arc::from(topology), entries: BTreeSet::new() };
            match value["parts"].as_array() {
                None => read(&value["entries"], &mut record.entries),
                Some(parts) => {
                    for part in parts {
                        let part = part.as_str().unwrap_or_default();
                        let value = ours.get(part).ok_or_else(|| {
                            format!(
                                "the global parameter `{name}` names the part `{part}`, which is not there"
                            )
                        })?;
                        read(&value["entries"], &mut record.entries);
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

/// `{"queue": {"shop": ["a", "b"]}, "binding": {"shop": [["e", "queue", "a", "key"]]}}`; global entities stand under `""`.
fn write<'a>(entries: impl Iterator<Item = &'a Identity>) -> Json {
    let mut kinds: BTreeMap<&str, BTreeMap<&str, Vec<Json>>> = BTreeMap::new();
    for entry in entries {
        let parts = match entry.parts.as_slice() {
            [one] => Json::from(&**one),
            several => Json::Array(several.iter().map(|part| Json::from(&**part)).collect()),
        };
        let vhosts = kinds.entry(entry.kind.word()).or_default();
        vhosts.entry(entry.vhost.as_deref().unwrap_or("")).or_default().push(parts);
    }
    let object = |vhosts: BTreeMap<&str, Vec<Json>>| {
        Json::Object(vhosts.into_iter().map(|(vhost, list)| (vhost.to_owned(), Json::Array(list))).collect())
    };
    Json::Object(
        kinds.into_iter().map(|(kind, vhosts)| (kind.to_owned(), object(vhosts))).collect::<Map<_, _>>(),
    )
}

fn read(entries: &Json, into: &mut BTreeSet<Identity>) {
    for (word, vhosts) in entries.as_object().into_iter().flatten() {
        let Some(kind) = kind_of(word) else { continue };
        for (vhost, list) in vhosts.as_object().into_iter().flatten() {
            let vhost: Option<Arc<str>> =
                (kind.kind().scope == Scope::Vhost).then(|| Arc::from(vhost.as_str()));
            for parts in list.as_array().into_iter().flatten() {
                let parts = match parts {
                    Json::Array(parts) => parts.iter().filter_map(Json::as_str).map(Arc::from).collect(),
                    one => one.as_str().map(Arc::from).into_iter().collect(),
                };
                into.insert(Identity { kind, vhost: vhost.clone(), parts });
            }
        }
    }
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
        let mut entries = BTreeSet::from([
            identity(KindId::Vhost, None, &["shop"]),
            identity(KindId::VhostLimits, Some("shop"), &[]),
            identity(KindId::Binding, Some("shop"), &["e", "queue", "q", "", "{\"a\":1.0}"]),
            identity(KindId::TopicPermission, Some(""), &["u", "e"]),
        ]);
        for index in 0..queues {
            let name = format!("a queue with a name of some length, number {index}");
            entries.insert(identity(KindId::Queue, Some("shop"), &[&name]));
        }
        Record { topology: Arc::from("orders"), entries }
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
    fn a_missing_part_and_another_version_are_no_empty_record() {
        let mut written = record(40_000).parameters();
        written.remove(0);
        assert!(read_back(&written).unwrap_err().contains("is not there"));
        let later = vec![("topoc:a".to_owned(), json!({"version": 2, "topology": "a"}))];
        assert!(read_back(&later).unwrap_err().contains("another version"));
    }

    #[test]
    fn parts_of_an_earlier_record_are_left_over() {
        let (old, new) = (record(40_000).parameters(), record(5).parameters());
        let leftovers = Record::leftovers(&old, &new);
        assert_eq!(leftovers.len(), 3);
        assert!(!leftovers.contains(&"topoc:orders".to_owned()));
    }
}
