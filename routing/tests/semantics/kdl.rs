//! Topologies as a person would write them down.

use std::fmt::Write as _;

use topoc_routing::{Destination, Overflow, Queue, QueueKind, Strategy, Table, Topology, Value};

use crate::broker::is_predeclared;
use crate::made::Published;

/// The topology as KDL, and the message in a comment below.
pub(crate) fn shown(net: &Topology, message: &Published) -> String {
    let mut text = String::new();
    for (id, exchange) in net.exchanges() {
        let bound = bindings(net, Destination::Exchange(id));
        if is_predeclared(&exchange.name) && bound.is_empty() {
            continue;
        }
        let mut inside = bound;
        if let Some(name) = &exchange.alternate_exchange {
            inside.insert_str(0, &format!("    alternate-exchange {}\n", quoted(name)));
        }
        let internal = if exchange.internal { " internal=#true" } else { "" };
        node(
            &mut text,
            &format!(
                "exchange {} type={}{internal}",
                quoted(&exchange.name),
                quoted(exchange.kind.type_name())
            ),
            &inside,
        );
    }
    for (id, queue) in net.queues() {
        let kind = match queue.kind {
            QueueKind::Classic => "classic",
            QueueKind::Quorum => "quorum",
            QueueKind::Stream => "stream",
        };
        let inside = bindings(net, Destination::Queue(id)) + &limits(queue);
        node(&mut text, &format!("queue {} type=\"{kind}\"", quoted(&queue.name)), &inside);
    }
    let _ = write!(text, "// published: {message:?}");
    text
}

fn node(text: &mut String, line: &str, inside: &str) {
    let _ = match inside {
        "" => writeln!(text, "{line}"),
        _ => writeln!(text, "{line} {{\n{inside}}}"),
    };
}

fn bindings(net: &Topology, destination: Destination) -> String {
    let mut text = String::new();
    for (_, binding) in net.bindings().filter(|(_, binding)| binding.destination == destination) {
        let source = quoted(&net.exchange(binding.source).name);
        let _ = write!(text, "    bind {source} routing-key={}", quoted(&binding.routing_key));
        let headers = headers(&binding.arguments);
        let _ = writeln!(
            text,
            "{}",
            if headers.is_empty() { String::new() } else { format!(" {{ {headers} }}") }
        );
    }
    text
}

fn limits(queue: &Queue) -> String {
    let mut text = String::new();
    if let Some(exchange) = &queue.dead_letter_exchange {
        let _ = write!(text, "    dead-letter {}", quoted(exchange));
        if let Some(key) = &queue.dead_letter_routing_key {
            let _ = write!(text, " routing-key={}", quoted(key));
        }
        if queue.dead_letter_strategy == Strategy::AtLeastOnce {
            text.push_str(" strategy=\"at-least-once\"");
        }
        text.push('\n');
    }
    if queue.overflow == Overflow::RejectPublish {
        text.push_str("    overflow \"reject-publish\"\n");
    }
    let numbers = [
        ("message-ttl", queue.message_ttl.map(|n| n as i64)),
        ("max-length", queue.max_length.map(|n| n as i64)),
        ("delivery-limit", queue.delivery_limit),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            let _ = writeln!(text, "    {name} {value}");
        }
    }
    text
}

fn headers(arguments: &Table) -> String {
    let each = arguments.iter().map(|(name, value)| format!("header {} {}", quoted(name), written(value)));
    each.collect::<Vec<_>>().join("; ")
}

fn written(value: &Value) -> String {
    match value {
        Value::Void => "#null".to_owned(),
        Value::Bool(yes) => format!("#{yes}"),
        Value::Integer(n) => n.to_string(),
        Value::Float(n) => format!("{n:?}"),
        Value::String(bytes) => quoted(&String::from_utf8_lossy(bytes)),
        other => quoted(&format!("{other:?}")),
    }
}

/// Rust's escapes are KDL's, too.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}
