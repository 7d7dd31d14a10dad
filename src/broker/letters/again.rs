//! Whether a message would die again at once, for what it has died of.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{super::Request, Mailbox};
use crate::{dead::Way, kind::show_duration, plan::count};

impl Mailbox<'_> {
    /// Why what died for this reason would die again where it goes, as far as that can be told; a queue that cannot be
    /// seen is not spoken of.
    pub async fn dies_again(&self, way: &Way, reason: &str) -> Option<String> {
        let Way::Queue(queue) = way else { return None };
        let vhost: &Arc<str> = &self.vhost;
        let found = self.client.find(&Request::get(&["queues", vhost, queue])).await.ok()??;
        let seen = self.looker.seen(vhost, queue).await.ok()??;
        match reason {
            "expired" if seen.consumers == 0 => {
                let time = least(&found, "message-ttl")?;
                Some(format!(
                    "nobody consumes `{queue}`, and what comes to it expires after {}, as before",
                    show_duration(time)
                ))
            }
            "maxlen" => {
                let most = u64::try_from(least(&found, "max-length")?).ok()?;
                (seen.ready >= most).then(|| {
                    format!(
                        "`{queue}` is full with {}: what comes to it puts others out",
                        count(most, "message", "messages")
                    )
                })
            }
            _ => None,
        }
    }
}

/// The lesser of what a queue's argument and its policies say (`rabbit_queue_type_util`).
fn least(queue: &Json, name: &str) -> Option<i64> {
    let argument = queue["arguments"][format!("x-{name}")].as_i64();
    let policy = queue["effective_policy_definition"][name].as_i64();
    argument.into_iter().chain(policy).min()
}
