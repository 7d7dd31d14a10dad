//! A broker's state, read in as few requests as it takes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value as Json, json};

use super::{
    Client, Error, Overview, Request,
    away::{away, unlisted},
    look::Looker,
};
use crate::{
    kind::{Definition, Identity, KindId},
    plan::{Held, Live},
};

/// How many queues are looked at at once.
const AT_ONCE: usize = 16;

/// What `GET /api/definitions` shows, and nothing that a lesser user may ask for.
const ADMINISTRATORS_ONLY: &[KindId] =
    &[KindId::User, KindId::Permission, KindId::TopicPermission, KindId::UserLimits];

/// What `GET /api/parameters` and `/global-parameters` show, and nothing else does; the latter hold the records.
const POLICYMAKERS_ONLY: &[KindId] = &[
    KindId::Parameter,
    KindId::GlobalParameter,
    KindId::FederationUpstream,
    KindId::FederationUpstreamSet,
    KindId::Shovel,
];

/// Reads what is on the broker. An administrator gets it in one answer; anybody else what they may see: a policymaker all
/// but users, who has the tag `monitoring` or `management` no parameters either, and so no records.
///
/// # Errors
/// As [`Client::send`], and when the answer makes no sense.
pub async fn live(client: &Client, version: &str) -> Result<Live, Error> {
    let (definitions, is_administrator, may_see_records, queues) =
        match client.send(&Request::get(&["definitions"])).await {
            Ok(definitions) => (definitions, true, true, queues_with_nodes_down(client).await?),
            Err(Error::Unauthorized { .. }) => {
                let (definitions, may_see_records, queues) = piece_by_piece(client, version).await?;
                (definitions, false, may_see_records, queues)
            }
            Err(error) => return Err(error),
        };
    let mut live = Live::from_definitions(&definitions).map_err(|error| Error::Unreadable {
        trouble: format!("the broker at {}: {error}", client.endpoint()),
    })?;
    live.note_down(&queues);
    if !is_administrator {
        live.hide(ADMINISTRATORS_ONLY, "only an administrator may see it");
    }
    if !may_see_records {
        live.hide(POLICYMAKERS_ONLY, "only a policymaker may see it");
        live.records_unseen = Some("only a policymaker may see its record");
    }
    // every vhost that a user sees into has the broker's own exchanges
    live.seen = (!is_administrator).then(|| {
        let exchanges = definitions["exchanges"].as_array().into_iter().flatten();
        exchanges.filter_map(|exchange| exchange["vhost"].as_str()).map(Arc::from).collect()
    });
    live.describe_vhosts(&client.send(&Request::get(&["vhosts"])).await?);
    Ok(live)
}

/// All queues with their states, where nodes of a cluster are down; else nothing, as all of them are up.
async fn queues_with_nodes_down(client: &Client) -> Result<Json, Error> {
    let nodes = match client.send(&Request::get(&["nodes"]).query("columns", "name,running")).await {
        Ok(nodes) => nodes,
        // a broker that is offered as a service need not tell of them
        Err(Error::Unauthorized { .. } | Error::Refused { .. } | Error::NotFound { .. }) => {
            return Ok(Json::Null);
        }
        Err(error) => return Err(error),
    };
    if nodes.as_array().into_iter().flatten().all(|node| node["running"] == true) {
        return Ok(Json::Null);
    }
    let columns = Request::get(&["queues"]).query("columns", "vhost,name,state");
    client.send(&columns.query("disable_stats", "true")).await
}

/// What `GET /api/definitions` would say, from what a user without the tag `administrator` may ask for, whether parameters
/// are in it, and the queues with their states.
async fn piece_by_piece(client: &Client, version: &str) -> Result<(Json, bool, Json), Error> {
    let mut states = Json::Null;
    let mut lists = Map::from_iter([("rabbitmq_version".to_owned(), Json::from(version))]);
    for list in ["vhosts", "exchanges", "queues", "bindings", "policies"] {
        let request = Request::get(&[list]);
        let request = if list == "queues" { request.query("disable_stats", "true") } else { request };
        let mut found = client.send(&request).await?;
        if let Some(queues) = found.as_array_mut().filter(|_| list == "queues") {
            // a connection's own, and gone with it
            queues.retain(|queue| queue["exclusive"] != true);
            states = Json::Array(queues.clone());
        }
        lists.insert(list.to_owned(), found);
    }
    let parameters = match client.send(&Request::get(&["parameters"])).await {
        Ok(parameters) => parameters,
        Err(Error::Unauthorized { .. }) => {
            lists.insert("parameters".to_owned(), shown_to_all(client).await?);
            return Ok((Json::Object(lists), false, states));
        }
        Err(error) => return Err(error),
    };
    lists.insert("parameters".to_owned(), parameters);
    lists.insert("global_parameters".to_owned(), client.send(&Request::get(&["global-parameters"])).await?);
    Ok((Json::Object(lists), true, states))
}

/// The parameters that have a path of their own, which every user of the API may read.
async fn shown_to_all(client: &Client) -> Result<Json, Error> {
    let mut parameters = Vec::new();
    for (path, component) in [("operator-policies", "operator_policy"), ("vhost-limits", "vhost-limits")] {
        let found = client.send(&Request::get(&[path])).await?;
        for entry in found.as_array().into_iter().flatten() {
            let (name, value) = match entry.get("value") {
                Some(value) => (Json::from("limits"), value),
                None => (entry["name"].clone(), entry),
            };
            parameters
                .push(json!({"component": component, "vhost": entry["vhost"], "name": name, "value": value}));
        }
    }
    Ok(Json::Array(parameters))
}

