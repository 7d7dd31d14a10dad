//! The code that topoc generates for a small topology, written by hand, and services on it.
//! The generator's templates follow this file; this test shows that its shape works on a broker.
//!
//! ```kdl
//! topology "shop"
//! exchange "order.exchange" type="topic"
//! exchange "stock.exchange" type="topic"
//! queue "inventory.queue" type="quorum" {
//!     bind "order.exchange" routing-key="order.created"
//!     bind "order.exchange" routing-key="payment.success"
//!     retry "200ms" "400ms" then="inventory.dead"
//! }
//! queue "stock.queue" type="quorum" { bind "stock.exchange" routing-key="stock.#" }
//! queue "payment.rpc" type="classic"
//! enum "Currency" "EUR" "USD"
//! type "Item" { sku "string"; quantity "u32" }
//! message "OrderCreated" { publish-to "order.exchange" routing-key="order.created"
//!     payload { order-id "uuid"; items "list<Item>"; total "decimal"; currency "Currency"; note "string?" } }
//! message "PaymentSucceeded" { publish-to "order.exchange" routing-key="payment.success"; payload { order-id "uuid" } }
//! message "StockMoved" { publish-to "stock.exchange" routing-key="stock.{country}.{shelf}"
//!     key "country" { one-of "de" "fr" }
//!     payload { order-id "uuid"; shelf "u32" } }
//! rpc "ConfirmPayment" { request "PaymentRequest"; response "PaymentDecision"; queue "payment.rpc"; timeout "5s" }
//! service "order" { publishes "OrderCreated"; publishes "PaymentSucceeded" }
//! service "inventory" {
//!     consumes "inventory.queue" prefetch=16 concurrency=4 { on "OrderCreated"; on "PaymentSucceeded" }
//!     calls "ConfirmPayment"
//!     publishes "StockMoved"
//! }
//! service "payment" { answers "ConfirmPayment" }
//! ```

mod common;

use common::{Seen, broker};
use shop::{Currency, Item, OrderCreated, PaymentDecision, PaymentRequest, PaymentSucceeded, StockMoved};
use std::sync::Arc;
use topoc_runtime::{Connection, Outcome, types::Uuid};

/// What `include_topology!("shop")` brings in.
#[allow(dead_code, unreachable_pub, missing_docs, reason = "a service uses its part")]
pub mod shop {
    use topoc_runtime::codegen::serde;

    /// The enum `Currency`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
    #[serde(crate = "topoc_runtime::codegen::serde")]
    pub enum Currency {
        #[serde(rename = "EUR")]
        Eur,
        #[serde(rename = "USD")]
        Usd,
    }

    /// The type `Item`.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(crate = "topoc_runtime::codegen::serde")]
    pub struct Item {
        pub sku: String,
        pub quantity: u32,
    }

    /// The message `OrderCreated`.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(crate = "topoc_runtime::codegen::serde")]
    pub struct OrderCreated {
        #[serde(rename = "order-id")]
        pub order_id: topoc_runtime::types::Uuid,
        pub items: Vec<Item>,
        pub total: topoc_runtime::types::Decimal,
        pub currency: Currency,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub note: Option<String>,
    }

    /// The message `PaymentSucceeded`.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(crate = "topoc_runtime::codegen::serde")]
    pub struct PaymentSucceeded {
        #[serde(rename = "order-id")]
        pub order_id: topoc_runtime::types::Uuid,
    }

    /// The message `StockMoved`.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(crate = "topoc_runtime::codegen::serde")]
    pub struct StockMoved {
        #[serde(rename = "order-id")]
        pub order_id: topoc_runtime::types::Uuid,
        pub shelf: u32,
    }

    /// The request of `ConfirmPayment`.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(crate = "topoc_runtime::codegen::serde")]
    pub struct PaymentRequest {
        pub amount: topoc_runtime::types::Decimal,
    }

    /// The response of `ConfirmPayment`.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(crate = "topoc_runtime::codegen::serde")]
    pub struct PaymentDecision {
        pub accepted: bool,
    }

