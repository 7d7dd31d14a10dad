//! Whether a queue may be deleted: what it holds, asked for just before.
//!
//! `if-empty` is atomic, but only classic queues have it, and it does not see what is unacknowledged. Quorum queues and
//! streams are looked at, then deleted: what comes in between is lost, and the plan says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use serde_json::Value as Json;
use tokio::sync::Mutex;

use super::{
    Client, Error, Overview, Request,
    away::{away, unlisted},
    look::{Looker, Seen},
    read::totals,
};
use crate::{
    plan::{Messages, Tightening, count, digits, list},
    topology::QueueType,
};

/// How old a list may be by which a step is refused before it has begun.
const FRESH: Duration = Duration::from_secs(1);

/// The list counts what is unacknowledged in a quorum queue up to 5 s late (`rabbit_quorum_queue`, its tick).
const SETTLES: Duration = Duration::from_secs(6);

/// How many queues of a vhost are looked into at once.
const AT_ONCE: usize = 24;

/// How closely a queue is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Before anything is done: what is seen now is enough to leave it alone.
    First,
    /// Just before it is deleted, with nothing bound to it any more.
    Last,
}

/// Why a queue may not be deleted without consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Objection {
    /// It holds messages, which can be consumed.
    Holds(String),
    /// It holds messages, and consuming does not take them out of it: it is a stream.
    Keeps(String),
    /// It is not known whether it does, and what would tell.
    Unknown(String),
    /// Nobody can tell, as nodes are down.
    Away(String),
}

impl Objection {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Holds(text) | Self::Keeps(text) | Self::Unknown(text) | Self::Away(text) => text,
        }
    }
}

impl std::fmt::Display for Objection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Holds(text) => write!(f, "{text}; drain it first, or say --allow-data-loss"),
            Self::Keeps(text) => {
                write!(f, "{text}, and a stream keeps what is read; say --allow-data-loss to lose it")
            }
            Self::Unknown(text) => write!(f, "{text}, or say --allow-data-loss"),
            Self::Away(text) => {
                write!(f, "{text}: apply again once its nodes are back, or say --allow-data-loss to lose it")
            }
        }
    }
}

/// What the list says of a queue.
#[derive(Clone, Debug)]
struct Listed {
    /// `classic`, `quorum`, `stream`.
    kind: Arc<str>,
    /// What it holds; none where the broker gives no figure, as of a stream.
    held: Option<Messages>,
    /// Why nobody knows what it holds.
    away: Option<String>,
    /// The nodes whose members of it are not online.
    offline: Vec<String>,
}

type Lists = BTreeMap<Arc<str>, Listed>;

/// The latest list of a vhost, and when it was asked for.
type Latest = Arc<Mutex<Option<(Instant, Arc<Lists>)>>>;

/// Looks into queues.
#[derive(Debug)]
pub(super) struct Guard<'a> {
    client: &'a Client,
    looker: Looker<'a>,
    lists: Mutex<BTreeMap<Arc<str>, Latest>>,
}

impl<'a> Guard<'a> {
    pub(super) fn new(client: &'a Client, overview: &'a Overview) -> Self {
        Self { client, looker: Looker::new(client, overview), lists: Mutex::default() }
    }

