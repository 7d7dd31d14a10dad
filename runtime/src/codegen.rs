//! What generated code names by path, so that a service depends on this crate alone.
//!
//! Structs derive with `#[derive(topoc_runtime::codegen::serde::Serialize)]` and
//! `#[serde(crate = "topoc_runtime::codegen::serde")]`.

pub use crate::partition::partition;
pub use futures_util::future::try_join_all;
pub use serde;
pub use serde_json;
pub use std::{
    collections::BTreeMap, future::Future, option::Option, result::Result, string::String, sync::Arc,
    time::Duration, vec::Vec,
};
