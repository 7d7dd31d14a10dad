//! A policy by which what an exchange does not route waits aside. It says besides what the policy that applied says, so that
//! nothing else changes meanwhile.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use super::super::{
    Error, Request,
    tools::{Tools, Trouble},
};
use crate::{
    graph::Effective,
    kind::{Definition, KindId, from_wire},
    plan::Aside,
    topology::{Topology, privilege},
};

/// How long a policy may take until an exchange shows it.
const TAKES_EFFECT_WITHIN: Duration = Duration::from_secs(10);

/// How often the exchange is looked at.
const LOOKS: Duration = Duration::from_millis(20);

/// The policies of a vhost, without ours.
struct Policies(Vec<Json>);

impl Policies {
    /// The one that applies to an exchange.
    fn of(&self, exchange: &Definition) -> Option<&Json> {
        let mut topology = Topology::default();
        for policy in self.0.iter().filter_map(Json::as_object) {
            if let Ok(policy) = from_wire(KindId::Policy, policy) {
                topology.insert(policy);
            }
        }
        topology.insert(exchange.clone());
        let effective = Effective::new(&topology);
        let applied = effective.applied(topology.get(&exchange.identity())?).policy?;
        self.0.iter().find(|policy| policy["name"] == applied.name())
    }
}

impl Tools<'_> {
    async fn policies(&self, vhost: &str, aside: &Aside) -> Result<Policies, Error> {
        let found = self.client.find(&Request::get(&["policies", vhost])).await?;
        let mut found = found.and_then(|found| found.as_array().cloned()).unwrap_or_default();
        found.retain(|policy| policy["name"] != aside.policy());
        Ok(Policies(found))
    }

    /// That this user may set policies.
    pub(super) async fn may_cover(&self) -> Result<(), Trouble> {
        let tags = self.client.tags().await?;
        if tags.iter().any(|tag| tag == "administrator" || tag == "policymaker") {
            return Ok(());
        }
        let user = &self.client.access().credentials().username;
        Err(Trouble::Back(format!(
            "what is published meanwhile waits by a policy, and `{user}` may set none: give it the tag `policymaker`, or say --allow-data-loss; nothing has been changed"
        )))
    }

    /// Where an exchange sends what it does not route, but for what waits aside.
    pub(super) async fn alternate_of(
        &self,
        exchange: &Definition,
        aside: &Aside,
    ) -> Result<Option<String>, Error> {
        if let Some(spare) = exchange.text("alternate-exchange") {
            return Ok(Some(spare.to_owned()));
        }
        let policies = self.policies(exchange.vhost.as_deref().unwrap_or(""), aside).await?;
        let applied = policies.of(exchange);
        Ok(applied.and_then(|policy| policy["definition"]["alternate-exchange"].as_str().map(str::to_owned)))
    }

    /// From then on, what an exchange does not route waits in limbo; also one that is not there yet.
    pub(super) async fn cover(&self, exchange: &Definition, aside: &Aside) -> Result<(), Trouble> {
        let vhost = exchange.vhost.as_deref().unwrap_or("");
        let policies = self.policies(vhost, aside).await?;
        let highest = policies.0.iter().filter_map(|policy| policy["priority"].as_i64()).max().unwrap_or(0);
        let mut definition =
            policies.of(exchange).map_or_else(|| json!({}), |policy| policy["definition"].clone());
        definition["alternate-exchange"] = Json::from(aside.limbo());
        let body = json!({
            "pattern": privilege::pattern(&BTreeSet::from([exchange.name().into()])),
            "apply-to": "exchanges",
            "priority": highest.saturating_add(1),
            "definition": definition,
        });
        self.change(&Request::put(&["policies", vhost, &aside.policy()], body)).await?;
        self.is_covered(exchange, aside, true).await
    }

    /// What an exchange does not route is treated as before.
    pub(super) async fn uncover(&self, exchange: &Definition, aside: &Aside) -> Result<(), Trouble> {
        let vhost = exchange.vhost.as_deref().unwrap_or("");
        self.change(&Request::delete(&["policies", vhost, &aside.policy()])).await?;
        self.is_covered(exchange, aside, false).await
    }

    /// Until an exchange that is there shows that the policy applies to it, or no longer does.
    async fn is_covered(&self, exchange: &Definition, aside: &Aside, wanted: bool) -> Result<(), Trouble> {
        let vhost = exchange.vhost.as_deref().unwrap_or("");
        let start = Instant::now();
        loop {
            let found = self.client.find(&Request::get(&["exchanges", vhost, exchange.name()])).await?;
            let is_so = found.is_none_or(|found| (found["policy"] == aside.policy()) == wanted);
            if is_so {
                return Ok(());
            }
            if start.elapsed() > TAKES_EFFECT_WITHIN {
                let (policy, name) = (aside.policy(), exchange.name());
                let does = if wanted { "does not apply" } else { "still applies" };
                return Err(Trouble::Back(format!(
                    "policy `{policy}` {does} to exchange `{name}`: see which policies match it"
                )));
            }
            tokio::time::sleep(LOOKS).await;
        }
    }
}
