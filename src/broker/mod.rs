//! The room that talks to a live broker: how it is named and reached, and its management API as JSON.
//!
//! [`Options`] (the command line, then the environment) become an [`Access`], which a [`Client`] sends [`Request`]s
//! with. What an entity looks like on the wire is its kind's to know, not this room's.

mod access;
mod address;
mod amqp_address;
mod apply;
mod away;
mod bindings;
mod connect;
mod entity;
mod error;
mod failure;
mod guard;
mod hold;
mod http;
mod ledger;
mod letters;
mod look;
mod migrate;
mod mover;
mod outcome;
mod overview;
mod pace;
mod progress;
mod read;
mod replace;
mod request;
mod secrets;
mod tls;
mod tools;
mod turn;

pub use access::{Access, Options};
pub use address::{Address, Credentials, Endpoint, Secret};
pub use amqp_address::AmqpAddress;
pub use apply::{Apply, apply, settle};
pub use error::{Asked, Error};
pub use failure::Cause;
pub use http::Client;
pub use letters::{Letters, Looked, Mailbox, Redrive, Redriven};
pub use outcome::{Applied, Outcome};
pub use overview::{Listener, Overview};
pub use progress::Progress;
pub use read::{held, live, published};
pub use request::{Method, Request};
pub use secrets::Secrets;
pub use tls::{Identity, Tls};
pub use turn::{NoTurn, Turn, holder};
