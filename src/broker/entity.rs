//! An entity → the requests that make, change and delete it.

use serde_json::{Map, Value as Json, json};

use super::{Request, Secrets};
use crate::kind::{Definition, KindId, Segment, Value, WireError, to_wire_value};

/// The requests that make an entity, or change it to be so. `live` is what it is, if it is.
///
/// # Errors
/// When a secret cannot be found.
pub(super) fn put(
    desired: &Definition,
    live: Option<&Definition>,
    secrets: &Secrets,
) -> Result<Vec<Request>, WireError> {
    let body = to_wire_value(desired, &|definition, secret| secrets.reveal(definition, secret))?;
    let path = path(desired);
    let segments: Vec<&str> = path.iter().map(String::as_str).collect();
    Ok(match desired.kind {
        KindId::Binding => vec![bind(desired, &body)],
        KindId::VhostLimits | KindId::UserLimits => limits(desired, live, &segments, &body),
        _ => {
            let request = Request::put(&segments, Json::Object(body));
            let is_secret = desired.fields().any(|(_, field)| matches!(field.value, Value::Secret(_)));
            vec![if is_secret { request.secret() } else { request }]
        }
    })
}

/// The request that deletes an entity; none for a binding without the broker's handle of it.
pub(super) fn delete(live: &Definition) -> Vec<Request> {
    let mut path = path(live);
    match live.kind {
        KindId::Binding => match &live.handle {
            Some(handle) => path.push(handle.to_string()),
            None => return Vec::new(),
        },
        KindId::TopicPermission => path.push(live.text("exchange").unwrap_or("").to_owned()),
        KindId::VhostLimits | KindId::UserLimits => {
            let names = live.fields().map(|(name, _)| name).filter(|name| *name != "user");
            return names
                .map(|name| {
                    let segments = path.iter().map(String::as_str).chain([name]);
                    Request::delete(&segments.collect::<Vec<_>>())
                })
                .collect();
        }
        _ => {}
    }
    vec![Request::delete(&path.iter().map(String::as_str).collect::<Vec<_>>())]
}

/// The bindings between the ends of a binding, with the broker's handles of them.
pub(super) fn between(binding: &Definition) -> Request {
    let path = path(binding);
    Request::get(&path.iter().map(String::as_str).collect::<Vec<_>>())
}

fn path(definition: &Definition) -> Vec<String> {
    let segments = definition.kind.kind().wire.map_or(&[][..], |wire| wire.path);
    segments
        .iter()
        .map(|segment| match segment {
            Segment::Word(word) => (*word).to_owned(),
            Segment::Vhost => definition.vhost.as_deref().unwrap_or("").to_owned(),
            // `/bindings/VHOST/e/SOURCE/q/DESTINATION`
            Segment::Field("destination-type") => {
                let to_exchange = definition.text("destination-type") == Some("exchange");
                (if to_exchange { "e" } else { "q" }).to_owned()
            }
            Segment::Field(field) => definition.text(field).unwrap_or("").to_owned(),
        })
        .collect()
}

/// Adding a binding that is there changes nothing, so it may be sent twice.
fn bind(binding: &Definition, body: &Map<String, Json>) -> Request {
    let path = path(binding);
    let segments: Vec<&str> = path.iter().map(String::as_str).collect();
    let body = json!({"routing_key": body.get("routing_key"), "arguments": body.get("arguments")});
    Request::post(&segments, body).repeatable()
}

/// Each limit has a path of its own.
fn limits(
    desired: &Definition,
    live: Option<&Definition>,
    segments: &[&str],
    body: &Map<String, Json>,
) -> Vec<Request> {
    let at = |name: &str| segments.iter().copied().chain([name]).map(str::to_owned).collect::<Vec<_>>();
    let mut requests: Vec<Request> = body
        .get("value")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let path = at(name);
            let segments: Vec<&str> = path.iter().map(String::as_str).collect();
            Request::put(&segments, json!({"value": value}))
        })
        .collect();
    let dropped = live.into_iter().flat_map(Definition::fields).map(|(name, _)| name);
    for name in dropped.filter(|name| *name != "user" && desired.field(name).is_none()) {
        let path = at(name);
        requests.push(Request::delete(&path.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    requests
}
