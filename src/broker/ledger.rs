//! Keeping the ownership record in the broker; see [`crate::plan::Record`].

use std::sync::Arc;

use serde_json::json;

use super::{Client, Error, Request};
use crate::plan::{Entries, Record, Stamp};

/// Writes what a topology owns in place of what it owned before: parts first, then the head, then what is left over goes,
/// so that a crash at any moment leaves the one record or the other. Of a topology that owns nothing, nothing is left.
pub(super) async fn write(
    client: &Client,
    topology: &Arc<str>,
    before: &Entries,
    after: &Entries,
    stamp: &Stamp,
) -> Result<(), Error> {
    let parameters = |entries: &Entries| {
        let stamp = Some(stamp.clone());
        Record { topology: topology.clone(), entries: entries.clone(), stamp }.parameters()
    };
    let (earlier, later) = (parameters(before), parameters(after));
    for (name, value) in &later {
        let body = json!({"name": name, "value": value});
        client.send(&Request::put(&["global-parameters", name], body)).await?;
    }
    // an empty head is written all the same: without its parts, a head could not be read
    let empty = after.is_empty().then(|| Record::head_name(topology));
    for name in Record::leftovers(&earlier, &later).into_iter().chain(empty) {
        client.find(&Request::delete(&["global-parameters", &name])).await?;
    }
    Ok(())
}
