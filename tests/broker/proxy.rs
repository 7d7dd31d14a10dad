//! A way to the management API on which a run meets its end: at its nth request that changes something.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
};

/// What becomes of a run, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// SIGKILL before the broker gets the request.
    KilledBefore,
    /// SIGKILL once the broker has carried the request out, before the run learns of it.
    KilledAfter,
    /// SIGTERM before the broker gets the request.
    Terminated,
}

struct State {
    run: Option<Child>,
    end: End,
    /// How many requests are still to come before the end.
    left: usize,
    is_over: bool,
}

/// What became of a run.
pub(crate) struct Ended {
    /// Whether the end came before the run was through.
    pub(crate) was_cut_short: bool,
    pub(crate) status: ExitStatus,
}

/// Runs a command whose `TOPOC_BROKER` is `broker`, and ends it at its nth request (from 1) that changes something.
pub(crate) fn end_at(command: &mut Command, broker: &str, request: usize, end: End) -> Ended {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (who, address) = broker.strip_prefix("http://").unwrap().split_once('@').unwrap();
    command.env("TOPOC_BROKER", format!("http://{who}@127.0.0.1:{port}"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let state = Arc::new(Mutex::new(State { run: None, end, left: request, is_over: false }));
    let (shared, address) = (state.clone(), address.to_owned());
    // it is left waiting for connections until the test process ends
    thread::spawn(move || {
        for stream in listener.incoming().filter_map(Result::ok) {
            let (state, address) = (shared.clone(), address.clone());
            thread::spawn(move || drop(pass_on(stream, &address, &state)));
        }
    });
    let run = command.spawn().unwrap();
    let id = run.id();
    state.lock().unwrap().run = Some(run);
    // waiting without taking the child out of the reach of what ends it
    let status = loop {
        thread::sleep(std::time::Duration::from_millis(5));
        let mut state = state.lock().unwrap();
        if let Some(status) = state.run.as_mut().and_then(|run| run.try_wait().unwrap()) {
            break status;
        }
        assert_eq!(state.run.as_ref().map(Child::id), Some(id));
    };
    let was_cut_short = state.lock().unwrap().is_over;
    Ended { was_cut_short, status }
}

/// The address of a broker that answers questions, and never what changes something; it says when that is asked of it.
#[cfg(unix)]
pub(crate) fn stalling(broker: &str) -> (String, mpsc::Receiver<()>) {
    let (say, asked) = mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (who, address) = broker.strip_prefix("http://").unwrap().split_once('@').unwrap();
    let stalling = format!("http://{who}@127.0.0.1:{port}");
    let address = address.to_owned();
    thread::spawn(move || {
        let mut unanswered = Vec::new();
        for mut client in listener.incoming().filter_map(Result::ok) {
            match read_request(&mut client) {
                Ok(Some(request)) if request.starts_with(b"GET ") => {
                    let answer = ask(&request, &address).unwrap();
                    let _ = client.write_all(&answer);
                }
                _ => {
                    unanswered.push(client);
                    let _ = say.send(());
                }
            }
        }
    });
    (stalling, asked)
}

fn ask(request: &[u8], broker: &str) -> std::io::Result<Vec<u8>> {
    let mut upstream = TcpStream::connect(broker)?;
    upstream.write_all(request)?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// One request and its answer.
fn pass_on(mut client: TcpStream, broker: &str, state: &Mutex<State>) -> std::io::Result<()> {
    let Some(request) = read_request(&mut client)? else { return Ok(()) };
    let changes = !request.starts_with(b"GET ");
    let mut ends = false;
    if changes {
        let mut state = state.lock().unwrap();
        if state.is_over && state.end != End::Terminated {
            return Ok(());
        }
        state.left = state.left.saturating_sub(1);
        ends = state.left == 0 && !state.is_over;
        if ends {
            state.is_over = true;
            if state.end != End::KilledAfter {
                end(&mut state);
            }
            if state.end == End::KilledBefore {
                return Ok(());
            }
        }
    }
    let answer = ask(&request, broker)?;
    let mut state = state.lock().unwrap();
    if ends && state.end == End::KilledAfter {
        end(&mut state);
        return Ok(());
    }
    drop(state);
    client.write_all(&answer)
}

fn end(state: &mut State) {
    let Some(run) = &mut state.run else { panic!("a request before the run is known") };
    if state.end == End::Terminated {
        let killed = Command::new("kill").args(["-TERM", &run.id().to_string()]).status().unwrap();
        assert!(killed.success());
        // until it has heard it
        thread::sleep(std::time::Duration::from_millis(50));
    } else {
        run.kill().unwrap();
    }
}

/// A whole request that asks for one answer only, after which the connection closes.
fn read_request(client: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte)? == 0 {
            return Ok(None);
        }
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    client.read_exact(&mut body)?;
    let mut once = format!("{}\r\nconnection: close\r\n\r\n", head.trim_end()).into_bytes();
    once.extend(body);
    Ok(Some(once))
}
