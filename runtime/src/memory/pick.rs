//! Which binding an exchange takes that picks one: by a hash, or at random.
//!
//! What may be picked, and how often, is `topoc-routing`'s to say. Of the hashes only this is the broker's: one key goes
//! to one place as long as the bindings stay (`rabbit_exchange_type_consistent_hash`). Which place that is, Erlang's
//! `phash2` decides there, and another hash here.

use super::fields;
use lapin::BasicProperties;
use std::collections::HashMap;
use topoc_routing::{ExchangeId, ExchangeKind, Share, Table, Topology, Value};

/// What a consistent-hash exchange hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hashes {
    Header(String),
    Property(String),
}

/// How the exchanges of a vhost pick.
#[derive(Debug, Default)]
pub(super) struct Picks {
    /// What they hash that do not hash the routing key.
    hashes: HashMap<ExchangeId, Hashes>,
    /// Those that pick at random, with the state of that.
    random: HashMap<ExchangeId, u64>,
}

impl Picks {
    /// Notes how an exchange picks.
    pub(super) fn add(&mut self, net: &Topology, exchange: ExchangeId, arguments: &Table) {
        let text = |name: &str| match arguments.get(name) {
            Some(Value::String(bytes)) => String::from_utf8(bytes.clone()).ok(),
            _ => None,
        };
        let header = text("hash-header").map(Hashes::Header);
        if let Some(hashes) = header.or_else(|| text("hash-property").map(Hashes::Property)) {
            self.hashes.insert(exchange, hashes);
        }
        if matches!(net.exchange(exchange).kind.matching(), ExchangeKind::Random | ExchangeKind::LocalRandom)
        {
            self.random.insert(exchange, u64::from(exchange.index() as u32));
        }
    }

    /// How a message is picked for.
    pub(super) fn of<'a>(
        &'a mut self,
        routing_key: &'a str,
        properties: &'a BasicProperties,
    ) -> impl FnMut(ExchangeId, &[Share]) -> usize + 'a {
        move |exchange, shares| {
            let hash = match self.random.get_mut(&exchange) {
                Some(state) => {
                    *state = state.wrapping_add(1);
                    mixed(*state)
                }
                None => mixed(hashed(self.hashes.get(&exchange), routing_key, properties)),
            };
            let all: u64 = shares.iter().map(|share| share.weight).sum();
            let mut place = hash % all.max(1);
            let found = shares.iter().position(|share| match place.checked_sub(share.weight) {
                Some(rest) => {
                    place = rest;
                    false
                }
                None => true,
            });
            found.unwrap_or(0)
        }
    }
}

fn hashed(hashes: Option<&Hashes>, routing_key: &str, properties: &BasicProperties) -> u64 {
    let property = |name: &str| match name {
        "message_id" => properties.message_id().as_ref().map(ToString::to_string),
        "correlation_id" => properties.correlation_id().as_ref().map(ToString::to_string),
        "timestamp" => properties.timestamp().map(|seconds| seconds.to_string()),
        _ => None,
    };
    match hashes {
        None => fnv(routing_key.as_bytes()),
        Some(Hashes::Property(name)) => fnv(property(name).unwrap_or_default().as_bytes()),
        Some(Hashes::Header(name)) => {
            let headers = properties.headers().as_ref().map(fields::table);
            match headers.as_ref().and_then(|headers| headers.get(name)) {
                Some(Value::String(bytes) | Value::Opaque(bytes)) => fnv(bytes),
                Some(other) => fnv(format!("{other:?}").as_bytes()),
                None => fnv(&[]),
            }
        }
    }
}

/// FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finisher of splitmix64: numbers that follow each other come out far apart.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
