//! Services on generated code talk to each other on a broker.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use topoc_runtime::{
    Connection, Delivery, Outcome, PublishError, Result,
    rpc::{CallError, Failure},
    types::Uuid,
};
use topoc_test_generated::{common, properties, queues, super_streams, vhosts};
use topoc_test_support::{Shared, Vhost};

/// How long a test waits for what must happen, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn push(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// What was seen once there are so many, sorted.
    async fn sorted(&self, count: usize) -> Vec<String> {
        eventually(&format!("{count} messages are seen"), || self.0.lock().unwrap().len() >= count).await;
        let mut all = self.0.lock().unwrap().clone();
        all.sort();
        all
    }
}

async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "did not happen: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn connect(vhost: &Vhost) -> Connection {
    Connection::connect(&vhost.amqp_url()).await.unwrap()
}

/// Takes the next message out of a queue, as the management API shows it.
async fn next(vhost: &Vhost, queue: &str) -> Value {
    let path = format!("/api/queues/{}/{queue}/get", vhost.name());
    let body = json!({"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"});
    let mut found = Value::Null;
    eventually(&format!("a message in {queue}"), || {
        found = vhost.api().post(&path, &body)[0].clone();
        !found.is_null()
    })
    .await;
    found
}

async fn stop(connections: &[&Connection], services: Vec<JoinHandle<Result<()>>>) {
    for connection in connections {
        connection.shutdown().trigger();
    }
    for service in services {
        service.await.unwrap().unwrap();
    }
}

fn run(service: impl Future<Output = Result<()>> + Send + 'static) -> JoinHandle<Result<()>> {
    tokio::spawn(service)
}

struct Inventory(Seen);

impl common::inventory::Handler for Inventory {
    async fn order_created(
        &self,
        order: common::OrderCreated,
        publish: &common::inventory::Publisher,
    ) -> Outcome {
        self.0.push(format!("created {} {:?}", order.items[0].sku, order.note));
        match publish.confirm_payment(&common::PaymentRequest { amount: order.total }).await {
            Ok(common::PaymentDecision { accepted: true }) => {
                let moved = common::StockMoved { order_id: order.order_id, shelf: 7 };
                publish.stock_moved(common::Country::De, &moved).await.into()
            }
            Ok(common::PaymentDecision { accepted: false }) => Outcome::dead_letter("refused"),
            Err(CallError::Server { failure, .. }) => Outcome::dead_letter(failure),
            Err(error) => Outcome::retry_because(error),
        }
    }

    async fn payment_succeeded(
        &self,
        _: common::PaymentSucceeded,
        _: &common::inventory::Publisher,
    ) -> Outcome {
        self.0.push("paid");
        Outcome::ack()
    }
}

struct Payment;

impl common::payment::Handler for Payment {
    async fn confirm_payment(
        &self,
        request: common::PaymentRequest,
    ) -> Result<common::PaymentDecision, Failure> {
        if request.amount == 13.into() {
            return Err(Failure::new("unlucky", "not this amount"));
        }
        Ok(common::PaymentDecision { accepted: request.amount < 100.into() })
    }
}