    const ORDER_CREATED: topoc_runtime::Message =
        topoc_runtime::Message { name: "OrderCreated", exchange: "order.exchange" };
    const PAYMENT_SUCCEEDED: topoc_runtime::Message =
        topoc_runtime::Message { name: "PaymentSucceeded", exchange: "order.exchange" };
    const STOCK_MOVED: topoc_runtime::Message =
        topoc_runtime::Message { name: "StockMoved", exchange: "stock.exchange" };
    const CONFIRM_PAYMENT: topoc_runtime::rpc::Procedure = topoc_runtime::rpc::Procedure {
        name: "ConfirmPayment",
        queue: "payment.rpc",
        timeout: topoc_runtime::codegen::Duration::from_millis(5000),
    };

    /// The service `order`.
    pub mod order {
        /// Publishes what `order` publishes.
        #[derive(Clone, Debug)]
        pub struct Publisher {
            inner: topoc_runtime::Publisher,
        }

        impl Publisher {
            /// A publisher on `connection`.
            #[must_use]
            pub fn new(connection: &topoc_runtime::Connection) -> Self {
                Self { inner: topoc_runtime::Publisher::new(connection, "order") }
            }

            /// Publishes `OrderCreated` to `order.exchange` with routing key `order.created`.
            pub fn order_created(&self, message: &super::OrderCreated) -> topoc_runtime::Publish<'_> {
                self.inner.publish(&super::ORDER_CREATED, "order.created", message)
            }

