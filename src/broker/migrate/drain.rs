//! Emptying a queue that nothing leads to any more.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{
    super::{
        Progress,
        guard::Look,
        mover::{Mover, WINDOW, Way},
        tools::{Tools, Trouble},
    },
    by_amqp,
};
use crate::{
    kind::{Definition, KindId},
    plan::Aside,
};

/// How often a queue is looked at while it is emptied.
const LOOKS: Duration = Duration::from_millis(50);

impl Tools<'_> {
    /// Empties a queue: by its consumers, or into the queue where its messages wait if it has none, or where they take too
    /// long. What a consumer holds without acknowledging it stands against it.
    pub(super) async fn drain(&self, was: &Definition, aside: &Aside) -> Result<(), Trouble> {
        let vhost: Arc<str> = was.vhost.clone().unwrap_or_default();
        let looker = self.guard.looker();
        let mut mover: Option<Mover> = None;
        let (start, mut least, mut progress) = (Instant::now(), u64::MAX, Instant::now());
        loop {
            if self.stop.load(Ordering::Relaxed) {
                end(mover).await?;
                return Err(Trouble::Back("the run was told to end; it is as it was".to_owned()));
            }
            let Some(seen) = looker.seen(&vhost, was.name()).await.map_err(by_amqp)? else {
                return end(mover).await;
            };
            if let Some(mover) = &mut mover {
                mover.gets_on(seen.ready).map_err(by_amqp)?;
            }
            if seen.ready < least {
                (least, progress) = (seen.ready, Instant::now());
            }
            let ended = mover.as_ref().is_some_and(Mover::has_ended);
            if ended || (seen.ready == 0 && mover.as_ref().is_none_or(|mover| mover.in_flight() == 0)) {
                (self.progress)(Progress::Done { queue: was.name() });
                end(mover.take()).await?;
                let objection = self.guard.objection(&vhost, was.name(), Look::Last).await?;
                let Some(objection) = objection else { return Ok(()) };
                // what is held is settled, or comes back and is ready
                if seen.ready == 0 && progress.elapsed() > self.drain_timeout {
                    return Err(Trouble::Back(format!(
                        "{}, and that has not changed for {} s: end who holds it, and apply again; it is as it was",
                        objection.text(),
                        self.drain_timeout.as_secs()
                    )));
                }
            }
            let unheard = seen.consumers == 0;
            if mover.is_none() && seen.ready > 0 && (unheard || start.elapsed() > self.drain_timeout) {
                if !unheard {
                    self.remark(format!(
                        "queue `{}`: its consumers took longer than {} s to empty it, so topoc took over, and its order was given up",
                        was.name(),
                        self.drain_timeout.as_secs()
                    ));
                }
                if unheard && self.shovels(was) {
                    let hold = aside.hold();
                    self.start_shovel(&vhost, (was.name(), &hold), was, aside).await?;
                    self.end_shovel(&vhost, was.name(), was, aside).await?;
                }
                mover = Some(self.mover(&vhost, was.name(), was, aside, WINDOW).await?);
                least = u64::MAX;
            }
            (self.progress)(match &mover {
                None => Progress::Draining { queue: was.name(), left: seen.ready },
                Some(mover) => mover.progress(was.name(), seen.ready),
            });
            tokio::time::sleep(LOOKS).await;
        }
    }

    /// A mover of its own channels, to where what is moved is led.
    pub(super) async fn mover(
        &self,
        vhost: &Arc<str>,
        from: &str,
        target: &Definition,
        aside: &Aside,
        window: u16,
    ) -> Result<Mover, Trouble> {
        let looker = self.guard.looker();
        let user = &self.client.access().credentials().username;
        let impersonator = self.client.tags().await?.iter().any(|tag| tag == "impersonator");
        let way = Way {
            from: from.to_owned(),
            through: aside.out(),
            window,
            // an exchange routes as it does: also nowhere
            mandatory: target.kind == KindId::Queue,
            only_as: (!impersonator).then(|| user.clone()),
        };
        let source = looker.channel(vhost).await.map_err(by_amqp)?;
        let target = looker.channel(vhost).await.map_err(by_amqp)?;
        Mover::start(source, target, way, self.pace.clone()).await.map_err(by_amqp)
    }
}

async fn end(mover: Option<Mover>) -> Result<(), Trouble> {
    match mover {
        Some(mover) => mover.stop().await.map(drop).map_err(by_amqp),
        None => Ok(()),
    }
}