fn order(sku: &str, total: i64) -> common::OrderCreated {
    common::OrderCreated {
        order_id: Uuid::new_v4(),
        items: vec![common::Item { sku: sku.into(), quantity: 1 }],
        total: total.into(),
        currency: common::Currency::Eur,
        note: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_a_handler_and_an_rpc_work_together() {
    let vhost = Shared::get().vhost();
    let connection = connect(&vhost).await;
    let publish = common::order::Publisher::new(&connection);
    common::order::declare(&connection).await.unwrap();
    // the consumer's queue is the consumer's own part
    let lost = publish.order_created(&order("early", 10)).await;
    assert!(matches!(lost, Err(PublishError::Unroutable { .. })), "{lost:?}");
    common::inventory::declare(&connection).await.unwrap();
    common::payment::declare(&connection).await.unwrap();
    common::inventory::declare(&connection).await.unwrap();

    let seen = Seen::default();
    let services = vec![
        run({
            let (connection, inventory) = (connection.clone(), Inventory(seen.clone()));
            async move { common::inventory::serve(&connection, inventory).await }
        }),
        run({
            let connection = connection.clone();
            async move { common::payment::serve(&connection, Payment).await }
        }),
    ];
    let cheap = order("cheap", 10);
    publish.order_created(&cheap).await.unwrap();
    publish.order_created(&order("dear", 1000)).await.unwrap();
    publish.order_created(&order("unlucky", 13)).await.unwrap();
    publish.payment_succeeded(&common::PaymentSucceeded { order_id: cheap.order_id }).await.unwrap();
    // another client sets no type: the routing key tells what it is
    let foreign = json!({
        "routing_key": "payment.success",
        "payload": format!("{{\"order-id\": \"{}\"}}", cheap.order_id),
        "payload_encoding": "string",
        "properties": {},
    });
    let path = format!("/api/exchanges/{}/order.exchange/publish", vhost.name());
    assert_eq!(vhost.api().post(&path, &foreign), json!({"routed": true}));

    let moved = next(&vhost, "stock.queue").await;
    assert_eq!(moved["routing_key"], "stock.de.7");
    assert_eq!(moved["properties"]["type"], "StockMoved");
    assert_eq!(moved["properties"]["app_id"], "inventory");
    assert_eq!(
        moved["payload"].as_str(),
        Some(&*json!({"order-id": cheap.order_id, "shelf": 7}).to_string())
    );
    let mut reasons: Vec<String> = Vec::new();
    for _ in 0..2 {
        let dead = next(&vhost, "inventory.dead").await;
        let headers = &dead["properties"]["headers"];
        assert_eq!(headers["x-topoc-routing-key"], "order.created");
        reasons.push(headers["x-topoc-reason"].as_str().unwrap().to_owned());
    }
    reasons.sort();
    assert_eq!(reasons, ["refused", "unlucky: not this amount"]);
    let expected = ["created cheap None", "created dear None", "created unlucky None", "paid", "paid"];
    assert_eq!(seen.sorted(5).await, expected);
    stop(&[&connection], services).await;
    assert!(!connection.is_connected());
}

#[tokio::test(flavor = "multi_thread")]
async fn properties_and_headers_are_on_the_wire() {
    let vhost = Shared::get().vhost();
    let connection = connect(&vhost).await;
    properties::clerk::declare(&connection).await.unwrap();
    let publish = properties::crier::Publisher::new(&connection);
    let (trace, since) = (Uuid::new_v4(), "2026-11-21T12:00:00Z".parse().unwrap());
    let urgent = properties::Urgent { id: Uuid::new_v4() };
    publish.urgent("me", properties::Level::High, trace, since, None, Some(3), &urgent).await.unwrap();
    let found = next(&vhost, "gold").await;
    let found = &found["properties"];
    let headers = json!({
        "tier": "gold", "weight": 2_500_000, "factor": 0.5, "checked": true, "who": "me", "level": "high",
        "trace-id": trace, "since": "2026-11-21T12:00:00+00:00", "count": 3,
    });
    assert_eq!(found["headers"], headers);
    assert_eq!(found["priority"], 4);
    assert_eq!(found["expiration"], "90000");
    assert_eq!(found["delivery_mode"], 2);

    publish.fleeting(&properties::Fleeting {}).await.unwrap();
    let found = next(&vhost, "gold").await;
    assert_eq!(found["properties"]["delivery_mode"], 1);
    assert_eq!(found["properties"]["expiration"], "1500");
    assert_eq!(found["payload"], "{}");
    // it is not mandatory: nobody minds that no queue is there
    vhost.api().delete(&format!("/api/queues/{}/gold", vhost.name()));
    publish.fleeting(&properties::Fleeting {}).await.unwrap();
    connection.close().await;
}

struct Worker(Seen);

impl queues::worker::OrdersNormal for Worker {
    async fn order_created(&self, _: queues::OrderCreated, _: &queues::worker::Publisher) -> Outcome {
        self.0.push("normal");
        Outcome::ack()
    }
}

impl queues::worker::OrdersVip for Worker {
    async fn order_created(&self, _: queues::OrderCreated, _: &queues::worker::Publisher) -> Outcome {
        self.0.push("vip");
        Outcome::retry_because("busy")
    }
}

impl queues::worker::Copies for Worker {
    async fn copies(&self, delivery: Delivery, publish: &queues::worker::Publisher) -> Outcome {
        self.0.push(format!("copy of {}", delivery.routing_key()));
        let answer = publish.help(&queues::Question { text: "what now".into() }).await;
        self.0.push(answer.map_or_else(|error| error.to_string(), |answer| answer.text));
        Outcome::ack()
    }
}

impl queues::worker::Handler for Worker {
    async fn help(
        &self,
        request: queues::Question,
        _: &queues::worker::Publisher,
    ) -> Result<queues::Answer, Failure> {
        Ok(queues::Answer { text: format!("{}: nothing", request.text) })
    }

    async fn order_created(
        &self,
        _: queues::Question,
        _: &queues::worker::Publisher,
    ) -> Result<queues::Answer, Failure> {
        Err(Failure::new("no", "nobody asks this"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_hears_several_queues() {
    let vhost = Shared::get().vhost();
    let connection = connect(&vhost).await;
    queues::worker::declare(&connection).await.unwrap();
    let seen = Seen::default();
    let service = run({
        let (connection, worker) = (connection.clone(), Worker(seen.clone()));
        async move { queues::worker::serve(&connection, worker).await }
    });
    let publish = queues::shop::Publisher::new(&connection);
    publish.order_created(&queues::OrderCreated { id: Uuid::new_v4() }).await.unwrap();
    let expected = ["copy of order.created", "normal", "vip", "vip", "what now: nothing"];
    assert_eq!(seen.sorted(5).await, expected);
    // its ladder ends where `then` says, whatever its other dead letters do
    let gone = next(&vhost, "orders.gone").await;
    assert_eq!(gone["properties"]["headers"]["x-topoc-reason"], "busy");
    stop(&[&connection], vec![service]).await;
}

struct Bridge;

impl vhosts::bridge::Handler for Bridge {
    async fn order_placed(&self, order: vhosts::OrderPlaced, publish: &vhosts::bridge::Publisher) -> Outcome {
        let balance = match publish.ask_ledger(&vhosts::Account { id: order.id }).await {
            Ok(balance) => balance,
            Err(error) => return Outcome::retry_because(error),
        };
        let due = vhosts::InvoiceDue { id: order.id, amount: balance.amount };
        if let Err(error) = publish.invoice_due(&due).await {
            return Outcome::retry_because(error);
        }
        publish.noted(&vhosts::Noted { text: "billed".into() }).await.into()
    }
}

struct Books(Seen);

impl vhosts::books::Invoices for Books {
    async fn invoice_due(&self, due: vhosts::InvoiceDue) -> Outcome {
        self.0.push(format!("due {}", due.amount));
        Outcome::ack()
    }
}

impl vhosts::books::Audit for Books {
    async fn noted(&self, noted: vhosts::Noted) -> Outcome {
        self.0.push(noted.text);
        Outcome::ack()
    }
}

impl vhosts::books::Handler for Books {
    async fn ask_ledger(&self, _: vhosts::Account) -> Result<vhosts::Balance, Failure> {
        Ok(vhosts::Balance { amount: 42.into() })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_works_in_several_vhosts() {
    let (shop, office, root) = (Shared::get().vhost(), Shared::get().vhost(), Shared::get().vhost());
    let till = connect(&shop).await;
    let bridge = vhosts::bridge::Connections {
        shop: connect(&shop).await,
        back_office: connect(&office).await,
        default_vhost: connect(&root).await,
    };
    let books = vhosts::books::Connections {
        back_office: connect(&office).await,
        default_vhost: connect(&root).await,
    };
    vhosts::bridge::declare(&bridge).await.unwrap();
    vhosts::books::declare(&books).await.unwrap();
    let seen = Seen::default();
    let services = vec![
        run({
            let bridge = bridge.clone();
            async move { vhosts::bridge::serve(&bridge, Bridge).await }
        }),
        run({
            let (books, handler) = (books.clone(), Books(seen.clone()));
            async move { vhosts::books::serve(&books, handler).await }
        }),
    ];
    let placed = vhosts::OrderPlaced { id: Uuid::new_v4() };
    vhosts::till::Publisher::new(&till).order_placed(&placed).await.unwrap();
    assert_eq!(seen.sorted(2).await, ["billed", "due 42"]);
    stop(&[&bridge.shop, &books.back_office, &books.default_vhost], services).await;
}

struct Statistics(Seen);

impl super_streams::statistics::Handler for Statistics {
    async fn clicked(&self, clicked: super_streams::Clicked) -> Outcome {
        self.0.push(format!("{} on {}", clicked.visitor, clicked.page));
        Outcome::ack()
    }

    async fn entered(&self, entered: super_streams::Entered) -> Outcome {
        self.0.push(entered.visitor);
        Outcome::ack()
    }

    async fn left(&self, _: super_streams::Left) -> Outcome {
        self.0.push("left");
        Outcome::ack()
    }

    async fn scrolled(&self, scrolled: super_streams::Scrolled) -> Outcome {
        self.0.push(scrolled.device.as_str());
        Outcome::ack()
    }

    async fn closed(&self, _: super_streams::Closed) -> Outcome {
        self.0.push("closed");
        Outcome::ack()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_partitions_of_a_super_stream_have_one_handler() {
    let vhost = Shared::get().vhost();
    let connection = connect(&vhost).await;
    super_streams::statistics::declare(&connection).await.unwrap();
    let seen = Seen::default();
    let service = run({
        let (connection, statistics) = (connection.clone(), Statistics(seen.clone()));
        async move { super_streams::statistics::serve(&connection, statistics).await }
    });
    let publish = super_streams::web::Publisher::new(&connection);
    // one for each partition; a stream's consumer hears what comes after it has subscribed
    let visitors = ["hello1", "hello2", "hello4"];
    let start = Instant::now();
    while !visitors.iter().all(|visitor| seen.0.lock().unwrap().iter().any(|found| found == visitor)) {
        assert!(start.elapsed() < PATIENCE, "not every partition is heard: {:?}", seen.0);
        for visitor in visitors {
            publish.entered(&super_streams::Entered { visitor: visitor.into() }).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    publish.clicked(&super_streams::Clicked { visitor: "hello1".into(), page: 3 }).await.unwrap();
    publish.left("hello1", &super_streams::Left {}).await.unwrap();
    publish.scrolled(&super_streams::Scrolled { device: super_streams::Device::Phone }).await.unwrap();
    publish.closed(&super_streams::Closed {}).await.unwrap();
    eventually("all messages are heard", || {
        let seen = seen.0.lock().unwrap();
        ["hello1 on 3", "left", "phone", "closed"].iter().all(|text| seen.iter().any(|found| found == text))
    })
    .await;
    stop(&[&connection], vec![service]).await;
}
