use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use crate::Error;

/// The loopback ports of one node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) amqp: u16,
    pub(crate) amqps: u16,
    pub(crate) management: u16,
    pub(crate) management_tls: u16,
    pub(crate) prometheus: u16,
    pub(crate) stream: u16,
    pub(crate) distribution: u16,
    pub(crate) epmd: u16,
}

impl Ports {
    pub(crate) fn pick() -> Result<Self, Error> {
        let mut free = free_ports();
        let mut next = || free.next().ok_or_else(|| Error::new("no free port on 127.0.0.1 below 32000"));
        Ok(Self {
            amqp: next()?,
            amqps: next()?,
            management: next()?,
            management_tls: next()?,
            prometheus: next()?,
            stream: next()?,
            distribution: next()?,
            epmd: next()?,
        })
    }
}

/// Free ports from a random place on. They are below Linux's ephemeral range, so that no client takes the port of a
/// node that is down between a kill and a restart.
fn free_ports() -> impl Iterator<Item = u16> {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    let start = u16::try_from(random() % u64::from(COUNT)).unwrap_or_default();
    (0..COUNT)
        .map(move |step| FIRST + (start + step) % COUNT)
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
}

/// A number that no other test process of the run draws.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
