//! What a step is, in a few characters: two plans are the same if their steps are, one by one. What changes from one look
//! to the next and is not what is done, such as how many messages are at stake, is no part of it.

use serde_json::{Value as Json, json};

use super::{Content, Plan, Step, record::fnv};
use crate::kind::{Definition, Identity};

impl Step {
    /// The same for the same step, by any run and any topoc that plans alike. No secret goes into it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let identity = |identity: &Identity| -> Json {
            let parts: Vec<&str> = identity.parts.iter().map(|part| &**part).collect();
            json!([identity.kind.word(), identity.vhost.as_deref(), parts])
        };
        let content = |definition: Option<&Definition>| definition.map(|found| Content::of(found).json());
        let differences: Vec<Json> = self
            .differences
            .iter()
            .map(|found| json!([found.name, found.from, found.to, found.secret]))
            .collect();
        let step = json!([
            self.action.word(),
            identity(&self.identity),
            content(self.desired.as_ref()),
            content(self.live.as_ref()),
            differences,
            self.implies.iter().map(identity).collect::<Vec<_>>(),
            self.restores.iter().map(|binding| identity(&binding.identity())).collect::<Vec<_>>(),
        ]);
        format!("{:016x}", fnv(step.to_string().as_bytes()))
    }
}

/// How a plan differs from one that was made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The steps that were not in the earlier one, or not so.
    pub new: Vec<String>,
    /// The steps of the earlier one that are not needed any more, or not so.
    pub gone: Vec<String>,
}

impl Plan {
    /// Compares the plan with the steps of an earlier one, each its title and its fingerprint. None: they are the same, in
    /// the same order.
    #[must_use]
    pub fn moved(&self, earlier: &[(String, String)]) -> Option<Moved> {
        let now: Vec<(String, String)> =
            self.steps.iter().map(|step| (step.title(), step.fingerprint())).collect();
        let same = now.len() == earlier.len() && now.iter().zip(earlier).all(|(now, then)| now.1 == then.1);
        if same {
            return None;
        }
        let without = |these: &[(String, String)], those: &[(String, String)]| -> Vec<String> {
            let left = these.iter().filter(|(_, print)| !those.iter().any(|(_, other)| other == print));
            left.map(|(title, _)| title.clone()).collect()
        };
        Some(Moved { new: without(&now, earlier), gone: without(earlier, &now) })
    }
}
