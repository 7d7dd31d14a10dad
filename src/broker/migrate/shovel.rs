//! Moving messages by a shovel of the broker's, for those who are far from it.
//!
//! It acknowledges a message once its copy is confirmed (`on-confirm`), and it is deleted once its queue is empty with nothing
//! unacknowledged: what is under way then would be there twice. It publishes without `mandatory`, so the exchange that it
//! publishes to has an alternate exchange, by which what its queue does not take, as somebody has deleted it, waits in limbo
//! again. It does not begin anew where it ends by itself (`reconnect-delay` 0): topoc moves the rest then, and says what stands
//! against it. Source: `rabbit_amqp091_shovel`, `rabbit_shovel_dyn_worker_sup`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    super::{
        Error, Progress, Request,
        guard::Look,
        mover::WINDOW,
        tools::{Tools, Trouble},
    },
    by_amqp,
    helpers::{fanout, led},
};
use crate::{
    kind::{Definition, KindId},
    plan::Aside,
};

/// How often its queue is looked at.
const LOOKS: Duration = Duration::from_millis(50);

/// How long it may take to move anything.
const GETS_ON_WITHIN: Duration = Duration::from_secs(30);

/// How long it may take to consume its queue, or to be gone.
const STARTS_WITHIN: Duration = Duration::from_secs(5);

impl Tools<'_> {
    /// Whether a shovel moves what belongs to this entity: an exchange's messages are routed, and nobody waits for a route.
    pub(super) fn shovels(&self, target: &Definition) -> bool {
        self.shovel && target.kind == KindId::Queue
    }

    /// Starts a shovel from a queue to a queue.
    pub(super) async fn start_shovel(
        &self,
        vhost: &str,
        (from, to): (&str, &str),
        beside: &Definition,
        aside: &Aside,
    ) -> Result<(), Trouble> {
        let mut way = fanout(beside, &aside.shovel(), Some(aside.limbo()));
        way.unset("internal");
        self.make(&way).await?;
        self.lead_only_to(&way, &led(beside, &aside.shovel(), KindId::Queue, to)).await?;
        // within the broker, as nobody: no secret is in it
        let uri = format!("amqp:///{}", percent_encoded(vhost));
        let value = json!({
            "src-protocol": "amqp091", "src-uri": uri, "src-queue": from, "src-prefetch-count": WINDOW,
            "src-delete-after": "never", "dest-protocol": "amqp091", "dest-uri": uri,
            "dest-exchange": aside.shovel(), "dest-add-forward-headers": false, "ack-mode": "on-confirm",
            "reconnect-delay": 0,
        });
        let name = aside.shovel();
        let body = json!({"component": "shovel", "vhost": vhost, "name": name, "value": value});
        Ok(self.change(&Request::put(&["parameters", "shovel", vhost, &name], body)).await?)
    }

    /// Until no more than so many are ready; false where it does not get there.
    pub(super) async fn is_shoveled_down_to(
        &self,
        vhost: &Arc<str>,
        from: &str,
        ready: u64,
    ) -> Result<bool, Trouble> {
        let (mut most, mut least, mut closer, mut heard) = (0, u64::MAX, Instant::now(), Instant::now());
        loop {
            let Some(seen) = self.guard.looker().seen(vhost, from).await.map_err(by_amqp)? else {
                return Ok(true);
            };
            if seen.ready < least {
                (least, closer) = (seen.ready, Instant::now());
            }
            if seen.consumers > 0 {
                heard = Instant::now();
            }
            most = seen.ready.max(most);
            (self.progress)(Progress::Moving { queue: from, moved: most - seen.ready, left: seen.ready });
            if seen.ready <= ready {
                return Ok(true);
            }
            if closer.elapsed() > GETS_ON_WITHIN || heard.elapsed() > STARTS_WITHIN {
                return Ok(false);
            }
            tokio::time::sleep(LOOKS).await;
        }
    }

    /// Until all is moved and nothing is under way; then the shovel is gone. What it has not moved topoc moves.
    pub(super) async fn end_shovel(
        &self,
        vhost: &Arc<str>,
        from: &str,
        beside: &Definition,
        aside: &Aside,
    ) -> Result<(), Trouble> {
        let mut gets_on = self.is_shoveled_down_to(vhost, from, 0).await?;
        let since = Instant::now();
        while gets_on && self.guard.objection(vhost, from, Look::Last).await?.is_some() {
            gets_on = since.elapsed() < GETS_ON_WITHIN && self.is_shoveled_down_to(vhost, from, 0).await?;
            tokio::time::sleep(LOOKS).await;
        }
        (self.progress)(Progress::Done { queue: from });
        if !gets_on {
            self.remark(format!("queue `{from}`: the shovel did not get on, so topoc moved the rest itself"));
        }
        self.drop_shovel(beside, aside).await?;
        let start = Instant::now();
        while let Some(seen) = self.guard.looker().seen(vhost, from).await.map_err(by_amqp)?
            && seen.consumers > 0
            && start.elapsed() < STARTS_WITHIN
        {
            tokio::time::sleep(LOOKS).await;
        }
        Ok(())
    }

    /// Deletes the shovel, also that of a run that ended amidst.
    pub(super) async fn drop_shovel(&self, beside: &Definition, aside: &Aside) -> Result<(), Error> {
        let (vhost, name) = (beside.vhost.as_deref().unwrap_or(""), aside.shovel());
        let path = ["parameters", "shovel", vhost, &name];
        match self.client.find(&Request::get(&path)).await? {
            Some(_) => self.change(&Request::delete(&path)).await,
            None => Ok(()),
        }
    }
}

/// A vhost's name as a URI holds it.
fn percent_encoded(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}
