//! The management API's client against real nodes: names, refusals, restarts, TLS.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use serde_json::{Value, json};
use topoc::broker::{Client, Error, Options, Request, Secret};
use topoc_test_support::{Broker, Certificates, Options as NodeOptions, Shared, Version};

fn client(address: &str) -> Client {
    client_with(Options { broker: Some(Secret::new(address)), ..Options::default() })
}

fn client_with(options: Options) -> Client {
    Client::new(options.open().unwrap()).unwrap()
}

/// What a person would read.
fn shown(error: &Error) -> String {
    format!("{error}\n{}", error.help().unwrap_or_default())
}

/// Answers every connection with the same bytes, until the test ends.
fn answering(bytes: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(bytes.as_bytes());
        }
    });
    address.to_string()
}

/// A loopback port that nothing listens on.
fn dead() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

async fn any_name_comes_back(shared: &'static Shared) {
    let vhost = shared.vhost();
    let client = client(shared.management_url());
    for name in ["orders", "a/b", "a%2fb", "zwei Wörter", "?#&=+", "日本", "...", "semi;colon", "\u{1}"] {
        let queue = ["queues", vhost.name(), name];
        client.send(&Request::put(&queue, json!({"durable": true}))).await.unwrap();
        assert_eq!(client.send(&Request::get(&queue)).await.unwrap()["name"], name);
    }
    for name in ["orders", "a/b", "a%2fb"] {
        let queue = ["queues", vhost.name(), name];
        assert_eq!(client.send(&Request::delete(&queue)).await, Ok(Value::Null));
        assert_eq!(client.find(&Request::get(&queue)).await, Ok(None));
    }
    let queues =
        client.send(&Request::get(&["queues", vhost.name()]).query("columns", "name")).await.unwrap();
    assert_eq!(queues.as_array().map(Vec::len), Some(6), "{queues}");
}

#[tokio::test]
async fn any_name_comes_back_3_10() {
    any_name_comes_back(Shared::get()).await;
}

#[tokio::test]
async fn any_name_comes_back_rabbitmq_4_0() {
    if let Some(shared) = Shared::get_or_skip(Version::V4_0) {
        any_name_comes_back(shared).await;
    }
}

#[tokio::test]
async fn a_name_that_no_path_can_say_is_not_sent() {
    let client = client(Shared::get().management_url());
    let error = client.send(&Request::delete(&["vhosts", ".."])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the name `..` has no path in the management API, so DELETE cannot be asked for it"
    );
}

#[tokio::test]
async fn the_broker_tells_its_version_and_where_it_speaks_amqp() {
    let shared = Shared::get();
    let known = client(shared.management_url());
    let overview = known.overview().await.unwrap();
    assert!(overview.version.starts_with("3.10."), "{overview:?}");
    assert_eq!(overview.node.as_deref(), Some("rabbit@localhost"));
    assert_eq!(known.amqp(&overview).await.unwrap()[0].url("/").expose().to_lowercase(), shared.amqp_url());

    let told = Options {
        broker: Some(Secret::new(shared.management_url())),
        amqp: Some(Secret::new("amqp://elsewhere")),
        ..Options::default()
    };
    assert_eq!(client_with(told).amqp(&overview).await.unwrap()[0].to_string(), "amqp://elsewhere:5672");
}

