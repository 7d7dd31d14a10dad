//! The consumers of a queue that is made anew: whether the broker tells them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    super::tools::{Tools, Trouble},
    by_amqp,
};
use crate::{
    diag::shell_word,
    kind::Definition,
    plan::{count, list},
};

/// How long consumers may take to subscribe again until it is said that they have not.
const SUBSCRIBE_WITHIN: Duration = Duration::from_secs(5);

/// How often that is looked at.
const LOOKS: Duration = Duration::from_millis(100);

impl Tools<'_> {
    /// How many consumers a queue has. They have to learn that it is deleted, and where a member of it is not online, the
    /// broker ends it before they do (`rabbit_quorum_queue:force_delete_queue`): they would wait for ever.
    pub(super) async fn consumers_will_learn(&self, was: &Definition) -> Result<u64, Trouble> {
        let vhost: Arc<str> = was.vhost.clone().unwrap_or_default();
        let seen = self.guard.looker().seen(&vhost, was.name()).await.map_err(by_amqp)?;
        let consumers = seen.map_or(0, |seen| seen.consumers);
        if consumers == 0 || was.text("type") != Some("quorum") {
            return Ok(consumers);
        }
        let offline = self.guard.offline(&vhost, was.name()).await?;
        if offline.is_empty() {
            return Ok(consumers);
        }
        let nodes: Vec<String> = offline.iter().map(|node| format!("`{node}`")).collect();
        Err(Trouble::Back(format!(
            "its member on {} is not online, and the broker would then not tell its {} that it is deleted: apply again once all members are back; it is as it was",
            list(&nodes, ", "),
            count(consumers, "consumer", "consumers")
        )))
    }

    /// Says so where none of them has subscribed again.
    pub(super) async fn consumers_are_back(&self, made: &Definition, consumers: u64) {
        let vhost: Arc<str> = made.vhost.clone().unwrap_or_default();
        let start = Instant::now();
        if consumers == 0 {
            return;
        }
        loop {
            // what cannot be looked at is done all the same
            let Ok(Some(seen)) = self.guard.looker().seen(&vhost, made.name()).await else { break };
            if seen.consumers > 0 {
                break;
            }
            if start.elapsed() > SUBSCRIBE_WITHIN {
                let remark = format!(
                    "queue {} had {}, and none has subscribed again for {} s: a cluster need not tell them that it was made anew. See who they are, and restart them: rabbitmqctl list_consumers -p {}",
                    made.name(),
                    count(consumers, "consumer", "consumers"),
                    SUBSCRIBE_WITHIN.as_secs(),
                    shell_word(&vhost)
                );
                self.remark(remark);
                break;
            }
            tokio::time::sleep(LOOKS).await;
        }
    }
}
