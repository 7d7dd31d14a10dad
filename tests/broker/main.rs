//! What needs a real broker.
#![cfg(feature = "broker")]
#![allow(clippy::unwrap_used, reason = "in tests, helpers too, a panic is the failure")]

#[cfg(feature = "cli")]
mod adopt;
#[cfg(feature = "cli")]
mod amidst;
#[cfg(feature = "cli")]
mod apply;
#[cfg(feature = "cli")]
mod cluster;
#[cfg(feature = "cli")]
mod costs;
#[cfg(feature = "cli")]
mod dead;
#[cfg(feature = "cli")]
mod dead_killed;
#[cfg(feature = "cli")]
mod definitions;
#[cfg(feature = "cli")]
mod drift;
#[cfg(feature = "cli")]
mod exchanges;
#[cfg(feature = "cli")]
mod faults;
#[cfg(feature = "cli")]
mod headers;
#[cfg(feature = "cli")]
mod hoist;
#[cfg(all(unix, feature = "cli"))]
mod hostile;
mod http;
#[cfg(feature = "cli")]
mod imported;
#[cfg(feature = "cli")]
mod killed;
#[cfg(feature = "cli")]
mod lesser;
#[cfg(feature = "cli")]
mod load;
#[cfg(feature = "cli")]
mod migrations;
#[cfg(feature = "cli")]
mod names;
#[cfg(feature = "cli")]
mod offers;
#[cfg(feature = "cli")]
mod planted;
#[cfg(feature = "cli")]
mod privilege;
#[cfg(feature = "cli")]
mod proxy;
#[cfg(feature = "cli")]
mod readiness;
mod refusals;
#[cfg(feature = "cli")]
mod reviewed;
#[cfg(feature = "cli")]
mod route;
#[cfg(feature = "cli")]
mod safety;
#[cfg(feature = "cli")]
mod secure;
#[cfg(feature = "cli")]
mod shoveled;
#[cfg(feature = "cli")]
mod status;
#[cfg(all(unix, feature = "cli"))]
mod terminal;
#[cfg(feature = "cli")]
mod turns;
#[cfg(feature = "cli")]
mod world;
