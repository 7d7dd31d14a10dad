//! Queues that are made anew, or under another name.

use std::sync::Arc;

use super::{Aside, Asides, Step};
use crate::{
    kind::{Definition, KindId},
    topology::QueueType,
};

impl<'a> Asides<'a> {
    /// Where the messages of a queue can wait; else why they cannot.
    pub(super) fn of_queue(
        &mut self,
        was: &'a Definition,
        to: &str,
        steps: &[Step],
    ) -> Result<Aside, String> {
        if was.text("type") == Some(QueueType::Stream.word()) {
            return Err("what a stream holds cannot be taken out of it".to_owned());
        }
        let mut aside = self.beside(was, to, steps)?;
        let effective = self.effective();
        let text = |name| effective.text_of(was, name).map(Arc::from);
        aside.dead_letter =
            text("dead-letter-exchange").map(|exchange| (exchange, text("dead-letter-routing-key")));
        Ok(aside)
    }

    /// Who is known to send straight to a queue by its name, past what stands before it, and does not wait until it is there.
    pub(super) fn straight_to_queue(&mut self, queue: &'a Definition) -> Vec<String> {
        let live = &self.pair.live.topology;
        let effective = self.effective();
        let dead_letters = live.of(KindId::Queue).filter(|from| {
            let sends = from.vhost == queue.vhost
                && from.name() != queue.name()
                && effective.text_of(from, "dead-letter-exchange") == Some("")
                && effective.text_of(from, "dead-letter-routing-key") == Some(queue.name());
            // else it keeps them until they are confirmed (`rabbit_fifo_dlx`)
            sends && effective.text_of(from, "dead-letter-strategy") != Some("at-least-once")
        });
        let shovels = live
            .of(KindId::Shovel)
            .filter(|shovel| shovel.vhost == queue.vhost && shovel.text("dest-queue") == Some(queue.name()));
        dead_letters.chain(shovels).map(|from| format!("{} `{}`", from.kind.word(), from.name())).collect()
    }
}
