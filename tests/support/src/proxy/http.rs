use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    sync::Arc,
    thread,
};

use super::{Fate, Protocol, Way, cut};

/// Requests one after the other on a connection that the client keeps open.
pub(super) fn serve(client: TcpStream, way: &Arc<Way>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut client = client;
    while let Some(request) = read_request(&mut reader)? {
        let answer = match way.fate(Protocol::Http, request.what()) {
            Fate::Pass => ask(&request, way)?,
            Fate::Late(pause) => {
                thread::sleep(pause);
                ask(&request, way)?
            }
            Fate::WithoutAmqp => {
                way.cut_amqp();
                ask(&request, way)?
            }
            Fate::Rewritten(rewrite) => rewritten(&ask(&request, way)?, &*rewrite),
            Fate::Spoken(speak) => {
                speak(&mut client)?;
                cut(&client);
                return Ok(());
            }
            Fate::Answer(status) => accident(status),
            Fate::CutBefore => {
                cut(&client);
                return Ok(());
            }
            Fate::Before(event) => {
                event();
                cut(&client);
                return Ok(());
            }
            Fate::CutAfter => {
                ask(&request, way)?;
                cut(&client);
                return Ok(());
            }
            Fate::After(event) => {
                ask(&request, way)?;
                event();
                cut(&client);
                return Ok(());
            }
            Fate::Half => {
                let answer = ask(&request, way)?;
                client.write_all(&answer[..half(&answer)])?;
                cut(&client);
                return Ok(());
            }
        };
        client.write_all(&answer)?;
    }
    Ok(())
}

struct Request {
    /// Without the blank line that ends it.
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn what(&self) -> String {
        self.head.split(" HTTP/").next().unwrap_or_default().to_owned()
    }
}

/// A whole request; none where the client has closed.
fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line.trim_end().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let length = header(&head, "content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { head, body }))
}

fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(wanted).then(|| value.trim())
    })
}

/// The broker's answer, as it goes to a client whose connection stays open.
fn ask(request: &Request, way: &Way) -> io::Result<Vec<u8>> {
    let mut broker = TcpStream::connect((Ipv4Addr::LOCALHOST, way.management))?;
    write!(broker, "{}connection: close\r\n\r\n", request.head)?;
    broker.write_all(&request.body)?;
    let mut answer = Vec::new();
    broker.read_to_end(&mut answer)?;
    // a broker that ends amidst has not answered
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let body = head_length(&answer);
    let head = String::from_utf8_lossy(&answer[..body]).into_owned();
    let mut kept = String::new();
    for line in head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:")) {
        kept.push_str(line);
        kept.push_str("\r\n");
    }
    let mut answered = kept.into_bytes();
    answered.extend_from_slice(&answer[body..]);
    Ok(answered)
}

/// How long the head is, with the blank line that ends it.
fn head_length(answer: &[u8]) -> usize {
    answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |at| at + 4)
}

/// Up to the middle of the body; of an answer without one, of the head.
fn half(answer: &[u8]) -> usize {
    let head = head_length(answer);
    if head == answer.len() { head / 2 } else { head + (answer.len() - head) / 2 }
}

/// The answer with another body, which its head tells the length of.
fn rewritten(answer: &[u8], rewrite: &dyn Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let (head, body) = answer.split_at(head_length(answer));
    let body = rewrite(if is_chunked(head) { joined(body) } else { body.to_vec() });
    let head = String::from_utf8_lossy(head);
    let mut whole = String::new();
    for line in head.trim_end().lines() {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if !["content-length", "transfer-encoding"].contains(&&*name) {
            whole.push_str(line);
            whole.push_str("\r\n");
        }
    }
    // these have no body
    let bare = [" 204 ", " 304 "].iter().any(|status| whole.contains(status));
    if !bare {
        whole.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    whole.push_str("\r\n");
    let mut answered = whole.into_bytes();
    if !bare {
        answered.extend(body);
    }
    answered
}

fn is_chunked(head: &[u8]) -> bool {
    header(&String::from_utf8_lossy(head), "transfer-encoding").is_some_and(|coding| coding == "chunked")
}

/// A body that comes in chunks, each with its length in hexadecimal before it.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|two| two == b"\r\n") {
        let length = String::from_utf8_lossy(&chunks[..end]);
        let length = usize::from_str_radix(length.trim(), 16).unwrap_or(0);
        let rest = &chunks[end + 2..];
        if length == 0 || rest.len() < length + 2 {
            break;
        }
        body.extend_from_slice(&rest[..length]);
        chunks = &rest[length + 2..];
    }
    body
}

/// What a gateway says for a broker, or a broker of itself.
fn accident(status: u16) -> Vec<u8> {
    let body = match status {
        401 => r#"{"error":"not_authorised","reason":"Login failed"}"#,
        _ => r#"{"error":"Internal Server Error","reason":"injected"}"#,
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Injected\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