/// Reads what queues hold: all by their list, which is live for classic queues only; those at stake as far as that can be
/// told now. With it comes why a figure may be late, if one may be.
///
/// # Errors
/// As [`Client::send`].
pub async fn held(
    client: &Client,
    overview: &Overview,
    at_stake: &[&Definition],
) -> Result<(Held, Option<String>), Error> {
    let list = client.send(&totals(&["queues"])).await?;
    let mut held = Held::from_json(&list);
    note_away(client, &list, at_stake, &mut held).await?;
    // who may not see them learns of none, nor does anybody where the broker keeps no statistics: they are only a note
    match client.send(&Request::get(&["consumers"])).await {
        Ok(consumers) => held.heard_by(&consumers),
        Err(Error::Unauthorized { .. } | Error::Refused { .. } | Error::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    let looker = Looker::new(client, overview);
    let ready = async |queue: &&Definition| -> Result<Option<u64>, String> {
        let (vhost, name) = (queue.vhost.clone().unwrap_or_default(), queue.name());
        if held.away(&vhost, name).is_some() {
            return Ok(None);
        }
        Ok(match queue.text("type") {
            Some("quorum") => looker.seen(&vhost, name).await?.map(|seen| seen.ready),
            Some("stream") => {
                let answer = client.find(&Request::get(&["queues", &vhost, name])).await;
                answer.map_err(|error| error.to_string())?.and_then(|answer| answer["messages"].as_u64())
            }
            _ => None,
        })
    };
    let looked: Vec<_> = stream::iter(at_stake).map(ready).buffered(AT_ONCE).collect().await;
    let mut late = None;
    for (queue, found) in at_stake.iter().zip(looked) {
        match found {
            Ok(Some(ready)) => {
                let vhost = queue.vhost.clone().unwrap_or_default();
                let known = held.messages.entry((vhost, Arc::from(queue.name()))).or_default();
                known.ready = known.ready.max(ready);
            }
            Ok(None) => {}
            Err(why) => late = Some(why),
        }
    }
    weigh(client, at_stake, &mut held).await?;
    Ok((held, late))
}

/// How many queues of a vhost are asked for one by one; of more, all of its queues are listed at once.
const ONE_BY_ONE: usize = 100;

/// Reads how many bytes it is that queues hold: only the statistics tell that.
async fn weigh(client: &Client, at_stake: &[&Definition], held: &mut Held) -> Result<(), Error> {
    let mut by_vhost: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for queue in at_stake {
        let vhost = queue.vhost.as_deref().unwrap_or("");
        if held.of(vhost, queue.name()).is_some_and(|held| held.total() > 0) {
            by_vhost.entry(vhost).or_default().push(queue.name());
        }
    }
    for (vhost, names) in by_vhost {
        if names.len() > ONE_BY_ONE {
            let list = Request::get(&["queues", vhost]).query("columns", "name,message_bytes");
            for queue in client.find(&list).await?.unwrap_or_default().as_array().into_iter().flatten() {
                if let Some(name) = queue["name"].as_str() {
                    held.weighs((Arc::from(vhost), Arc::from(name)), queue);
                }
            }
            continue;
        }
        let found: Vec<_> = stream::iter(&names)
            .map(async |name| client.find(&Request::get(&["queues", vhost, name])).await)
            .buffered(AT_ONCE)
            .collect()
            .await;
        for (name, found) in names.iter().zip(found) {
            if let Some(queue) = found? {
                held.weighs((Arc::from(vhost), Arc::from(*name)), &queue);
            }
        }
    }
    Ok(())
}

/// How many messages a second are published to exchanges; none where the broker keeps no rates. They are some seconds old.
///
/// # Errors
/// As [`Client::send`].
pub async fn published(
    client: &Client,
    exchanges: &BTreeSet<Identity>,
) -> Result<BTreeMap<Identity, Option<f64>>, Error> {
    let overview = client.send(&Request::get(&["overview"])).await?;
    let keeps_rates = overview["rates_mode"] != "none" && overview["disable_stats"] != true;
    let mut found = BTreeMap::new();
    for exchange in exchanges {
        let (vhost, name) = (exchange.vhost.as_deref().unwrap_or(""), &exchange.parts[0]);
        let Some(answer) = client.find(&Request::get(&["exchanges", vhost, name])).await? else { continue };
        // one that nobody has published to has no statistics
        let rate = answer["message_stats"]["publish_in_details"]["rate"].as_f64().unwrap_or(0.0);
        found.insert(exchange.clone(), keeps_rates.then_some(rate));
    }
    Ok(found)
}

/// Notes of which queues nobody knows what they hold, and of which of those at stake: they need not be listed.
async fn note_away(
    client: &Client,
    list: &Json,
    at_stake: &[&Definition],
    held: &mut Held,
) -> Result<(), Error> {
    let mut listed = BTreeSet::new();
    for queue in list.as_array().into_iter().flatten() {
        let (Some(vhost), Some(name)) = (queue["vhost"].as_str(), queue["name"].as_str()) else { continue };
        listed.insert((vhost, name));
        if let Some(why) = away(queue) {
            held.note_away(vhost, name, why);
        }
    }
    for queue in at_stake {
        let (vhost, name) = (queue.vhost.as_deref().unwrap_or(""), queue.name());
        if !listed.contains(&(vhost, name))
            && let Some(found) = client.find(&Request::get(&["queues", vhost, name])).await?
        {
            held.note_away(vhost, name, unlisted(&found));
        }
    }
    Ok(())
}

/// The cheap way to ask for what queues hold, and the only one without the statistics' delay of 5 to 10 s.
pub(super) fn totals(segments: &[&str]) -> Request {
    Request::get(segments).query("disable_stats", "true").query("enable_queue_totals", "true")
}
