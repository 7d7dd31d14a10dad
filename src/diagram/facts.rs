//! What is said of a thing when one points at it.

use crate::{
    diag::SourceMap,
    graph::{Effective, Graph},
    kind::{Definition, KindId, Type, Value, show_duration},
    route::{ask, publish_of, summary},
    topology::{Binding, Consumes, Message, Rpc},
};

/// `quorum queue inventory.queue`, its place in the files, what is said of it, and its policies.
pub(super) fn of_entity(
    definition: &Definition,
    what: &str,
    effective: &Effective<'_>,
    sources: &SourceMap,
) -> Vec<String> {
    let mut facts = vec![format!("{what} {}", definition.name())];
    if let Some(vhost) = &definition.vhost {
        facts.push(format!("vhost {vhost}"));
    }
    facts.extend(sources.line_of(definition.span));
    facts.extend(settings(definition, &["name", "type"]));
    if matches!(definition.kind, KindId::Queue | KindId::Exchange) {
        let applied = effective.applied(definition);
        for policy in [applied.policy, applied.operator].into_iter().flatten() {
            let pattern = ["name", "pattern", "apply-to", "priority"];
            let keys = settings(policy.0, &pattern).join(", ");
            facts.push(format!("{} {}: {keys}", policy.0.kind.word(), policy.name()));
        }
    }
    if definition.external {
        facts.push("external: somebody else makes it".to_owned());
    }
    facts
}

/// `max-length 100000`, in the order of the names.
pub(super) fn settings(definition: &Definition, without: &[&str]) -> Vec<String> {
    let kind = definition.kind.kind();
    let fields = definition.fields().filter(|(name, _)| !without.contains(name)).map(|(name, field)| {
        let ty = kind.attribute(name).map_or(Type::Text, |attribute| attribute.ty);
        let value = match (&field.value, name) {
            (Value::List(steps), "retry") => ladder(steps),
            (Value::Text(text), _) if text.is_empty() => "\"\"".to_owned(),
            (value, _) => value.show(ty),
        };
        format!("{name} {value}")
    });
    let arguments =
        definition.arguments.iter().map(|(name, field)| format!("{name} {}", field.value.show(Type::Text)));
    fields.chain(arguments).collect()
}

/// `5s → 30s → 5m`.
pub(super) fn ladder(steps: &[Value]) -> String {
    let steps: Vec<String> = steps
        .iter()
        .map(|step| step.as_integer().map_or_else(|| step.show(Type::Text), show_duration))
        .collect();
    steps.join(" → ")
}

pub(super) fn of_binding(binding: Binding<'_>, sources: &SourceMap) -> String {
    let place = sources.line_of(binding.0.span).map_or_else(String::new, |place| format!(" ({place})"));
    format!("{}{place}", binding.0.title())
}

/// Where it is published and written and, where its key is one, what becomes of every copy.
pub(super) fn of_message(message: &Message, graph: &Graph<'_>, sources: &SourceMap) -> String {
    let place = sources.line_of(message.name.span).map_or_else(String::new, |place| format!(" ({place})"));
    let key = &*message.routing_key.text;
    let key = if key.is_empty() { String::new() } else { format!(" key {key}") };
    let route = publish_of(message, &[]).ok().and_then(|publish| ask(graph, publish).ok());
    let fate = route.map_or_else(String::new, |route| format!(": {}", summary(&route)));
    format!("{}{key}{place}{fate}", message.name.text)
}

pub(super) fn of_rpc(rpc: &Rpc, sources: &SourceMap) -> String {
    let place = sources.line_of(rpc.name.span).map_or_else(String::new, |place| format!(" ({place})"));
    let word =
        |word: &Option<crate::syntax::Word>| word.as_ref().map_or("nothing", |word| &*word.text).to_owned();
    format!("rpc {}: {} → {}{place}", rpc.name.text, word(&rpc.request), word(&rpc.response))
}

pub(super) fn of_consumer(consumes: &Consumes, sources: &SourceMap) -> String {
    let mut facts = vec![format!("consumes {}", consumes.queue.name.text)];
    facts.extend(consumes.prefetch.map(|count| format!("prefetch {count}")));
    facts.extend(consumes.concurrency.map(|count| format!("concurrency {count}")));
    facts.extend(consumes.auto_ack.then(|| "auto-ack".to_owned()));
    if !consumes.on.is_empty() {
        let on: Vec<&str> = consumes.on.iter().map(|word| &*word.text).collect();
        facts.push(format!("on {}", on.join(", ")));
    }
    let place = sources.line_of(consumes.span).map_or_else(String::new, |place| format!(" ({place})"));
    format!("{}{place}", facts.join(", "))
}
