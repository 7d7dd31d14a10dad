//! Graphviz: DOT in, a picture out.

use std::{
    env,
    io::{self, Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::Stop;

/// How long `dot` may draw. Hundreds of boxes take it a second; what takes longer than this is unreadable anyway.
const LIMIT: Duration = Duration::from_secs(60);

/// Has `dot` draw a picture: the `dot` that `TOPOC_DOT` names, else the first on the path.
pub(super) fn draw(dot: &str, format: &str) -> Result<Vec<u8>, Stop> {
    let program = env::var_os("TOPOC_DOT").filter(|name| !name.is_empty()).unwrap_or_else(|| "dot".into());
    let shown = program.to_string_lossy().into_owned();
    let child = Command::new(&program)
        .arg(format!("-T{format}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(&shown, format, &error))?;
    let (status, picture, said) = finish(child, dot.to_owned())
        .map_err(|error| Stop::wrong(format!("`{shown}` could not be fed: {error}"), OTHER_FORMS))?;
    let Some(status) = status else {
        let seconds = LIMIT.as_secs();
        return Err(Stop::wrong(
            format!("`{shown}` has not finished after {seconds} seconds, and was ended"),
            "draw less: `--focus NAME` or `--vhost NAME`\nor take the text: `--format dot` or `--format mermaid`",
        ));
    };
    if !status.success() || picture.is_empty() {
        let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim();
        return Err(Stop::wrong(format!("`{shown}` has drawn nothing: {first}"), OTHER_FORMS));
    }
    Ok(picture)
}

const OTHER_FORMS: &str = "take the text: `--format dot` or `--format mermaid`";

fn not_started(program: &str, format: &str, error: &io::Error) -> Stop {
    if error.kind() == io::ErrorKind::NotFound {
        return Stop::wrong(
            format!("Graphviz draws {format}, and its `{program}` is not found"),
            format!("apt-get install graphviz; or name it by TOPOC_DOT=/path/to/dot\nor {OTHER_FORMS}"),
        );
    }
    Stop::wrong(format!("`{program}` cannot be started: {error}"), OTHER_FORMS)
}

/// Feeds the child and reads it to its end; no status when it had to be ended.
fn finish(mut child: Child, input: String) -> io::Result<(Option<ExitStatus>, Vec<u8>, String)> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // a pipe holds little: who writes and who reads must not wait for each other
    let feeder = thread::spawn(move || {
        // a child that ends early says why by its status
        let _ = stdin.map(|mut stdin| stdin.write_all(input.as_bytes()));
    });
    let picture = thread::spawn(move || read(stdout));
    let said = thread::spawn(move || read(stderr));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if start.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    if status.is_none() {
        // what it started may hold the pipes open
        return Ok((None, Vec::new(), String::new()));
    }
    let lost = |_| io::Error::other("a thread ended early");
    feeder.join().map_err(lost)?;
    let said = said.join().map_err(lost)??;
    Ok((status, picture.join().map_err(lost)??, String::from_utf8_lossy(&said).into_owned()))
}

fn read(from: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        from.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