#[tokio::test]
async fn a_wrong_password_is_told_without_showing_it() {
    let shared = Shared::get();
    let client = client(&shared.management_url().replace("guest:guest", "guest:s3cret"));
    let error = client.overview().await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error:?}");
    let shown = shown(&error);
    assert!(shown.contains("the broker does not allow this to `guest`: Login failed"), "{shown}");
    assert!(shown.contains("TOPOC_BROKER_PASSWORD"), "{shown}");
    assert!(!format!("{shown}{error:?}{client:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_user_who_may_not_is_told_the_command_that_lets_him() {
    let shared = Shared::get();
    let vhost = shared.vhost();
    let name = format!("clerk-{}", vhost.name());
    shared.api().put(&format!("/api/users/{name}"), &json!({"password": "pw", "tags": ""}));
    let client = client(&shared.management_url().replace("guest:guest", &format!("{name}:pw")));

    let error = client.overview().await.unwrap_err();
    assert_eq!(error.help(), Some(format!("rabbitmqctl set_user_tags {name} management")), "{error}");

    shared.api().put(&format!("/api/users/{name}"), &json!({"password": "pw", "tags": "management"}));
    let overview = client.overview().await.unwrap();
    let usual = client.amqp(&overview).await.unwrap()[0].to_string();
    assert!(usual.ends_with(":5672"), "no listeners for him, so the usual port: {usual}");
    let error = client.send(&Request::get(&["users"])).await.unwrap_err();
    assert_eq!(error.help(), Some(format!("rabbitmqctl set_user_tags {name} administrator")), "{error}");
    let queue = Request::put(&["queues", vhost.name(), "q"], json!({}));
    let error = client.send(&queue).await.unwrap_err();
    assert!(error.help().unwrap().starts_with("rabbitmqctl set_permissions"), "{error}");
    shared.api().delete(&format!("/api/users/{name}"));
}

#[tokio::test]
async fn a_refusal_has_the_brokers_words() {
    let vhost = Shared::get().vhost();
    let client = client(Shared::get().management_url());
    let queue = Request::put(&["queues", vhost.name(), "q"], json!({"arguments": {"x-max-length": "1"}}));
    let error = client.send(&queue).await.unwrap_err();
    assert!(matches!(error, Error::Refused { status: 400, .. }), "{error:?}");
    let reason = error.reason().unwrap();
    assert!(reason.contains("invalid arg 'x-max-length' for queue 'q'"), "{reason}");
    assert!(error.to_string().starts_with("PUT http://127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn what_a_request_rests_on_is_told_when_it_is_missing() {
    let vhost = Shared::get().vhost();
    let client = client(Shared::get().management_url());
    let binding = ["bindings", vhost.name(), "e", "amq.topic", "q", "nope"];
    let request = Request::post(&binding, json!({"routing_key": "k", "arguments": {}}));
    let error = client.send(&request).await.unwrap_err();
    assert!(matches!(error, Error::Refused { status: 404, .. }), "{error:?}");
    assert!(error.reason().unwrap().starts_with("no queue 'nope' in vhost "), "{error}");
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_told_at_once() {
    let error = client(&format!("http://{}", dead())).overview().await.unwrap_err();
    let shown = shown(&error);
    assert!(shown.contains("connection refused"), "{shown}");
    assert!(shown.contains("rabbitmq-plugins enable rabbitmq_management"), "{shown}");
}

#[tokio::test]
async fn what_is_not_the_management_api_is_told_as_that() {
    let shared = Shared::get();
    let amqp = shared.amqp_url().rsplit('@').next().unwrap().replace("/%2f", "");
    let error = client(&format!("http://{amqp}")).overview().await.unwrap_err();
    assert!(error.to_string().ends_with("it does not speak HTTP"), "{error}");

    let error = client(&format!("{}/elsewhere", shared.management_url())).overview().await.unwrap_err();
    assert!(error.to_string().ends_with("it has no overview"), "{error}");

    let page = answering("HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\n<h1>no\n</");
    let error = client(&format!("http://{page}")).find(&Request::get(&["queues"])).await.unwrap_err();
    assert!(error.to_string().ends_with("management API: 404 Not Found: <h1>no </"), "{error}");

    let moved =
        answering("HTTP/1.1 301 Moved\r\nlocation: https://mq.example.com/\r\ncontent-length: 0\r\n\r\n");
    let error = client(&format!("http://{moved}")).overview().await.unwrap_err();
    assert!(error.to_string().ends_with("it sends on to https://mq.example.com/"), "{error}");
}

#[tokio::test]
async fn a_dead_endpoint_is_passed_over() {
    let shared = Shared::get();
    let dead = dead();
    let client = client(&format!("http://{dead},{}", shared.management_url()));
    assert_eq!(client.endpoint().to_string(), format!("http://{dead}"));
    client.overview().await.unwrap();
    assert_eq!(client.endpoint().to_string(), shared.management_url().replace("guest:guest@", ""));
    let bindings = Request::post(&["exchanges", "/", "amq.default", "publish"], json!({}));
    assert!(matches!(client.send(&bindings).await, Err(Error::Refused { status: 400, .. })));

    let both = format!("http://{dead},http://{}", self::dead());
    let error = self::client(&both).overview().await.unwrap_err();
    assert!(error.to_string().starts_with("none of the broker's 2 endpoints answers: http://127"), "{error}");
}

#[tokio::test]
async fn an_accident_is_passed_over_and_told_when_it_stays() {
    let accident =
        answering("HTTP/1.1 503 Unavailable\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlater");
    let shared = Shared::get();
    client(&format!("http://{accident},{}", shared.management_url())).overview().await.unwrap();
    let error = client(&format!("http://{accident}")).overview().await.unwrap_err();
    assert!(error.to_string().ends_with("503 Service Unavailable: later (503)"), "{error}");
}

#[tokio::test]
async fn only_what_is_repeatable_is_sent_again() {
    let silent = answering("");
    let client = client(&format!("http://{silent},{}", Shared::get().management_url()));
    let once = Request::post(&["definitions"], json!({}));
    let error = client.send(&once).await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error:?}");
    client.send(&once.repeatable()).await.unwrap();
}

#[tokio::test]
async fn a_node_that_restarts_is_waited_for() {
    let mut broker = Broker::start();
    let client = client(&broker.management_url());
    client.overview().await.unwrap();
    broker.kill();
    let restarted = tokio::task::spawn_blocking(move || {
        broker.restart();
        broker
    });
    client.send(&Request::put(&["queues", "/", "later"], json!({"durable": true}))).await.unwrap();
    let broker = restarted.await.unwrap();
    assert_eq!(broker.api().get("/api/queues/%2F/later")["name"], "later");
}

#[tokio::test]
async fn tls_with_an_authority_and_a_client_certificate_of_ones_own() {
    let certificates = Certificates::generate();
    let broker = Broker::start_with(NodeOptions { tls: Some(&certificates), ..NodeOptions::default() });
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: &str| {
        let path = files.path().join(name);
        fs::write(&path, pem).unwrap();
        Some(path)
    };
    let options = |address: &str| Options { broker: Some(Secret::new(address)), ..Options::default() };
    let trusting = |address: &str| Options { ca: file("ca.pem", certificates.ca()), ..options(address) };
    let complete = |address: &str| Options {
        certificate: file("client.pem", certificates.client().certificate()),
        key: file("client-key.pem", certificates.client().key()),
        ..trusting(address)
    };
    let https = broker.management_tls_url();

    let known = client_with(complete(&https));
    let overview = known.overview().await.unwrap();
    assert_eq!(known.amqp(&overview).await.unwrap()[0].url("/").expose().to_lowercase(), broker.amqps_url());

    let trouble = async |options: Options| shown(&client_with(options).overview().await.unwrap_err());
    let unknown = trouble(options(&https)).await;
    assert!(
        unknown.contains("its certificate is not trusted") && unknown.contains("TOPOC_BROKER_CA"),
        "{unknown}"
    );
    let nobody = trouble(trusting(&https)).await;
    assert!(
        nobody.contains("wants a client certificate") && nobody.contains("TOPOC_BROKER_CERT"),
        "{nobody}"
    );
    let plain = trouble(options(&https.replace("https", "http"))).await;
    assert!(plain.contains("it does not speak HTTP") && plain.contains("write https://"), "{plain}");
    let tls = trouble(trusting(&broker.management_url().replace("http", "https"))).await;
    assert!(tls.contains("it does not speak TLS") && tls.contains("write http://"), "{tls}");

    let stranger = Certificates::generate();
    let mismatched = Options { key: file("other-key.pem", stranger.client().key()), ..complete(&https) };
    let error = Client::new(mismatched.open().unwrap()).unwrap_err();
    assert!(error.help().unwrap().contains("TOPOC_BROKER_KEY"), "{error}");
    let not_pem = Options { ca: Some(Path::new(file!()).to_owned()), ..options(&https) };
    let error = Client::new(not_pem.open().unwrap()).unwrap_err();
    assert!(error.to_string().contains("no certificate in PEM form"), "{error}");
}
