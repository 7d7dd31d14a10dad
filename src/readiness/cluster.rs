//! What a running cluster says of itself: deprecated features in use, feature flags, channels.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{Effect, Finding, Place, Readiness};
use crate::{
    diag::{Span, Subject},
    kind::{Version, version},
};

/// A channel that limits its consumers together (`basic.qos` with `global`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The broker's name for it: the addresses of its connection and its number.
    pub name: String,
    /// Its vhost.
    pub vhost: String,
    /// Who it belongs to.
    pub user: String,
}

/// What a cluster says of itself, as far as it was asked and answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// The deprecated features that are in use.
    pub deprecated: Vec<String>,
    /// The stable feature flags that are not enabled.
    pub disabled: Vec<String>,
    /// The channels with a limit of their own.
    pub global_qos: Vec<Channel>,
    /// What it did not answer, and why.
    pub notes: Vec<String>,
}

impl Cluster {
    /// Reads `GET /api/deprecated-features/used`.
    pub fn read_deprecated(&mut self, features: &Json) {
        let features = features.as_array().into_iter().flatten();
        self.deprecated.extend(features.filter_map(|feature| Some(feature["name"].as_str()?.to_owned())));
    }

    /// Reads `GET /api/feature-flags`.
    pub fn read_flags(&mut self, flags: &Json) {
        let flags = flags.as_array().into_iter().flatten();
        let disabled = flags.filter(|flag| flag["state"] == "disabled" && flag["stability"] == "stable");
        self.disabled.extend(disabled.filter_map(|flag| Some(flag["name"].as_str()?.to_owned())));
    }

    /// Reads `GET /api/channels`: 3.x tells the limit of each, 4.x does not (`rabbit_channel`, statistics).
    pub fn read_channels(&mut self, channels: &Json) {
        let channels = || channels.as_array().into_iter().flatten();
        if channels().next().is_none() {
            self.notes.push("no channel is open, so it is not known whether clients limit their consumers together (global QoS)".to_owned());
        } else if channels().all(|channel| channel["global_prefetch_count"].is_null()) {
            self.notes.push("this broker does not tell which channels limit their consumers together (global QoS): its log does, by a warning of `global_qos`".to_owned());
        }
        let limited = channels().filter(|channel| channel["global_prefetch_count"].as_u64() > Some(0));
        let text = |channel: &Json, name: &str| channel[name].as_str().unwrap_or("").to_owned();
        self.global_qos.extend(limited.map(|channel| Channel {
            name: text(channel, "name"),
            vhost: text(channel, "vhost"),
            user: text(channel, "user"),
        }));
    }
}

/// A deprecated feature, the first series that denies or lacks it, and what to do (`-rabbit_deprecated_feature` of each
/// module; release notes of 4.0.1 and 4.3.0).
const DENIED: &[(&str, Version, &str)] = &[
    (
        "classic_queue_mirroring",
        version(4, 0),
        "remove the `ha-` keys from policies, and declare what has to be replicated as quorum queues",
    ),
    ("ram_node_type", version(4, 3), "make each a disc node: `rabbitmqctl change_cluster_node_type disc`"),
    (
        "transient_nonexcl_queues",
        version(4, 3),
        "declare these queues as durable, or as exclusive to a connection",
    ),
    (
        "global_qos",
        version(4, 3),
        "let clients call `basic.qos` without `global`, which limits each consumer",
    ),
    ("queue_master_locator", version(4, 3), "write `queue-leader-locator` in its place"),
    (
        "amqp_address_v1",
        version(4, 3),
        "let AMQP 1.0 clients use v2 addresses: /queues/NAME, /exchanges/NAME/KEY",
    ),
    ("amqp_filter_set_bug", version(4, 3), "let AMQP 1.0 clients send filters as the specification has them"),
];

/// Those of which lints show the places.
const SHOWN: [(&str, &str); 3] = [
    ("classic_queue_mirroring", "ha-policy-4x"),
    ("transient_nonexcl_queues", "feature-denied"),
    ("queue_master_locator", "feature-denied"),
];

/// Whether a series denies channels a limit of their own.
#[must_use]
pub fn denies_global_qos(to: Version) -> bool {
    DENIED.iter().any(|(feature, denies, _)| *feature == "global_qos" && to >= *denies)
}

pub(super) fn findings(cluster: &Cluster, readiness: &Readiness) -> Vec<Finding> {
    let (from, to) = (readiness.from, readiness.to);
    let mut findings = Vec::new();
    let is_shown = |feature: &str| {
        SHOWN.iter().any(|(known, lint)| {
            *known == feature && readiness.findings.iter().any(|finding| finding.lint == Some(lint))
        }) || (feature == "global_qos" && !cluster.global_qos.is_empty())
    };
    for (feature, denies, edit) in DENIED {
        if *denies > to || is_shown(feature) || !cluster.deprecated.iter().any(|used| used == feature) {
            continue;
        }
        findings.push(Finding {
            effect: Effect::Refused,
            lint: None,
            message: format!("the cluster uses the deprecated feature `{feature}`"),
            reason: format!("RabbitMQ {denies} and later deny it by default"),
            edit: (*edit).to_owned(),
            places: vec![of_cluster("deprecated feature", feature)],
        });
    }
    if denies_global_qos(to) && !cluster.global_qos.is_empty() {
        findings.push(Finding {
            effect: Effect::Refused,
            lint: None,
            message: match cluster.global_qos.len() {
                1 => "1 channel limits its consumers together".to_owned(),
                channels => format!("{channels} channels limit their consumers together"),
            },
            reason: "RabbitMQ 4.3 and later refuse `basic.qos` with `global`: 541 INTERNAL_ERROR, `global_qos` is deprecated".to_owned(),
            edit: "let these clients call `basic.qos` without `global`; or permit it on every node: `deprecated_features.permit.global_qos = true` in rabbitmq.conf".to_owned(),
            places: cluster.global_qos.iter().map(of_channel).collect(),
        });
    }
    // Khepri may be left out up to 4.2
    let wanted = cluster.disabled.iter().filter(|flag| *flag != "khepri_db" || to >= version(4, 3));
    let wanted: Vec<Place> = wanted.map(|flag| of_cluster("feature flag", flag)).collect();
    if from < to && !wanted.is_empty() {
        findings.push(Finding {
            effect: Effect::Refused,
            lint: None,
            message: match wanted.len() {
                1 => "1 stable feature flag is not enabled".to_owned(),
                flags => format!("{flags} stable feature flags are not enabled"),
            },
            reason: "a node of a newer series does not start in a cluster that lacks a flag which that series requires".to_owned(),
            edit: "run `rabbitmqctl enable_feature_flag all`, once all nodes run the same version".to_owned(),
            places: wanted,
        });
    }
    findings
}

fn of_cluster(kind: &'static str, name: &str) -> Place {
    Place { span: Span::NONE, subject: Some(Subject { kind, vhost: None, name: Arc::from(name) }) }
}

fn of_channel(channel: &Channel) -> Place {
    let name = format!("{} of {}", channel.name, channel.user);
    let subject = Subject { kind: "channel", vhost: Some(Arc::from(&*channel.vhost)), name: name.into() };
    Place { span: Span::NONE, subject: Some(subject) }
}