    /// What looks at queues, and speaks AMQP.
    pub(super) const fn looker(&self) -> &Looker<'a> {
        &self.looker
    }

    /// Why a queue may not be deleted without consent; none if it is empty, or gone.
    pub(super) async fn objection(
        &self,
        vhost: &Arc<str>,
        queue: &str,
        look: Look,
    ) -> Result<Option<Objection>, Error> {
        let since = match look {
            Look::First => Instant::now().checked_sub(FRESH).unwrap_or_else(Instant::now),
            Look::Last => Instant::now(),
        };
        let Some(listed) = self.found(vhost, queue, since).await? else { return Ok(None) };
        if let Some(away) = listed.away {
            return Ok(Some(nobody_knows(&away)));
        }
        let objection = match &*listed.kind {
            "quorum" => self.quorum(vhost, queue, look, listed.held).await?,
            "stream" => match self.stream(vhost, queue).await? {
                Ok(0) => None,
                Ok(counted) => {
                    let messages = count(counted, "message", "messages");
                    Some(Objection::Keeps(format!("it holds at least {messages}")))
                }
                Err(unknown) => Some(unknown),
            },
            _ => match listed.held {
                Some(held) => holds(held),
                None => unsaid("what it holds"),
            },
        };
        Ok(objection)
    }

    /// Why a vhost may not be deleted without consent: each of its queues is looked into.
    pub(super) async fn objection_in(&self, vhost: &Arc<str>) -> Result<Option<Objection>, Error> {
        let mut queues: BTreeSet<Arc<str>> =
            self.listed(vhost, Instant::now()).await?.keys().cloned().collect();
        // those whose nodes are down are not in that list
        let all = self.client.find(&Request::get(&["queues", vhost]).query("columns", "name")).await?;
        let all = all.as_ref().and_then(Json::as_array).into_iter().flatten();
        queues.extend(all.filter_map(|queue| queue["name"].as_str()).map(Arc::from));
        let found: Vec<_> = stream::iter(&queues)
            .map(async |queue| {
                let objection = self.objection(vhost, queue, Look::Last).await?;
                Ok::<_, Error>(objection.map(|objection| (queue, objection)))
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let found: Vec<(&Arc<str>, Objection)> =
            found.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
        if found.is_empty() {
            return Ok(None);
        }
        let queues = count(found.len() as u64, "queue is", "queues are");
        let texts: Vec<String> =
            found.iter().map(|(queue, objection)| format!("`{queue}`: {}", objection.text())).collect();
        let text = format!("{queues} not known to be empty, {}", list(&texts, "; "));
        let keeps = found.iter().any(|(_, objection)| matches!(objection, Objection::Keeps(_)));
        Ok(Some(if keeps { Objection::Keeps(text) } else { Objection::Holds(text) }))
    }

    /// Why policies may not hold these queues to less without consent: each is looked into.
    pub(super) async fn objection_to(&self, tightenings: &[Tightening]) -> Result<Option<Objection>, Error> {
        let found: Vec<Result<Option<Objection>, Error>> = stream::iter(tightenings)
            .map(async |tightening| {
                Ok(match self.held(tightening).await? {
                    Ok(held) => tightening.drops(held).map(|(text, _)| {
                        let keeps = tightening.queue_type == QueueType::Stream;
                        if keeps { Objection::Keeps(text) } else { Objection::Holds(text) }
                    }),
                    Err(unknown) => Some(unknown),
                })
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let found: Vec<Objection> =
            found.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let texts: Vec<String> = found.iter().map(|objection| objection.text().to_owned()).collect();
        let unknown =
            |objection: &&Objection| matches!(objection, Objection::Unknown(_) | Objection::Away(_));
        if let Some(unknown) = found.iter().find(unknown) {
            return Ok(Some(unknown.clone()));
        }
        let keeps = found.iter().any(|objection| matches!(objection, Objection::Keeps(_)));
        Ok((!found.is_empty()).then(|| {
            let text = list(&texts, "; ");
            if keeps { Objection::Keeps(text) } else { Objection::Holds(text) }
        }))
    }

    /// What a queue holds now, as far as that can be known.
    async fn held(&self, of: &Tightening) -> Result<Result<Option<Messages>, Objection>, Error> {
        let (vhost, queue) = (&of.vhost, &*of.queue);
        let nothing = Ok(Ok(Some(Messages::default())));
        let Some(listed) = self.found(vhost, queue, Instant::now()).await? else { return nothing };
        if let Some(away) = listed.away {
            return Ok(Err(nobody_knows(&away)));
        }
        Ok(match &*listed.kind {
            "quorum" => match self.seen(vhost, queue).await {
                Ok(Some(seen)) => {
                    let unacked = listed.held.map_or(0, |held| held.unacked);
                    Ok(Some(Messages { ready: seen.ready, unacked }))
                }
                Ok(None) => return nothing,
                Err(why) => Err(by_amqp_alone(queue, &why)),
            },
            "stream" => {
                let counted = self.stream(vhost, queue).await?;
                counted.map(|counted| Some(Messages { ready: counted, unacked: 0 }))
            }
            _ => Ok(listed.held),
        })
    }

    /// What is known of a queue; none if it is gone. One whose nodes are down need not be listed: RabbitMQ 3.10 leaves out
    /// quorum queues without a leader, 4.0 classic queues, too.
    async fn found(&self, vhost: &Arc<str>, queue: &str, since: Instant) -> Result<Option<Listed>, Error> {
        for since in [since, Instant::now()] {
            if let Some(listed) = self.listed(vhost, since).await?.get(queue) {
                return Ok(Some(listed.clone()));
            }
        }
        let found = self.client.find(&Request::get(&["queues", vhost, queue])).await?;
        Ok(found.map(|queue| Listed { away: Some(unlisted(&queue)), ..listed(&queue) }))
    }

    /// The nodes whose members of a queue are not online.
    pub(super) async fn offline(&self, vhost: &Arc<str>, queue: &str) -> Result<Vec<String>, Error> {
        Ok(self.found(vhost, queue, Instant::now()).await?.map_or_else(Vec::new, |found| found.offline))
    }

    /// Whether a queue is there, though its node may be down: the broker then says that it is not (3.10).
    pub(super) async fn is_there(&self, vhost: &Arc<str>, queue: &str) -> Result<bool, Error> {
        Ok(self.found(vhost, queue, Instant::now()).await?.is_some())
    }

    /// A list that was asked for no earlier than `since`; who asks while one is under way shares the next.
    async fn listed(&self, vhost: &Arc<str>, since: Instant) -> Result<Arc<Lists>, Error> {
        let latest = self.lists.lock().await.entry(vhost.clone()).or_default().clone();
        let mut latest = latest.lock().await;
        if let Some((asked, list)) = &*latest
            && *asked >= since
        {
            return Ok(list.clone());
        }
        let asked = Instant::now();
        let list = Arc::new(lists(&self.client.find(&totals(&["queues", vhost])).await?.unwrap_or_default()));
        *latest = Some((asked, list.clone()));
        Ok(list)
    }

    /// What is ready and who hears it is told at once, what is unacknowledged is not: whoever might hold something has to
    /// be seen to hold nothing twice.
    async fn quorum(
        &self,
        vhost: &Arc<str>,
        queue: &str,
        look: Look,
        held: Option<Messages>,
    ) -> Result<Option<Objection>, Error> {
        let mut held = held;
        for again in [look == Look::Last, false] {
            let seen = match self.seen(vhost, queue).await {
                Ok(Some(seen)) => seen,
                Ok(None) => return Ok(None),
                Err(why) => return Ok(Some(by_amqp_alone(queue, &why))),
            };
            if seen.consumers == 0 {
                return Ok(holds(Messages { ready: seen.ready, unacked: 0 }));
            }
            let Some(known) = held else {
                return Ok(unsaid("what its consumers hold"));
            };
            if let Some(objection) = holds(Messages { ready: seen.ready, unacked: known.unacked }) {
                return Ok(Some(objection));
            }
            if !again {
                break;
            }
            tokio::time::sleep(SETTLES).await;
            held = self.listed(vhost, Instant::now()).await?.get(queue).and_then(|listed| listed.held);
        }
        Ok(None)
    }

    async fn seen(&self, vhost: &Arc<str>, queue: &str) -> Result<Option<Seen>, String> {
        self.looker.verify(vhost).await?;
        self.looker.seen(vhost, queue).await
    }

    /// How much a stream holds at least: it is counted by the statistics alone, some seconds late, but whether there is
    /// anything in it can be read.
    async fn stream(&self, vhost: &Arc<str>, queue: &str) -> Result<Result<u64, Objection>, Error> {
        let answer = self.client.find(&Request::get(&["queues", vhost, queue])).await?;
        let counted = answer.as_ref().and_then(|answer| answer["messages"].as_u64()).unwrap_or(0);
        if counted > 0 {
            return Ok(Ok(counted));
        }
        let read = match self.looker.verify(vhost).await {
            Ok(()) => self.looker.stream_has_messages(vhost, queue).await,
            Err(why) => Err(why),
        };
        Ok(read.map(u64::from).map_err(|why| by_amqp_alone(queue, &why)))
    }
}

fn by_amqp_alone(queue: &str, why: &str) -> Objection {
    Objection::Unknown(format!(
        "what `{queue}` holds is told by AMQP alone, and {why}: name the broker's AMQP address by --amqp"
    ))
}

fn unsaid(what: &str) -> Option<Objection> {
    Some(Objection::Unknown(format!("the broker does not say {what}: see whether its node is up")))
}

fn holds(held: Messages) -> Option<Objection> {
    let number = |number: u64| digits(i64::try_from(number).unwrap_or(i64::MAX));
    let text = || {
        Objection::Holds(format!(
            "it holds {} ready and {} unacknowledged messages",
            number(held.ready),
            number(held.unacked)
        ))
    };
    (held.total() > 0).then(text)
}

fn nobody_knows(away: &str) -> Objection {
    Objection::Away(format!("{away}, so nobody knows what it holds"))
}

fn lists(queues: &Json) -> Lists {
    let queues = queues.as_array().into_iter().flatten();
    queues.filter_map(|queue| Some((Arc::from(queue["name"].as_str()?), listed(queue)))).collect()
}

fn listed(queue: &Json) -> Listed {
    let ready = queue["messages_ready"].as_u64();
    let unacked = queue["messages_unacknowledged"].as_u64();
    let held = ready.zip(unacked).map(|(ready, unacked)| Messages { ready, unacked });
    let kind = queue["type"].as_str().unwrap_or("classic");
    let names = |list: &str| queue[list].as_array().into_iter().flatten().filter_map(Json::as_str);
    let offline = names("members").filter(|node| names("online").all(|online| online != *node));
    let offline = offline.map(str::to_owned).collect();
    Listed { kind: Arc::from(kind), held, away: away(queue), offline }
}
