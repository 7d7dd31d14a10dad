//! Everything over TLS: the management API, and AMQP, by which is counted what a queue holds.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
};

use topoc_test_support::{Broker, Certificates, Options, Version, available_or_skip};

use crate::world::{Said, World};

const QUEUE: &str = "topology \"secure\"\nvhost \"secure\" { queue \"q\" type=\"quorum\" }";
const NONE: &str = "topology \"secure\"\nvhost \"secure\"";

/// A node that wants to see a client certificate.
struct Secure {
    world: World,
    ours: Certificates,
}

impl Secure {
    fn start(version: Version) -> Self {
        let ours = Certificates::generate();
        let world = World::on(Options { version, tls: Some(&ours), ..Options::default() });
        Self { world, ours }
    }

    fn broker(&self) -> &Broker {
        &self.world.broker
    }

    fn file(&self, name: &str, pem: &str) -> PathBuf {
        let path = self.world.folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    }

    /// Trusts `authority`, and shows what the broker wants to see.
    fn run(&self, verb: &str, text: &str, broker: &str, flags: &[&str], authority: &Certificates) -> Said {
        let mut command = self.world.command(verb, text, flags);
        command
            .env("TOPOC_BROKER", broker)
            .env("TOPOC_BROKER_CA", self.file("ca.pem", authority.ca()))
            .env("TOPOC_BROKER_CERT", self.file("client.pem", self.ours.client().certificate()))
            .env("TOPOC_BROKER_KEY", self.file("client-key.pem", self.ours.client().key()));
        Said::of(&mut command)
    }

    fn apply(&self, text: &str, broker: &str, flags: &[&str], authority: &Certificates) -> (i32, String) {
        let said = self.run("apply", text, broker, &[&["--yes"], flags].concat(), authority);
        (said.code, format!("{}{}", said.out, said.err))
    }
}

/// A loopback port that nothing listens on.
fn dead() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn what_a_queue_holds_is_counted_by_amqp_over_tls(secure: &Secure) {
    let (https, http) = (secure.broker().management_tls_url(), secure.broker().management_url());
    let amqps = secure.broker().amqps_url();
    let (code, said) = secure.apply(QUEUE, &https, &[], &secure.ours);
    assert_eq!(code, 0, "{said}");
    secure.world.publish("secure", "q", 2);
    // the statistics know of these messages some seconds later, AMQP at once
    let (code, said) = secure.apply(NONE, &https, &[], &secure.ours);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("delete queue q: ") && said.contains("2 ready"), "{said}");
    // where it cannot be counted, nothing is deleted
    let stranger = Certificates::generate();
    secure.world.api().delete("/api/queues/secure/q/contents");
    let (code, said) = secure.apply(NONE, &http, &["--amqp", &amqps], &stranger);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("delete queue q: ") && said.contains("amqps://localhost:"), "{said}");
    assert!(!said.contains("guest:guest"), "{said}");
    assert!(secure.world.exists("/api/queues/secure/q"));
    let (code, said) = secure.apply(NONE, &http, &["--amqp", &amqps], &secure.ours);
    assert_eq!(code, 0, "{said}");
    assert!(!secure.world.exists("/api/queues/secure/q"), "{said}");
}

fn who_is_not_trusted_is_told_what_to_name(secure: &Secure) {
    let https = secure.broker().management_tls_url();
    let shown = https.replace("guest:guest@", "");
    let stranger = Certificates::generate();
    let said = secure.run("diff", QUEUE, &https, &[], &stranger);
    assert_eq!((said.code, said.out.as_str()), (4, ""));
    assert_eq!(
        said.err,
        format!(
            "error: {shown}: its certificate is not trusted: no authority that is trusted has made it\n  help: name \
             the authority that made its certificate by TOPOC_BROKER_CA=ca.pem, and the host as the certificate does\n"
        )
    );
    // options in place of variables, and no certificate to show
    let authority = secure.file("authority.pem", secure.ours.ca());
    let flags = ["--broker", &https, "--broker-ca", path(&authority)];
    let said = secure.world.run("diff", QUEUE, &flags);
    assert_eq!((said.code, said.out.as_str()), (4, ""));
    assert_eq!(
        said.err,
        format!(
            "error: {shown}: it wants a client certificate that it trusts\n  help: show one that its authority made: \
             TOPOC_BROKER_CERT=cert.pem TOPOC_BROKER_KEY=key.pem\n"
        )
    );
    let certificate = secure.file("cert.pem", secure.ours.client().certificate());
    let key = secure.file("key.pem", secure.ours.client().key());
    let shows = [&flags[..], &["--broker-cert", path(&certificate), "--broker-key", path(&key)]].concat();
    let said = secure.world.run("diff", QUEUE, &shows);
    assert_eq!(said.code, 0, "{}", said.err);
    // what is to be pasted reaches the same broker, and does not hold the password
    let go_on = said.out.lines().last().unwrap();
    let options = format!("--broker {} --broker-ca {}", https.replace(":guest@", "@"), path(&authority));
    assert!(go_on.contains(&options) && go_on.contains(" --broker-key "), "{go_on}");
}

fn endpoints_are_tried_in_turn(secure: &Secure) {
    let https = secure.broker().management_tls_url();
    let (first, second) = (dead(), dead());
    let several = format!("https://{first},{https}");
    let (code, said) = secure.apply(QUEUE, &several, &[], &secure.ours);
    assert_eq!(code, 0, "{said}");
    assert!(secure.world.exists("/api/queues/secure/q"));
    let (code, said) = secure.apply(NONE, &several, &[], &secure.ours);
    assert_eq!(code, 0, "{said}");
    assert!(!secure.world.exists("/api/queues/secure/q"));
    let said = secure.run("diff", QUEUE, &format!("https://{first},http://{second}"), &[], &secure.ours);
    assert_eq!((said.code, said.out.as_str()), (4, ""));
    let start = format!(
        "error: none of the broker's 2 endpoints answers: https://{first}: connection refused; http://{second}: \
         connection refused\n  help: start the broker, "
    );
    assert!(said.err.starts_with(&start), "{}", said.err);
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn all(version: Version) {
    let secure = Secure::start(version);
    what_a_queue_holds_is_counted_by_amqp_over_tls(&secure);
    who_is_not_trusted_is_told_what_to_name(&secure);
    endpoints_are_tried_in_turn(&secure);
}

#[test]
fn over_tls() {
    all(Version::V3_10);
}

#[test]
fn over_tls_on_rabbitmq_4_0() {
    if available_or_skip(Version::V4_0) {
        all(Version::V4_0);
    }
}