            /// Publishes `PaymentSucceeded` to `order.exchange` with routing key `payment.success`.
            pub fn payment_succeeded(&self, message: &super::PaymentSucceeded) -> topoc_runtime::Publish<'_> {
                self.inner.publish(&super::PAYMENT_SUCCEEDED, "payment.success", message)
            }
        }
    }

    /// The service `inventory`.
    pub mod inventory {
        use topoc_runtime::{
            codegen::Arc,
            declare::{Argument, Binding, Declaration, Destination, Exchange, Queue},
        };

        /// The exchanges, queues and bindings that `inventory` uses.
        pub const DECLARATION: Declaration = Declaration {
            exchanges: &[
                Exchange {
                    name: "order.exchange",
                    kind: "topic",
                    durable: true,
                    auto_delete: false,
                    internal: false,
                    external: false,
                    arguments: &[],
                },
                Exchange {
                    name: "stock.exchange",
                    kind: "topic",
                    durable: true,
                    auto_delete: false,
                    internal: false,
                    external: false,
                    arguments: &[],
                },
            ],
            queues: &[
                Queue {
                    name: "inventory.queue",
                    durable: true,
                    exclusive: false,
                    auto_delete: false,
                    external: false,
                    arguments: &[("x-queue-type", Argument::String("quorum"))],
                },
                Queue {
                    name: "inventory.queue.retry.1",
                    durable: true,
                    exclusive: false,
                    auto_delete: false,
                    external: false,
                    arguments: &[
                        ("x-queue-type", Argument::String("quorum")),
                        ("x-message-ttl", Argument::Int(200)),
                        ("x-dead-letter-exchange", Argument::String("")),
                        ("x-dead-letter-routing-key", Argument::String("inventory.queue")),
                    ],
                },
                Queue {
                    name: "inventory.queue.retry.2",
                    durable: true,
                    exclusive: false,
                    auto_delete: false,
                    external: false,
                    arguments: &[
                        ("x-queue-type", Argument::String("quorum")),
                        ("x-message-ttl", Argument::Int(400)),
                        ("x-dead-letter-exchange", Argument::String("")),
                        ("x-dead-letter-routing-key", Argument::String("inventory.queue")),
                    ],
                },
                Queue {
                    name: "inventory.dead",
                    durable: true,
                    exclusive: false,
                    auto_delete: false,
                    external: false,
                    arguments: &[("x-queue-type", Argument::String("quorum"))],
                },
                Queue {
                    name: "stock.queue",
                    durable: true,
                    exclusive: false,
                    auto_delete: false,
                    external: false,
                    arguments: &[("x-queue-type", Argument::String("quorum"))],
                },
                Queue {
                    name: "payment.rpc",
                    durable: true,
                    exclusive: false,
                    auto_delete: false,
                    external: false,
                    arguments: &[],
                },
            ],
            bindings: &[
                Binding {
                    source: "order.exchange",
                    destination: Destination::Queue("inventory.queue"),
                    routing_key: "order.created",
                    arguments: &[],
                },
                Binding {
                    source: "order.exchange",
                    destination: Destination::Queue("inventory.queue"),
                    routing_key: "payment.success",
                    arguments: &[],
                },
                Binding {
                    source: "stock.exchange",
                    destination: Destination::Queue("stock.queue"),
                    routing_key: "stock.#",
                    arguments: &[],
                },
            ],
        };

        /// Declares [`DECLARATION`].
        pub async fn declare(connection: &topoc_runtime::Connection) -> topoc_runtime::Result<()> {
            connection.declare(&DECLARATION).await
        }

        /// The key parameter `country` of `StockMoved`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Country {
            De,
            Fr,
        }

        impl Country {
            /// The word in the routing key.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::De => "de",
                    Self::Fr => "fr",
                }
            }
        }

        /// Publishes what `inventory` publishes, and calls what it calls.
        #[derive(Clone, Debug)]
        pub struct Publisher {
            inner: topoc_runtime::Publisher,
            client: topoc_runtime::rpc::Client,
        }

        impl Publisher {
            /// A publisher on `connection`.
            #[must_use]
            pub fn new(connection: &topoc_runtime::Connection) -> Self {
                Self {
                    inner: topoc_runtime::Publisher::new(connection, "inventory"),
                    client: topoc_runtime::rpc::Client::new(connection, "inventory"),
                }
            }

            /// Publishes `StockMoved` to `stock.exchange` with routing key `stock.{country}.{shelf}`.
            pub fn stock_moved(
                &self,
                country: Country,
                message: &super::StockMoved,
            ) -> topoc_runtime::Publish<'_> {
                let routing_key = format!("stock.{}.{}", country.as_str(), message.shelf);
                self.inner.publish(&super::STOCK_MOVED, routing_key, message)
            }

            /// Calls `ConfirmPayment`.
            pub fn confirm_payment(
                &self,
                request: &super::PaymentRequest,
            ) -> topoc_runtime::rpc::Call<'_, super::PaymentDecision> {
                self.client.call(&super::CONFIRM_PAYMENT, request)
            }
        }

        /// What `inventory` hears.
        pub trait Handler: Send + Sync + 'static {
            /// `OrderCreated` from `inventory.queue`.
            fn order_created(
                &self,
                message: super::OrderCreated,
                publish: &Publisher,
            ) -> impl Future<Output = topoc_runtime::Outcome> + Send;

            /// `PaymentSucceeded` from `inventory.queue`.
            fn payment_succeeded(
                &self,
                message: super::PaymentSucceeded,
                publish: &Publisher,
            ) -> impl Future<Output = topoc_runtime::Outcome> + Send;
        }

        struct InventoryQueue<H> {
            handler: Arc<H>,
            publisher: Publisher,
        }

        impl<H: Handler> topoc_runtime::Dispatch for InventoryQueue<H> {
            async fn dispatch(&self, delivery: topoc_runtime::Delivery) -> topoc_runtime::Outcome {
                if delivery.is("OrderCreated", &["order.created"]) {
                    match delivery.json() {
                        Ok(message) => Handler::order_created(&*self.handler, message, &self.publisher).await,
                        Err(error) => error.into(),
                    }
                } else if delivery.is("PaymentSucceeded", &["payment.success"]) {
                    match delivery.json() {
                        Ok(message) => {
                            Handler::payment_succeeded(&*self.handler, message, &self.publisher).await
                        }
                        Err(error) => error.into(),
                    }
                } else {
                    delivery.unknown().into()
                }
            }
        }

        /// Runs the service until the order to stop.
        pub async fn serve<H: Handler>(
            connection: &topoc_runtime::Connection,
            handler: H,
        ) -> topoc_runtime::Result<()> {
            let handler = Arc::new(handler);
            let publisher = Publisher::new(connection);
            topoc_runtime::Server::new(connection, "inventory")
                .consume(
                    topoc_runtime::Consume::new("inventory.queue").prefetch(16).concurrency(4).ladder(
                        topoc_runtime::Ladder::new(
                            &["inventory.queue.retry.1", "inventory.queue.retry.2"],
                            "inventory.dead",
                        ),
                    ),
                    InventoryQueue { handler, publisher },
                )
                .run()
                .await
        }
    }

    /// The service `payment`.
    pub mod payment {
        use topoc_runtime::codegen::Arc;

        /// What `payment` answers.
        pub trait Handler: Send + Sync + 'static {
            /// `ConfirmPayment`.
            fn confirm_payment(
                &self,
                request: super::PaymentRequest,
            ) -> impl Future<Output = Result<super::PaymentDecision, topoc_runtime::rpc::Failure>> + Send;
        }

        struct ConfirmPayment<H> {
            handler: Arc<H>,
        }

        impl<H: Handler> topoc_runtime::rpc::Answer for ConfirmPayment<H> {
            async fn answer(
                &self,
                request: topoc_runtime::Delivery,
            ) -> Result<Vec<u8>, topoc_runtime::rpc::Failure> {
                let answer = Handler::confirm_payment(&*self.handler, request.json()?);
                topoc_runtime::rpc::response(&answer.await?)
            }
        }

        /// Runs the service until the order to stop.
        pub async fn serve<H: Handler>(
            connection: &topoc_runtime::Connection,
            handler: H,
        ) -> topoc_runtime::Result<()> {
            let handler = Arc::new(handler);
            topoc_runtime::Server::new(connection, "payment")
                .answer(super::CONFIRM_PAYMENT.requests(), ConfirmPayment { handler })
                .run()
                .await
        }
    }
}

