//! Standard output and error: colours only where somebody sees them, and a closed pipe is no accident.

use std::{
    borrow::Cow,
    io::{self, BufWriter, IsTerminal, Write},
};

use anstream::AutoStream;
use serde_json::{Value as Json, json};

use super::{Exit, Stop};
use crate::diag::{human::Look, visible, visible_lines};

/// What a program gets where a verb cannot go on.
pub(super) fn failure(exit: Exit, message: &str, help: Option<&str>) -> Json {
    json!({ "version": 1, "error": { "exit": exit as u8, "message": message, "help": help } })
}

/// When to write colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What a program reads: in JSON, what speaks to a terminal stands in texts alone, and has an escape.
struct Output {
    to: BufWriter<AutoStream<io::Stdout>>,
    json: bool,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) if self.json => self.to.write_all(json_escaped(text).as_bytes()).map(|()| bytes.len()),
            _ => self.to.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// serde_json escapes no more than JSON wants.
fn json_escaped(text: &str) -> Cow<'_, str> {
    let speaks = |c: char| c != '\n' && visible(c.encode_utf8(&mut [0; 4])) != c.to_string();
    if text.is_ascii() && !text.contains('\u{7f}') || !text.contains(speaks) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|c| match c {
        c if speaks(c) => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    Cow::Owned(escaped.collect())
}

/// Where a verb prints.
pub struct Screen {
    out: Output,
    err: AutoStream<io::Stderr>,
    color: (bool, bool),
    json: bool,
}

impl Screen {
    /// The process's standard output and error; `json` where a program reads the output.
    #[must_use]
    pub fn new(color: Color, json: bool) -> Self {
        match color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::AlwaysAnsi.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        let seen = |choice| !matches!(choice, anstream::ColorChoice::Never);
        let color = (seen(AutoStream::choice(&io::stdout())), seen(AutoStream::choice(&io::stderr())));
        Self {
            out: Output { to: BufWriter::new(AutoStream::auto(io::stdout())), json },
            err: AutoStream::auto(io::stderr()),
            color,
            json,
        }
    }

    /// Whether a program reads the output, which then is JSON also where the verb cannot go on.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// What the verb is asked for goes here; colours are taken out where they are not wanted.
    pub fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// What is said beside it goes here.
    pub fn err(&mut self) -> &mut dyn Write {
        &mut self.err
    }

    /// How diagnostics look on standard output.
    #[must_use]
    pub fn look(&self) -> Look {
        Look { color: self.color.0, all: false }
    }

    /// How diagnostics look on standard error.
    #[must_use]
    pub fn look_err(&self) -> Look {
        Look { color: self.color.1, all: false }
    }

    /// How wide standard output is, where it is a terminal.
    #[must_use]
    pub fn columns(&self) -> Option<usize> {
        terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
    }

    /// Whether somebody sits before both ends: questions and progress are for them alone.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Says why a verb could not go on, and gives the code to leave with.
    pub(super) fn stop(&mut self, stop: &Stop) -> Exit {
        if let (true, Stop::Because { exit, message, help }) = (self.json, stop) {
            let _ = writeln!(self.out, "{:#}", failure(*exit, message, help.as_deref()));
        }
        // what was printed comes before the reason why no more is
        let _ = self.flush();
        let (head, foot) = if self.color.1 { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        let _ = writeln!(self.err, "{head}error{foot}: {}", visible_lines(&stop.to_string()));
        match stop {
            Stop::Output(_) => Exit::Wrong,
            Stop::Because { exit, help, .. } => {
                for (index, line) in help.iter().flat_map(|help| help.lines()).enumerate() {
                    let line = visible(line);
                    let _ = writeln!(self.err, "  {} {line}", if index == 0 { "help:" } else { "     " });
                }
                *exit
            }
        }
    }
}
