//! The language's own example compiles, and what follows from it is there.

use topoc::{
    kind::{KindId, Value},
    syntax::{Inputs, MemorySources},
};

const EXAMPLE: &str = include_str!("language/example.kdl");

#[test]
fn the_example_compiles() {
    let sources = MemorySources::default()
        .with("a.kdl", EXAMPLE)
        .with("schemas/a.kdl", "type \"Other\" { a \"string\" }");
    let compiled = topoc::compile(&["a.kdl".to_owned()], &sources, &Inputs::default());
    let said: Vec<String> = compiled
        .report
        .diagnostics()
        .iter()
        .map(|d| {
            let place = compiled.sources.line_of(d.primary()).unwrap_or_default();
            format!("{place} {}: {} ({})", d.code.name, d.message, d.help.as_deref().unwrap_or(""))
        })
        .collect();
    assert_eq!(said, Vec::<String>::new());
    let topology = &compiled.topology;
    let dead = topology.queue("shop", "payment.dead").expect("the ladder's dead queue");
    assert_eq!(dead.0.text("type"), Some("quorum"));
    let delay = topology.queue("shop", "payment.queue.retry.3").expect("the third step");
    assert_eq!(delay.0.field("message-ttl").map(|field| field.value.clone()), Some(Value::Integer(300_000)));
    assert_eq!(topology.of(KindId::Queue).filter(|queue| queue.name().starts_with("clicks-")).count(), 3);
    let permission = topology
        .of(KindId::Permission)
        .find(|found| found.vhost.as_deref() == Some("shop") && found.text("user") == Some("payment"))
        .expect("derived");
    assert_eq!(permission.text("write"), Some("^(amq\\.default|order\\.exchange)$"));
}
