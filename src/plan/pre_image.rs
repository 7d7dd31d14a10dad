//! What a queue or exchange was like before a run took its bindings away: kept in the broker, as global parameters,
//! for as long as the run is at it. A run that ends amidst leaves it there, and the next one puts back what is missing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Map, Value as Json, json};

use super::{
    Aside,
    record::{PART_BYTES, Parameter, fnv, kind_of},
};
use crate::kind::{Definition, Identity, KindId, RECORD_PREFIX, from_wire, to_wire};

const VERSION: u64 = 1;

/// What a run takes the bindings of an entity away for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To make it anew.
    Replace,
    /// To delete it.
    Delete,
    /// To make it anew, or under another name, while its messages wait aside.
    Move(Aside),
}

impl Purpose {
    const fn word(&self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Move(_) => "move",
        }
    }
}

/// A queue or exchange with its bindings, before a run takes them away.
#[derive(Clone, Debug, PartialEq)]
pub struct PreImage {
    /// The name of the topology that is applied.
    pub topology: Arc<str>,
    /// What for.
    pub purpose: Purpose,
    /// The entity.
    pub was: Definition,
    /// All its bindings, whoever made them.
    pub bindings: Vec<Definition>,
}

/// A pre-image that the broker holds, and the names of the parameters that it is kept in.
#[derive(Clone, Debug, PartialEq)]
pub struct Interrupted {
    /// What is kept.
    pub pre_image: PreImage,
    /// Where.
    pub parameters: Vec<String>,
}

impl PreImage {
    /// The parameters that hold it. Each says all but the other's bindings, so that they can be written in any order.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        // queues, exchanges and bindings have no secrets
        let wire = |definition: &Definition| {
            let mut entry = to_wire(definition, &|_, _| Ok(String::new())).unwrap_or_default();
            // the one thing that tells no value from the text by which the broker shows it
            if let Some(handle) = definition.handle.as_deref().filter(|_| definition.has_void()) {
                entry.insert("properties_key".to_owned(), Json::from(handle));
            }
            Json::from(entry)
        };
        let mut parts: Vec<Vec<Json>> = vec![Vec::new()];
        let mut size = 0;
        for binding in self.bindings.iter().map(wire) {
            size += binding.to_string().len();
            if size > PART_BYTES {
                parts.push(Vec::new());
                size = 0;
            }
            if let Some(part) = parts.last_mut() {
                part.push(binding);
            }
        }
        parts
            .into_iter()
            .map(|bindings| {
                let mut value = json!({
                    "version": VERSION,
                    "by": &*self.topology,
                    "before": self.purpose.word(),
                    "kind": self.was.kind.word(),
                    "was": wire(&self.was),
                    "bindings": bindings,
                });
                if let Purpose::Move(aside) = &self.purpose {
                    value["aside"] = json!({"base": &*aside.base, "to": &*aside.to});
                }
                let hash = fnv(value.to_string().as_bytes());
                (format!("{RECORD_PREFIX}{}:was:{hash:016x}", self.topology), value)
            })
            .collect()
    }

    /// The pre-images among a broker's global parameters, in order of what they are of.
    ///
    /// # Errors
    /// A sentence that names the parameter: to pass one over would lose the bindings that it keeps.
    pub fn read_all<'a>(
        parameters: impl Iterator<Item = (&'a str, &'a Json)>,
    ) -> Result<Vec<Interrupted>, String> {
        let ours: BTreeMap<&str, &Json> = parameters
            .filter(|(name, value)| name.starts_with(RECORD_PREFIX) && value["before"].is_string())
            .collect();
        let mut found: BTreeMap<(Arc<str>, Identity), Interrupted> = BTreeMap::new();
        let mut known: BTreeSet<(Arc<str>, Identity, Identity)> = BTreeSet::new();
        for (name, value) in ours {
            if value["version"].as_u64() != Some(VERSION) {
                return Err(format!(
                    "the global parameter `{name}` is of another version of topoc: use that one"
                ));
            }
            let part = read(value).ok_or_else(|| {
                format!("the global parameter `{name}` is no pre-image as topoc writes them")
            })?;
            let entity = part.was.identity();
            let whole = found.entry((part.topology.clone(), entity.clone())).or_insert_with(|| Interrupted {
                pre_image: PreImage { bindings: Vec::new(), ..part.clone() },
                parameters: Vec::new(),
            });
            // of two runs that were interrupted at the same thing the first knew more of it
            if whole.pre_image.purpose == Purpose::Delete || matches!(part.purpose, Purpose::Move(_)) {
                whole.pre_image.purpose = part.purpose;
            }
            for binding in part.bindings {
                if known.insert((part.topology.clone(), entity.clone(), binding.identity())) {
                    whole.pre_image.bindings.push(binding);
                }
            }
            whole.parameters.push(name.to_owned());
        }
        Ok(found.into_values().collect())
    }
}

