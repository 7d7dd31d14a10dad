//! Bringing back what waits aside: first what was in the queue, then what was published since, then all that comes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    super::{
        Progress,
        guard::Look,
        mover::{Mover, WIDEST, WINDOW},
        replace::PAUSE_AFTER_UNBINDING,
        tools::{Tools, Trouble},
    },
    by_amqp,
};
use crate::{
    kind::{Definition, KindId},
    plan::Aside,
};

/// How often the queues are looked at.
const LOOKS: Duration = Duration::from_millis(20);

/// How few messages may wait when what is published comes to the queue by itself again: nearly none of it overtakes them.
const TAIL: u64 = 5;
/// And how few may be on their way.
const TAIL_IN_FLIGHT: u64 = 10;

/// How long what waits may not get less before more of it is under way at once.
const WIDENS_AFTER: Duration = Duration::from_secs(2);

/// How long the tail may take to be reached once it no longer gets closer: then order is given up.
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(30);

/// How long what somebody holds of what waits is waited for; what is then not empty is not deleted.
const HELD_AT_MOST: Duration = Duration::from_secs(60);

/// How long a queue has to be empty, with nothing on its way, to be taken for empty.
const EMPTY_FOR: Duration = Duration::from_millis(500);

impl Tools<'_> {
    /// Everything that waits aside comes to a queue, which is then bound as it is to be. Each part of it may have been done.
    pub(super) async fn refill(
        &self,
        target: &Definition,
        was: &Definition,
        bindings: &[Definition],
        aside: &Aside,
    ) -> Result<(), Trouble> {
        let vhost: Arc<str> = was.vhost.clone().unwrap_or_default();
        self.drop_shovel(was, aside).await?;
        self.lead_out_to(target, target.name(), aside).await?;
        self.move_all(&vhost, &aside.hold(), target, aside).await?;
        self.catch_up(&vhost, target, aside).await?;
        self.bind(target, bindings).await?;
        if self.has_valve(was, aside).await? {
            self.lead_past(was, aside).await?;
            tokio::time::sleep(PAUSE_AFTER_UNBINDING).await;
        }
        self.move_all(&vhost, &aside.limbo(), target, aside).await?;
        self.drop_helpers(was, aside).await
    }

    /// Moves what was published while the valve was shut, and opens the valve once nearly nothing is left of it.
    pub(super) async fn catch_up(
        &self,
        vhost: &Arc<str>,
        target: &Definition,
        aside: &Aside,
    ) -> Result<(), Trouble> {
        let looker = self.guard.looker();
        let limbo = aside.limbo();
        // a run that ended amidst may not have made it yet, or have taken it away already
        if !self.has_valve(target, aside).await? {
            return Ok(());
        }
        if self.shovels(target) {
            return self.catch_up_by_shovel(vhost, target, aside).await;
        }
        let mut window = WINDOW;
        let mut mover = self.mover(vhost, &limbo, target, aside, window).await?;
        let (mut least, mut closer) = (u64::MAX, Instant::now());
        while !mover.has_ended() {
            let ready = looker.seen(vhost, &limbo).await.map_err(by_amqp)?.map_or(0, |seen| seen.ready);
            if ready < least {
                (least, closer) = (ready, Instant::now());
            }
            if ready <= TAIL && mover.in_flight() <= TAIL_IN_FLIGHT {
                break;
            }
            if closer.elapsed() > CATCHES_UP_WITHIN {
                self.gives_up_order(target);
                break;
            }
            if closer.elapsed() > WIDENS_AFTER && window < WIDEST {
                window *= 4;
                mover.stop().await.map_err(by_amqp)?;
                mover = self.mover(vhost, &limbo, target, aside, window).await?;
                closer = Instant::now();
            }
            (self.progress)(mover.progress(&limbo, ready));
            tokio::time::sleep(LOOKS).await;
        }
        let opened = match target.kind {
            KindId::Queue => self.open_valve_to(target, aside).await,
            _ => self.route_by(target, aside).await,
        };
        let emptied = self.until_empty(vhost, &limbo, mover).await;
        opened.and(emptied)
    }

    /// The same by a shovel.
    async fn catch_up_by_shovel(
        &self,
        vhost: &Arc<str>,
        target: &Definition,
        aside: &Aside,
    ) -> Result<(), Trouble> {
        let limbo = aside.limbo();
        self.start_shovel(vhost, (&limbo, target.name()), target, aside).await?;
        if !self.is_shoveled_down_to(vhost, &limbo, TAIL).await? {
            self.gives_up_order(target);
        }
        self.open_valve_to(target, aside).await?;
        self.end_shovel(vhost, &limbo, target, aside).await?;
        self.move_all(vhost, &limbo, target, aside).await
    }

    fn gives_up_order(&self, target: &Definition) {
        self.remark(format!(
            "{} `{}`: it is published faster than what waited is moved, so its order was given up",
            target.kind.word(),
            target.name()
        ));
    }

    /// Moves all that a queue holds; one that is not there holds nothing.
    pub(super) async fn move_all(
        &self,
        vhost: &Arc<str>,
        queue: &str,
        target: &Definition,
        aside: &Aside,
    ) -> Result<(), Trouble> {
        let start = Instant::now();
        loop {
            let Some(seen) = self.guard.looker().seen(vhost, queue).await.map_err(by_amqp)? else {
                return Ok(());
            };
            // who else holds something of it?
            if seen.ready > 0 || seen.consumers > 0 {
                if seen.ready > 0 && self.shovels(target) {
                    self.start_shovel(vhost, (queue, target.name()), target, aside).await?;
                    self.end_shovel(vhost, queue, target, aside).await?;
                }
                let mover = self.mover(vhost, queue, target, aside, WINDOW).await?;
                self.until_empty(vhost, queue, mover).await?;
            }
            // what a run held that was killed just now is ready some time later
            let held = self.guard.objection(vhost, queue, Look::Last).await?.is_some();
            if !held || start.elapsed() > HELD_AT_MOST {
                return Ok(());
            }
            tokio::time::sleep(EMPTY_FOR).await;
        }
    }

    /// Until a queue has been empty for a while.
    async fn until_empty(&self, vhost: &Arc<str>, queue: &str, mut mover: Mover) -> Result<(), Trouble> {
        let looker = self.guard.looker();
        let mut empty_since = Instant::now();
        while !mover.has_ended() && empty_since.elapsed() < EMPTY_FOR {
            let ready = looker.seen(vhost, queue).await.map_err(by_amqp)?.map_or(0, |seen| seen.ready);
            mover.gets_on(ready).map_err(by_amqp)?;
            if ready > 0 || mover.in_flight() > 0 {
                empty_since = Instant::now();
                (self.progress)(mover.progress(queue, ready));
            }
            tokio::time::sleep(LOOKS).await;
        }
        (self.progress)(Progress::Done { queue });
        mover.stop().await.map(drop).map_err(by_amqp)
    }
}
