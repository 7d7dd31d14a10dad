//! Answers that are no answers, from the first byte on.

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    sync::atomic::AtomicBool,
};

use topoc_test_support::{Shared, Speak};

use super::*;

fn endless(head: &'static str, piece: &str) -> Speak {
    let piece = piece.repeat(4096).into_bytes();
    Arc::new(move |client: &mut TcpStream| {
        client.write_all(head.as_bytes())?;
        loop {
            client.write_all(&piece)?;
        }
    })
}

/// A byte a tenth of a second.
fn dripping(head: &'static str, drop: &'static [u8]) -> Speak {
    Arc::new(move |client: &mut TcpStream| {
        client.write_all(head.as_bytes())?;
        loop {
            client.write_all(drop)?;
            thread::sleep(Duration::from_millis(100));
        }
    })
}

fn once(answer: String) -> Speak {
    Arc::new(move |client: &mut TcpStream| client.write_all(answer.as_bytes()))
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

/// What is said at the first request, or at a later one; and what topoc says of it.
fn spoken(elsewhere: &str) -> Vec<(&'static str, Speak, usize, &'static str)> {
    let whole = |rest: &str| format!("{OK}{rest}");
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let sent_on = |status: &str| {
        once(format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: {elsewhere}/api/overview\r\ncontent-length: 0\r\n\r\n"
        ))
    };
    let body = leak(whole("\r\n"));
    let chunked = leak(whole("transfer-encoding: chunked\r\n\r\n"));
    vec![
        ("an endless body", endless(body, "[[[[["), 2, "longer than a broker's can be"),
        ("an endless text", endless(body, "\"aaaa"), 1, "longer than a broker's can be"),
        (
            "endless chunks",
            endless(chunked, &format!("10000\r\n{}\r\n", " ".repeat(0x1_0000))),
            2,
            "longer than a broker's can be",
        ),
        ("an endless refusal", endless("HTTP/1.1 403 No\r\n\r\n", "no, "), 1, "does not allow this"),
        (
            "an endless head",
            endless(OK, "x-a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
            1,
            "the connection broke",
        ),
        ("a dripping head", dripping(OK, b"x"), 1, "no answer in time"),
        ("a dripping body", dripping(body, b" "), 1, "no answer in time"),
        ("a body that ends early", once(whole("content-length: 5000\r\n\r\n{}")), 1, "the connection broke"),
        (
            "a body that goes on",
            once(whole("content-length: 2\r\n\r\n{}{}{}{}")),
            1,
            "not RabbitMQ's management API",
        ),
        (
            "lengths that differ",
            once(whole("content-length: 2\r\ncontent-length: 7\r\n\r\n{}")),
            1,
            "the connection broke",
        ),
        ("a length below none", once(whole("content-length: -1\r\n\r\n{}")), 1, "the connection broke"),
        ("sent on, for good", sent_on("301"), 1, "it sends on to"),
        ("sent on, for now", sent_on("307"), 1, "it sends on to"),
        ("sent on, later", sent_on("308"), 2, "it sends on to"),
        ("no HTTP", once("\u{1b}[2Jhello\r\n\r\n".to_owned()), 1, "does not speak HTTP"),
    ]
}

#[test]
fn what_is_no_answer_is_told_so() {
    let shared = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.kdl");
    std::fs::write(&file, "topology \"t\"\nvhost \"t\" { queue \"q\" type=\"classic\" }\n").unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = format!("http://{}", other.local_addr().unwrap());
    let was_asked = Arc::new(AtomicBool::new(false));
    let asked = was_asked.clone();
    thread::spawn(move || {
        if other.accept().is_ok() {
            asked.store(true, Ordering::SeqCst);
        }
    });
    thread::scope(|scope| {
        for (what, speak, from, words) in spoken(&elsewhere) {
            let file = &file;
            scope.spawn(move || {
                let proxy = Proxy::new(shared.management_url(), shared.amqp_url(), move |passing| {
                    if passing.number >= from { Fate::Spoken(speak.clone()) } else { Fate::Pass }
                });
                let start = Instant::now();
                let mut command = Command::new("sh");
                command.args(["-c", &format!("ulimit -v {ADDRESSES}; exec \"$@\""), "sh"]);
                command.arg(env!("CARGO_BIN_EXE_topoc")).arg("diff").arg(file);
                command.env("TOPOC_BROKER", proxy.management_url());
                let said = Said::of(&mut command);
                let told = format!("{what}: {} {:?}\n{}{}", said.code, start.elapsed(), said.out, said.err);
                assert!(fault(&said).is_none(), "{told}");
                assert_eq!(said.code, 4, "{told}");
                assert!(said.err.contains(words), "{told}");
                assert!(said.err.contains("help: "), "{told}");
                assert!(start.elapsed() < PATIENCE, "{told}");
            });
        }
    });
    assert!(!was_asked.load(Ordering::SeqCst), "nobody follows to another host, and no password does");
}

/// How AMQP is answered, from which method on, and what topoc says of it.
fn spoken_on_amqp() -> [(&'static str, Speak, &'static str, &'static str); 4] {
    let silent: Speak = Arc::new(|_| {
        thread::sleep(2 * PATIENCE);
        Ok(())
    });
    [
        (
            "a handshake that is none",
            once("\u{1b}[2Jhello\r\n\r\n".to_owned()),
            "method 10.11",
            "cannot be locked",
        ),
        ("an endless handshake", endless("", "\u{1}\u{0}\u{0}"), "method 10.11", "cannot be locked"),
        ("no handshake", silent.clone(), "method 10.11", "does not answer"),
        ("no answer to a method", silent, "method 50.10", "does not answer"),
    ]
}

#[test]
fn what_is_no_answer_on_amqp_is_told_so() {
    let shared = Shared::get();
    let vhost = shared.vhost();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.kdl");
    let name = vhost.name();
    std::fs::write(
        &file,
        format!("topology \"{name}\"\nvhost \"{name}\" {{ queue \"q\" type=\"classic\" }}\n"),
    )
    .unwrap();
    thread::scope(|scope| {
        for (what, speak, method, words) in spoken_on_amqp() {
            let file = &file;
            scope.spawn(move || {
                let proxy = Proxy::new(shared.management_url(), shared.amqp_url(), move |passing| {
                    if passing.what == method { Fate::Spoken(speak.clone()) } else { Fate::Pass }
                });
                let start = Instant::now();
                let mut command = Command::new("sh");
                command.args(["-c", &format!("ulimit -v {ADDRESSES}; exec \"$@\""), "sh"]);
                command.arg(env!("CARGO_BIN_EXE_topoc")).args(["apply", "--yes"]).arg(file);
                command.env("TOPOC_BROKER", proxy.management_url()).env("TOPOC_AMQP", proxy.amqp_url());
                let said = Said::of(&mut command);
                let told = format!("{what}: {} {:?}\n{}{}", said.code, start.elapsed(), said.out, said.err);
                assert!(fault(&said).is_none(), "{told}");
                assert_eq!(said.code, 4, "{told}");
                assert!(said.err.contains(words) && said.err.contains("help: "), "{told}");
                assert!(start.elapsed() < PATIENCE, "{told}");
            });
        }
    });
}
