//! 200 orders, some of them failing on purpose, through six processes and one broker that is killed in the middle:
//! every order reaches its end, and none is lost. Each process is a user that has the permissions which topoc derives for
//! its service, and no others.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use topoc_test_support::{Broker, with_users};

const ORDERS: usize = 200;
const SERVICES: &[&str] = &["order", "inventory", "payment", "shipping", "notification", "audit"];
const PASSWORD: &str = "of-services";
/// How long the test waits for anything before it says what is missing.
const PATIENCE: Duration = Duration::from_secs(240);

/// What is ordered, in turn, and how that ends.
const BASKETS: &[(&str, &str)] = &[
    ("teapot", "completed"),
    ("unicorn", "cancelled"), // out of stock
    ("kettle", "completed"),
    ("flaky-lamp", "completed"), // the payment gateway is busy twice
    ("diamond", "cancelled"),    // the card is refused
    ("teacup", "completed"),
    ("cursed-doll", "cancelled"), // a poison message for inventory
    ("spoon", "completed"),
];

/// A process that ends with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The `topoc` of the same build.
fn topoc() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_order-processing")).with_file_name("topoc");
    if !beside.exists() {
        let built =
            Command::new(env!("CARGO")).args(["build", "--quiet", "--package", "topoc"]).status().unwrap();
        assert!(built.success(), "topoc is built");
    }
    beside
}

fn apply(broker: &Broker, dir: &Path) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR"));
    let topology = fs::read_to_string(example.join("topology.kdl")).unwrap();
    fs::write(dir.join("topology.kdl"), with_users(&topology, "PASSWORD")).unwrap();
    fs::copy(example.join("messages.kdl"), dir.join("messages.kdl")).unwrap();
    let applied = Command::new(topoc())
        .args(["apply", "topology.kdl", "--yes", "--var", "transit=500ms"])
        .current_dir(dir)
        .env("TOPOC_BROKER", broker.management_url())
        .env("PASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(applied.status.success(), "{}{}", text(&applied.stdout), text(&applied.stderr));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn start(broker: &Broker, dir: &Path, http: &str) -> Vec<Service> {
    let amqp = broker.amqp_url().replace("%2f", "shop");
    let run = |name: &&str| {
        let log = fs::File::create(dir.join(format!("{name}.log"))).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_order-processing"))
            .arg(name)
            .env("TOPOC_AMQP", amqp.replace("guest:guest", &format!("{name}:{PASSWORD}")))
            .env("ORDER_HTTP", http)
            .env("AUDIT_LOG", dir.join("audit.jsonl"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Service(child)
    };
    SERVICES.iter().map(run).collect()
}

fn customer() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build().into()
}

/// Places an order; while the broker is away the shop may refuse it, and a customer tries again.
fn place(agent: &ureq::Agent, http: &str, index: usize) -> (String, &'static str) {
    let (sku, end) = BASKETS[index % BASKETS.len()];
    let order = json!({
        "customer": format!("customer-{index}"),
        "items": [{ "sku": sku, "quantity": 1 }],
        "urgent": index.is_multiple_of(5),
    });
    let start = Instant::now();
    loop {
        match agent.post(format!("http://{http}/orders")).send_json(&order) {
            Ok(mut answer) => {
                let answer: Value = answer.body_mut().read_json().unwrap();
                return (answer["order-id"].as_str().unwrap().to_owned(), end);
            }
            Err(error) => assert!(start.elapsed() < PATIENCE, "order {index} is not taken: {error}"),
        }
        thread::sleep(Duration::from_millis(200));
    }
}

fn state(agent: &ureq::Agent, http: &str, id: &str) -> String {
    let answer: Value =
        agent.get(format!("http://{http}/orders/{id}")).call().unwrap().body_mut().read_json().unwrap();
    answer["state"].as_str().unwrap().to_owned()
}

/// The messages that stand in each queue.
fn backlog(broker: &Broker) -> BTreeMap<String, u64> {
    let queues = broker.api().get("/api/queues/shop?disable_stats=true&enable_queue_totals=true");
    let queues = queues.as_array().unwrap().iter();
    queues
        .map(|queue| (queue["name"].as_str().unwrap().to_owned(), queue["messages"].as_u64().unwrap_or(0)))
        .filter(|(_, messages)| *messages > 0)
        .collect()
}

/// Tries until it holds, and then says what was in the way.
fn until(what: &str, mut holds: impl FnMut() -> Result<(), String>) {
    let start = Instant::now();
    while let Err(why) = holds() {
        assert!(start.elapsed() < PATIENCE, "{what}: {why}");
        thread::sleep(Duration::from_millis(250));
    }
}

#[test]
fn every_order_reaches_its_end_though_the_broker_is_killed() {
    let mut broker = Broker::start();
    let dir = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let http = format!("127.0.0.1:{port}");
    apply(&broker, dir.path());
    let services = start(&broker, dir.path(), &http);
    let agent = customer();
    until("the shop opens", || {
        agent.get(format!("http://{http}/orders/00000000-0000-0000-0000-000000000000")).call().map_or_else(
            |error| {
                if matches!(error, ureq::Error::StatusCode(404)) { Ok(()) } else { Err(error.to_string()) }
            },
            |_| Ok(()),
        )
    });

    let customers: Vec<_> = (0..4)
        .map(|customer| {
            let http = http.clone();
            thread::spawn(move || {
                let agent = crate::customer();
                let mine = (customer..ORDERS).step_by(4);
                mine.map(|index| {
                    thread::sleep(Duration::from_millis(60));
                    place(&agent, &http, index)
                })
                .collect::<Vec<_>>()
            })
        })
        .collect();
    // in the middle of it, with orders at every stage
    until("a quarter of the orders is on its way", || {
        let lines = fs::read_to_string(dir.path().join("audit.jsonl")).unwrap_or_default().lines().count();
        if lines >= ORDERS { Ok(()) } else { Err(format!("{lines} events")) }
    });
    broker.kill();
    thread::sleep(Duration::from_secs(1));
    broker.restart();
    let placed: Vec<(String, &str)> = customers.into_iter().flat_map(|c| c.join().unwrap()).collect();
    assert_eq!(placed.len(), ORDERS);
    assert_eq!(placed.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len(), ORDERS);

    until("every order reaches its end", || {
        let open: Vec<String> = placed
            .iter()
            .map(|(id, _)| (id, state(&agent, &http, id)))
            .filter(|(_, state)| !matches!(state.as_str(), "completed" | "cancelled"))
            .map(|(id, state)| format!("{id} {state}"))
            .collect();
        if open.is_empty() {
            Ok(())
        } else {
            Err(format!("{} open, {:?}", open.len(), &open[..open.len().min(3)]))
        }
    });
    for (id, end) in &placed {
        assert_eq!(state(&agent, &http, id), *end, "{id}");
    }
    until("every event is written down and every queue is empty", || {
        let log = fs::read_to_string(dir.path().join("audit.jsonl")).unwrap();
        let seen: BTreeSet<(String, String)> = log
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|line| {
                let word = |value: &Value| value.as_str().unwrap().to_owned();
                (word(&line["event"]), word(&line["payload"]["order-id"]))
            })
            .collect();
        for (id, end) in &placed {
            for event in ["order.created".to_owned(), format!("order.{end}")] {
                if !seen.contains(&(event.clone(), id.clone())) {
                    return Err(format!("no {event} of {id} in the audit log"));
                }
            }
        }
        let backlog = backlog(&broker);
        if backlog.is_empty() { Ok(()) } else { Err(format!("{backlog:?}")) }
    });
    drop(services);
}
