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
        .with("schemas/a.kdl", "type \"Other\" { a \"string\" }")
        .with("schemas/shipment-moved.schema.json", "{}");
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

/// A topology that raises nothing, with its entities as text.
fn entities(text: &str, inputs: &Inputs) -> Vec<String> {
    let sources = MemorySources::default().with("a.kdl", text);
    let compiled = topoc::compile(&["a.kdl".to_owned()], &sources, inputs);
    assert!(compiled.report.is_empty(), "{:#?}", compiled.report);
    let show = |definition: &topoc::kind::Definition| {
        let fields: Vec<String> = definition
            .fields()
            .filter(|(name, _)| !definition.kind.kind().identity.contains(name))
            .map(|(name, field)| format!("{name}={:?}", field.value))
            .collect();
        format!("{} {} {}", definition.kind.word(), definition.title(), fields.join(" "))
    };
    compiled.topology.definitions().iter().map(|definition| show(definition).trim_end().to_owned()).collect()
}

#[test]
fn a_template_gives_way_to_its_user_but_for_what_repeats() {
    let text = r#"
        template "base" { max-length 10; durable #false }
        template "work" use="base" { max-length 20; bind "orders" routing-key="${name}.created" }
        queue "a" use="work" type="classic" { durable #true; bind "orders" routing-key="mine" }
    "#;
    assert_eq!(
        entities(text, &Inputs::default()),
        [
            "queue a durable=Bool(true) max-length=Integer(20) type=Text(\"classic\")",
            "binding orders → a key a.created",
            "binding orders → a key mine",
        ]
    );
}

#[test]
fn a_template_may_be_used_again_below_its_own_user() {
    let text = r#"
        template "audited" { bind "audit" routing-key="${name}" }
        template "keyed" { routing-key "k" }
        exchange "a" type="topic" use="audited" { bind "b" use="keyed" }
        queue "$${name}" use="audited" { bind "b" use="keyed" }
    "#;
    let found = entities(text, &Inputs::default());
    let bindings: Vec<&String> = found.iter().filter(|line| line.starts_with("binding")).collect();
    assert_eq!(
        bindings,
        [
            "binding audit → a key a",
            "binding b → a key k",
            "binding audit → ${name} key ${name}",
            "binding b → ${name} key k",
        ]
    );
}

#[test]
fn loops_nest_and_a_lone_variable_keeps_its_type() {
    let text = r#"
        variable "limit" default=5
        for "tenant" "acme" "globex" {
            for "n" from=1 to=2 { queue "${tenant}.${n}" max-length="${limit}" message-ttl="${n}s" }
        }
    "#;
    let inputs = Inputs {
        variables: vec![("limit".to_owned(), "7".to_owned(), "--var".to_owned())],
        environment: None,
    };
    assert_eq!(
        entities(text, &inputs),
        [
            "queue acme.1 max-length=Integer(7) message-ttl=Integer(1000)",
            "queue acme.2 max-length=Integer(7) message-ttl=Integer(2000)",
            "queue globex.1 max-length=Integer(7) message-ttl=Integer(1000)",
            "queue globex.2 max-length=Integer(7) message-ttl=Integer(2000)",
        ]
    );
}

#[test]
fn an_environment_stands_between_the_command_line_and_the_default() {
    let text = r#"
        variable "region" default="eu"
        variable "size" default="small"
        environment "production" { set region="us" size="large" }
        queue "${region}.${size}"
    "#;
    let inputs = Inputs {
        variables: vec![("size".to_owned(), "huge".to_owned(), "--var".to_owned())],
        environment: Some("production".to_owned()),
    };
    assert_eq!(entities(text, &inputs), ["queue us.huge"]);
    assert_eq!(entities(text, &Inputs::default()), ["queue eu.small"]);
}

#[test]
fn a_ladder_delays_by_quorum_queues_and_its_queues_may_be_described() {
    let text = r#"
        queue "a" type="classic" { retry "5s" then="a.dead" }
        queue "a.dead" type="quorum" max-length=5
    "#;
    // what is described comes first, wherever it stands
    let found = entities(text, &Inputs::default());
    assert!(
        found.contains(&"queue a.dead max-length=Integer(5) type=Text(\"quorum\")".to_owned()),
        "{found:#?}"
    );
    let delay = found.iter().find(|line| line.starts_with("queue a.retry.1 ")).expect("a delay queue");
    assert!(delay.contains("type=Text(\"quorum\")") && delay.contains("at-least-once"), "{delay}");
}

#[test]
fn files_of_teams_add_up_to_one_vhost() {
    let sources = MemorySources::default()
        .with("topology.kdl", "vhost \"shop\" { include \"common.kdl\" }\ninclude \"*/team.kdl\"")
        .with("common.kdl", "exchange \"events\" type=\"topic\"")
        .with(
            "a/team.kdl",
            "vhost \"shop\" default-queue-type=\"quorum\" { queue \"a\"; limits max-queues=5 }",
        )
        .with(
            "b/team.kdl",
            "vhost \"shop\" { include \"../common.kdl\"; queue \"b\"; limits max-connections=5 }\n\
             for \"n\" 1 2 { vhost \"v${n}\" { include \"../common.kdl\" } }",
        );
    let compiled = topoc::compile(&["topology.kdl".to_owned()], &sources, &Inputs::default());
    assert!(compiled.report.is_empty(), "{:#?}", compiled.report);
    let topology = &compiled.topology;
    let vhosts: Vec<&str> = topology.of(KindId::Vhost).map(topoc::kind::Definition::name).collect();
    assert_eq!(vhosts, ["shop", "v1", "v2"]);
    assert!(["a", "b"].iter().all(|queue| topology.queue("shop", queue).is_some()));
    assert!(["v1", "v2"].iter().all(|vhost| topology.exchange(vhost, "events").is_some()));
    let limits: Vec<_> = topology.of(KindId::VhostLimits).collect();
    assert_eq!(limits.len(), 1);
    assert_eq!((limits[0].integer("max-queues"), limits[0].integer("max-connections")), (Some(5), Some(5)));
}

#[test]
fn a_super_stream_is_published_to_and_consumed_by_its_name() {
    let text = r#"
        topology "clicks" { rabbitmq "3.13" }
        super-stream "clicks" partitions=3 max-age="7D"
        message "Clicked" { publish-to "clicks" routing-key="{visitor}"; payload { visitor "string" } }
        service "web" { publishes "Clicked"; user "web" { password env="A" } }
        service "statistics" {
            consumes "clicks" prefetch=100 { on "Clicked" }
            user "statistics" { password env="B" }
        }
    "#;
    let sources = MemorySources::default().with("a.kdl", text);
    let compiled = topoc::check(&["a.kdl".to_owned()], &sources, &Inputs::default());
    assert!(compiled.report.is_empty(), "{:#?}", compiled.report);
    let permission = |user: &str| {
        let mut all = compiled.topology.of(KindId::Permission);
        all.find(|found| found.text("user") == Some(user)).expect("derived")
    };
    assert_eq!(permission("web").text("write"), Some("^clicks$"));
    assert_eq!(permission("statistics").text("read"), Some("^(clicks-0|clicks-1|clicks-2)$"));
}

#[test]
fn services_may_share_a_user() {
    let flows = r#"
        topology "shop" { rabbitmq "3.10" }
        queue "q" type="quorum" max-length=5
        message "M" { publish-to "" routing-key="q" }
        service "a" { publishes "M"; user "app" }
        service "b" { consumes "q" prefetch=4 { on "M" }; user "app" }
    "#;
    for described in ["user \"app\" { password env=\"APP\" }", ""] {
        let found = entities(&format!("{flows}{described}"), &Inputs::default());
        let of_app: Vec<&str> =
            found.iter().map(String::as_str).filter(|line| line.contains("app")).collect();
        let password = if described.is_empty() { "" } else { " password=Secret(env APP)" };
        assert_eq!(
            of_app,
            [
                format!("user app{password}"),
                "permission app configure=Text(\"^$\") read=Text(\"^q$\") write=Text(\"^amq\\\\.default$\")"
                    .to_owned()
            ]
        );
    }
}