fn read(value: &Json) -> Option<PreImage> {
    let entity = |kind, json: &Json| from_wire(kind, json.as_object().unwrap_or(&Map::new())).ok();
    let kind = kind_of(value["kind"].as_str()?)?;
    let bindings = value["bindings"].as_array()?.iter().map(|binding| entity(KindId::Binding, binding));
    Some(PreImage {
        topology: Arc::from(value["by"].as_str()?),
        purpose: purpose(value)?,
        was: entity(kind, &value["was"])?,
        bindings: bindings.collect::<Option<_>>()?,
    })
}

fn purpose(value: &Json) -> Option<Purpose> {
    let name = |name: &str| value["aside"][name].as_str().map(Arc::from);
    Some(match value["before"].as_str()? {
        "replace" => Purpose::Replace,
        "delete" => Purpose::Delete,
        "move" => Purpose::Move(Aside { base: name("base")?, to: name("to")?, dead_letter: None }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Record;

    fn entity(kind: KindId, json: Json) -> Definition {
        from_wire(kind, json.as_object().unwrap()).unwrap()
    }

    fn pre_image(bindings: usize) -> PreImage {
        let binding = |index| {
            entity(
                KindId::Binding,
                json!({
                    "vhost": "shop", "source": "theirs", "destination": "q", "destination_type": "queue",
                    "routing_key": format!("a key of some length, number {index}"),
                    "arguments": {"x-match": "any", "weight": 1.0, "n": index},
                }),
            )
        };
        PreImage {
            topology: Arc::from("orders"),
            purpose: Purpose::Replace,
            was: entity(
                KindId::Queue,
                json!({"name": "q", "vhost": "shop", "durable": false, "auto_delete": false, "arguments": {"x-theirs": [1, "a"]}}),
            ),
            bindings: (0..bindings).map(binding).collect(),
        }
    }

    fn read_back(parameters: &[Parameter]) -> Result<Vec<Interrupted>, String> {
        PreImage::read_all(parameters.iter().map(|(name, value)| (name.as_str(), value)))
    }

    #[test]
    fn what_is_kept_is_what_was() {
        for (bindings, parameters) in [(0, 1), (3, 1), (10_000, 2)] {
            let pre_image = pre_image(bindings);
            let kept = pre_image.parameters();
            assert_eq!(kept.len(), parameters, "{bindings}");
            let mut found = read_back(&kept).unwrap();
            assert_eq!(found.len(), 1);
            let mut found = found.remove(0);
            assert_eq!(found.parameters.len(), parameters);
            found
                .pre_image
                .bindings
                .sort_by_key(|binding| binding.integer("n").or(binding.arguments["n"].value.as_integer()));
            assert_eq!(found.pre_image, pre_image);
            // it is no record
            assert_eq!(
                Record::read_all(kept.iter().map(|(name, value)| (name.as_str(), value))),
                Ok(Vec::new())
            );
        }
    }

    #[test]
    fn a_binding_is_kept_with_both_its_ends() {
        let queue = pre_image(2);
        let was = json!({"name": "theirs", "vhost": "shop", "type": "topic"});
        let exchange = PreImage { was: entity(KindId::Exchange, was), ..queue.clone() };
        let found = read_back(&[queue.parameters(), exchange.parameters()].concat()).unwrap();
        let bindings: Vec<usize> = found.iter().map(|found| found.pre_image.bindings.len()).collect();
        assert_eq!(bindings, [2, 2]);
    }

    #[test]
    fn what_cannot_be_read_is_not_passed_over() {
        let (name, mut value) = pre_image(1).parameters().remove(0);
        value["bindings"][0]["source"] = Json::Null;
        assert!(read_back(&[(name.clone(), value.clone())]).unwrap_err().contains("no pre-image"));
        value["version"] = json!(2);
        assert!(read_back(&[(name, value)]).unwrap_err().contains("another version"));
    }
}