struct Inventory {
    seen: Arc<Seen<String>>,
}

impl shop::inventory::Handler for Inventory {
    async fn order_created(&self, order: OrderCreated, publish: &shop::inventory::Publisher) -> Outcome {
        self.seen.push(format!("created {}", order.items[0].sku));
        match publish.confirm_payment(&PaymentRequest { amount: order.total }).await {
            Ok(PaymentDecision { accepted: true }) => {
                let moved = StockMoved { order_id: order.order_id, shelf: 7 };
                publish.stock_moved(shop::inventory::Country::De, &moved).priority(3).await.into()
            }
            Ok(PaymentDecision { accepted: false }) => Outcome::dead_letter("the payment is refused"),
            Err(error) => Outcome::retry_because(error),
        }
    }

    async fn payment_succeeded(&self, _: PaymentSucceeded, _: &shop::inventory::Publisher) -> Outcome {
        self.seen.push("paid".into());
        Outcome::ack()
    }
}

struct Payment;

impl shop::payment::Handler for Payment {
    async fn confirm_payment(
        &self,
        request: PaymentRequest,
    ) -> Result<PaymentDecision, topoc_runtime::rpc::Failure> {
        Ok(PaymentDecision { accepted: request.amount < 100.into() })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_services_work_together() {
    let vhost = broker();
    let connection = Connection::connect(&vhost.amqp_url()).await.unwrap();
    shop::inventory::declare(&connection).await.unwrap();

    let seen = Arc::new(Seen::default());
    let inventory = Inventory { seen: Arc::clone(&seen) };
    let services = [
        tokio::spawn({
            let connection = connection.clone();
            async move { shop::inventory::serve(&connection, inventory).await }
        }),
        tokio::spawn({
            let connection = connection.clone();
            async move { shop::payment::serve(&connection, Payment).await }
        }),
    ];

    let publish = shop::order::Publisher::new(&connection);
    let order = |sku: &str, total: i64| OrderCreated {
        order_id: Uuid::new_v4(),
        items: vec![Item { sku: sku.into(), quantity: 1 }],
        total: total.into(),
        currency: Currency::Eur,
        note: None,
    };
    let cheap = order("cheap", 10);
    publish.order_created(&cheap).await.unwrap();
    publish.order_created(&order("dear", 1000)).await.unwrap();
    publish.payment_succeeded(&PaymentSucceeded { order_id: cheap.order_id }).await.unwrap();

    let moved = common::next(&vhost, "stock.queue").await;
    assert_eq!(moved.routing_key.as_str(), "stock.de.7");
    assert_eq!(*moved.properties.priority(), Some(3));
    let message: StockMoved = serde_json::from_slice(&moved.data).unwrap();
    assert_eq!(message.order_id, cheap.order_id);
    let dead = common::next(&vhost, "inventory.dead").await;
    assert_eq!(common::header(&dead, "x-topoc-reason"), "the payment is refused");
    assert_eq!(common::header(&dead, "x-topoc-routing-key"), "order.created");
    seen.until(3).await;
    assert_eq!(seen.sorted(), ["created cheap", "created dear", "paid"]);

    connection.shutdown().trigger();
    for service in services {
        service.await.unwrap().unwrap();
    }
    assert!(!connection.is_connected());
}
