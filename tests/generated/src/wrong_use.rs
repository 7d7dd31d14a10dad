//! Wrong use does not compile. Each pair differs in one place: the first compiles, the second does not.
//!
//! # A service publishes what the topology says, and nothing else
//! ```no_run
//! # use topoc_test_generated::common::{PaymentSucceeded, order::Publisher};
//! # async fn example(publish: Publisher, paid: PaymentSucceeded) {
//! publish.payment_succeeded(&paid).await.unwrap();
//! # }
//! ```
//! ```compile_fail,E0599
//! # use topoc_test_generated::common::{PaymentSucceeded, inventory::Publisher};
//! # async fn example(publish: Publisher, paid: PaymentSucceeded) {
//! publish.payment_succeeded(&paid).await.unwrap();
//! # }
//! ```
//!
//! # Every message of a queue has its handler
//! ```no_run
//! # use topoc_runtime::Outcome;
//! # use topoc_test_generated::common::{OrderCreated, PaymentSucceeded, inventory::{Handler, Publisher}};
//! # struct Inventory;
//! impl Handler for Inventory {
//!     async fn order_created(&self, _: OrderCreated, _: &Publisher) -> Outcome { Outcome::ack() }
//!     async fn payment_succeeded(&self, _: PaymentSucceeded, _: &Publisher) -> Outcome { Outcome::ack() }
//! }
//! ```
//! ```compile_fail,E0046
//! # use topoc_runtime::Outcome;
//! # use topoc_test_generated::common::{OrderCreated, PaymentSucceeded, inventory::{Handler, Publisher}};
//! # struct Inventory;
//! impl Handler for Inventory {
//!     async fn order_created(&self, _: OrderCreated, _: &Publisher) -> Outcome { Outcome::ack() }
//! }
//! ```
//!
//! # Every queue has its handlers
//! ```no_run
//! # use topoc_runtime::{Connection, Outcome, Result};
//! # use topoc_test_generated::vhosts::{Account, Balance, InvoiceDue, Noted, books::{self, Audit, Connections, Handler, Invoices}};
//! # struct Books;
//! # impl Handler for Books {
//! #     async fn ask_ledger(&self, _: Account) -> Result<Balance, topoc_runtime::rpc::Failure> {
//! #         Ok(Balance { amount: 0.into() })
//! #     }
//! # }
//! impl Invoices for Books {
//!     async fn invoice_due(&self, _: InvoiceDue) -> Outcome { Outcome::ack() }
//! }
//! impl Audit for Books {
//!     async fn noted(&self, _: Noted) -> Outcome { Outcome::ack() }
//! }
//! # async fn example(connections: Connections) -> Result<()> {
//! books::serve(&connections, Books).await
//! # }
//! ```
//! ```compile_fail,E0277
//! # use topoc_runtime::{Connection, Outcome, Result};
//! # use topoc_test_generated::vhosts::{Account, Balance, InvoiceDue, Noted, books::{self, Audit, Connections, Handler, Invoices}};
//! # struct Books;
//! # impl Handler for Books {
//! #     async fn ask_ledger(&self, _: Account) -> Result<Balance, topoc_runtime::rpc::Failure> {
//! #         Ok(Balance { amount: 0.into() })
//! #     }
//! # }
//! impl Invoices for Books {
//!     async fn invoice_due(&self, _: InvoiceDue) -> Outcome { Outcome::ack() }
//! }
//! # async fn example(connections: Connections) -> Result<()> {
//! books::serve(&connections, Books).await
//! # }
//! ```
//!
//! # A routing key has the values that the topology says
//! ```no_run
//! # use topoc_test_generated::common::{Country, StockMoved, inventory::Publisher};
//! # async fn example(publish: Publisher, moved: StockMoved) {
//! publish.stock_moved(Country::De, &moved).await.unwrap();
//! # }
//! ```
//! ```compile_fail,E0308
//! # use topoc_test_generated::common::{Country, StockMoved, inventory::Publisher};
//! # async fn example(publish: Publisher, moved: StockMoved) {
//! publish.stock_moved("us", &moved).await.unwrap();
//! # }
//! ```
//! ```compile_fail,E0599
//! # use topoc_test_generated::common::{Country, StockMoved, inventory::Publisher};
//! # async fn example(publish: Publisher, moved: StockMoved) {
//! publish.stock_moved(Country::Us, &moved).await.unwrap();
//! # }
//! ```
//!
//! # A message carries its own payload
//! ```no_run
//! # use topoc_test_generated::common::{OrderCreated, PaymentSucceeded, order::Publisher};
//! # async fn example(publish: Publisher, order: OrderCreated, paid: PaymentSucceeded) {
//! publish.order_created(&order).await.unwrap();
//! # }
//! ```
//! ```compile_fail,E0308
//! # use topoc_test_generated::common::{OrderCreated, PaymentSucceeded, order::Publisher};
//! # async fn example(publish: Publisher, order: OrderCreated, paid: PaymentSucceeded) {
//! publish.order_created(&paid).await.unwrap();
//! # }
//! ```
//!
//! # An rpc is called by who says so, and answered with its own type
//! ```no_run
//! # use topoc_test_generated::common::{PaymentDecision, PaymentRequest, inventory::Publisher};
//! # async fn example(publish: Publisher, request: PaymentRequest) {
//! let decision: PaymentDecision = publish.confirm_payment(&request).await.unwrap();
//! # }
//! ```
//! ```compile_fail,E0308
//! # use topoc_test_generated::common::{PaymentDecision, PaymentRequest, inventory::Publisher};
//! # async fn example(publish: Publisher, request: PaymentRequest) {
//! let decision: PaymentRequest = publish.confirm_payment(&request).await.unwrap();
//! # }
//! ```
//! ```compile_fail,E0599
//! # use topoc_test_generated::common::{PaymentDecision, PaymentRequest, order::Publisher};
//! # async fn example(publish: Publisher, request: PaymentRequest) {
//! let decision: PaymentDecision = publish.confirm_payment(&request).await.unwrap();
//! # }
//! ```
//!
//! # A message that is not awaited is not forgotten silently
//! ```no_run
//! #![deny(unused_must_use)]
//! # use topoc_test_generated::common::{PaymentSucceeded, order::Publisher};
//! # async fn example(publish: Publisher, paid: PaymentSucceeded) {
//! publish.payment_succeeded(&paid).await.unwrap();
//! # }
//! ```
//! ```compile_fail
//! #![deny(unused_must_use)]
//! # use topoc_test_generated::common::{PaymentSucceeded, order::Publisher};
//! # async fn example(publish: Publisher, paid: PaymentSucceeded) {
//! publish.payment_succeeded(&paid);
//! # }
//! ```
