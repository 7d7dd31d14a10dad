//! Where messages go on either series.

use std::collections::BTreeMap;

use topoc_routing::{self as routing, Certainty, ExchangeKind, Table, headers};

use super::{Effect, Finding, Place, Sight};
use crate::{
    graph::{Flow, wire_value},
    kind::Value,
    topology::Message,
};

pub(super) fn compare(before: &Sight<'_>, after: &Sight<'_>) -> Vec<Finding> {
    let mut findings = of_bindings(before, after);
    let messages = after.topology().contract.messages.iter();
    let flows = before.graph.flows().into_iter().zip(after.graph.flows());
    for (message, (was, is)) in messages.zip(flows) {
        if let (Some(Ok(was)), Some(Ok(is))) = (was, is) {
            findings.extend(of_message(before, after, message, &was, &is));
        }
    }
    findings
}

fn of_message(
    before: &Sight<'_>,
    after: &Sight<'_>,
    message: &Message,
    was: &Flow<'_, '_>,
    is: &Flow<'_, '_>,
) -> Option<Finding> {
    let (was, is) = (queues(was), queues(is));
    let gone: Vec<&str> = was.keys().filter(|queue| !is.contains_key(*queue)).map(|q| &**q).collect();
    let come: Vec<&str> = is.keys().filter(|queue| !was.contains_key(*queue)).map(|q| &**q).collect();
    let other: Vec<&str> = is
        .iter()
        .filter(|(queue, how)| was.get(*queue).is_some_and(|w| w != *how))
        .map(|(q, _)| &**q)
        .collect();
    let name = &message.name.text;
    let what = match (gone.is_empty(), come.is_empty(), other.is_empty()) {
        (false, true, _) => format!("`{name}` no longer comes to {}", listed(&gone)),
        (true, false, _) => format!("`{name}` also comes to {}", listed(&come)),
        (false, false, _) => format!("`{name}` comes to {} in place of {}", listed(&come), listed(&gone)),
        (true, true, false) => format!("`{name}` comes to {} otherwise than before", listed(&other)),
        (true, true, true) => return None,
    };
    Some(Finding {
        effect: Effect::Changes,
        lint: None,
        message: what,
        reason: format!("RabbitMQ {} routes it otherwise than {}", after.version, before.version),
        edit: "give the header and the binding's argument the same type".to_owned(),
        places: vec![Place { span: message.definition.extent, ..Place::of(&message.definition) }],
    })
}

fn queues(flow: &Flow<'_, '_>) -> BTreeMap<String, Certainty> {
    let topology = &flow.routes.topology;
    flow.reach.queues.iter().map(|(id, reach)| (topology.queue(*id).name.clone(), reach.certainty)).collect()
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Headers bindings whose numbers match others than they did, whoever publishes.
fn of_bindings(before: &Sight<'_>, after: &Sight<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for binding in after.topology().bindings() {
        let routes = after.graph.routes(binding.vhost()).map(|routes| &routes.topology);
        let kind = routes.and_then(|r| Some(r.exchange(r.exchange_id(binding.source())?).kind.matching()));
        if kind != Some(&ExchangeKind::Headers) {
            continue;
        }
        for (name, field) in binding.arguments() {
            let Some(twin) = twin(&field.value) else { continue };
            let argument = Table::from([(name.to_string(), wire_value(&field.value))]);
            let header = Table::from([(name.to_string(), twin.clone())]);
            let message = routing::Message::new("").with_headers(&header);
            let matches = |sight: &Sight<'_>| headers::matches(&argument, &message, routes_as(sight));
            if matches(before) == matches(after) {
                continue;
            }
            let shown = |value: &routing::Value| match value {
                routing::Value::Integer(integer) => integer.to_string(),
                routing::Value::Float(float) => format!("{float:?}"),
                other => format!("{other:?}"),
            };
            let (wanted, given) = (shown(&wire_value(&field.value)), shown(&twin));
            findings.push(Finding {
                effect: Effect::Changes,
                lint: None,
                message: format!(
                    "the binding of `{}` to `{}` no longer takes the header `{name}` of {given}",
                    binding.destination(),
                    binding.source()
                ),
                reason: format!(
                    "it asks for {wanted}; RabbitMQ {} compares headers by type, too, and {} by their number only",
                    after.version, before.version
                ),
                edit: format!("write `header \"{name}\" {given}`, unless publishers do send {wanted}"),
                places: vec![Place { span: field.span, ..Place::of(binding.0) }],
            });
        }
    }
    findings
}

fn routes_as(sight: &Sight<'_>) -> routing::Version {
    sight.graph.effective.version()
}

/// The whole number that a number with a point is equal to.
fn twin(value: &Value) -> Option<routing::Value> {
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "numbers beyond are left out")]
        Value::Float(float) if float.fract() == 0.0 && float.abs() < 9e15 => {
            Some(routing::Value::Integer(*float as i64))
        }
        _ => None,
    }
}
