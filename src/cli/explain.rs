//! `topoc explain`: the page of a lint, a diagnostic, a word, a kind, an attribute or a node.

use clap::Args;
use serde_json::{Value, json};

use super::{Exit, Format, Outcome, Screen, Stop, list::line, markdown};
use crate::{
    diag::{CODES, Code, did_you_mean},
    kind::{
        KINDS, Kind, WORDS,
        reference::{self, Part},
    },
    lint::{self, LINTS},
};

/// Explain a lint, a diagnostic, or anything in the language
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc explain dlx-unroutable
  topoc explain T011
  topoc explain queue
  topoc explain message-ttl")]
pub(super) struct Explain {
    /// Its name or code; without one, all names
    name: Option<String>,
    /// In which form to answer: human or json
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    format: Format,
}

/// Something that has a page.
struct Topic {
    what: &'static str,
    name: &'static str,
    code: Option<Code>,
    page: String,
}

impl Explain {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let Some(name) = &self.name else {
            return index(self.format, screen);
        };
        let topics = topics(name);
        if topics.is_empty() {
            return Err(Stop::usage(format!("nothing is called `{name}`"), near(name)));
        }
        match self.format {
            Format::Human => {
                let color = screen.look().color;
                for (index, topic) in topics.iter().enumerate() {
                    if index > 0 {
                        writeln!(screen.out())?;
                    }
                    write!(screen.out(), "{}", markdown::show(&topic.page, color))?;
                }
            }
            Format::Json => {
                let topics: Vec<Value> = topics.iter().map(to_json).collect();
                writeln!(screen.out(), "{:#}", json!({ "version": 1, "topics": topics }))?;
            }
        }
        Ok(Exit::Ok)
    }
}

fn to_json(topic: &Topic) -> Value {
    json!({
        "what": topic.what,
        "name": topic.name,
        "code": topic.code.map(|code| code.code),
        "severity": topic.code.map(|code| code.severity.word()),
        "page": topic.page,
    })
}

/// All that is called so: a name can be a kind and an attribute.
fn topics(name: &str) -> Vec<Topic> {
    let mut topics = Vec::new();
    let called = |code: &Code| code.name == name || code.code.eq_ignore_ascii_case(name);
    if let Some(lint) = lint::find(name) {
        topics.push(Topic {
            what: "lint",
            name: lint.code.name,
            code: Some(lint.code),
            page: lint_page(lint),
        });
    }
    if let Some(code) = CODES.iter().find(|code| called(code)) {
        topics.push(Topic { what: "diagnostic", name: code.name, code: Some(*code), page: code_page(*code) });
    }
    let mut push = |what, name, page| topics.push(Topic { what, name, code: None, page });
    for word in WORDS.iter().filter(|word| word.name == name || word.also.contains(&name)) {
        push("word", word.name, reference::word(word, 1));
    }
    if let Some(kind) = kind(name) {
        push("kind", kind.keyword, reference::kind(kind, 1));
    }
    // where a node is how an attribute is written, the node's page says it
    let is_node = |kind: &Kind| kind.nested.iter().any(|form| form.keyword == name);
    for (kind, attribute) in reference::attributes(name).into_iter().filter(|(kind, _)| !is_node(kind)) {
        push("attribute", attribute.name, reference::attribute_page(kind, attribute));
    }
    for part in reference::parts() {
        match part {
            // a child node that is a kind has the kind's page
            Part::Form(of, form) if form.keyword == name && self::kind(name).is_none() => {
                push("node", form.keyword, reference::form_page(&of, form));
            }
            Part::Property(of, property) if property.name == name => {
                push("property", property.name, reference::property_page(of, property));
            }
            Part::Form(..) | Part::Property(..) => {}
        }
    }
    topics
}

/// Streams are queues, and a binding is written `bind`.
fn kind(name: &str) -> Option<&'static Kind> {
    let keyword = match name {
        "stream" | "super-stream" => "queue",
        "bind" => "binding",
        "vhost-limits" => "limits",
        name => name,
    };
    KINDS.iter().copied().find(|kind| kind.keyword == keyword)
}

fn lint_page(lint: &lint::Lint) -> String {
    // the page begins with its name; its code is what a search engine or an older report knows it by
    lint.page.replacen(lint.code.name, &format!("{} ({})", lint.code.name, lint.code.code), 1)
}

fn code_page(code: Code) -> String {
    format!("# {} ({})\n\n{}\n\n{}\n", code.name, code.code, code.severity.word(), code.summary)
}

fn near(name: &str) -> String {
    let names = LINTS.iter().map(|lint| lint.code.name).chain(CODES.iter().map(|code| code.name));
    let attributes = KINDS.iter().flat_map(|kind| kind.attributes).map(|attribute| attribute.name);
    let kinds = KINDS.iter().map(|kind| kind.keyword);
    let words = WORDS.iter().flat_map(|word| word.also.iter().copied().chain([word.name]));
    let parts = reference::parts().into_iter().map(|part| match part {
        Part::Form(_, form) => form.keyword,
        Part::Property(_, property) => property.name,
    });
    let all: Vec<&str> = names.chain(words).chain(kinds).chain(attributes).chain(parts).collect();
    match crate::diag::nearest(name, all.iter().copied()) {
        Some(_) => did_you_mean(name, all, "name"),
        None => "`topoc explain` lists all names".to_owned(),
    }
}

fn index(format: Format, screen: &mut Screen) -> Outcome {
    let lints = LINTS.iter().map(|lint| ("lint", lint.code));
    let codes: Vec<(&str, Code)> = CODES.iter().map(|code| ("diagnostic", *code)).chain(lints).collect();
    if format == Format::Json {
        let kinds = KINDS.iter().map(|kind| {
            json!({ "what": "kind", "name": kind.keyword, "code": null, "severity": null, "summary": kind.doc })
        });
        let codes = codes.iter().map(|(what, code)| {
            json!({
                "what": what,
                "name": code.name,
                "code": code.code,
                "severity": code.severity.word(),
                "summary": code.summary,
            })
        });
        let words = WORDS.iter().map(|word| {
            json!({ "what": "word", "name": word.name, "code": null, "severity": null, "summary": word.doc })
        });
        let topics: Vec<Value> = words.chain(kinds).chain(codes).collect();
        writeln!(screen.out(), "{:#}", json!({ "version": 1, "topics": topics }))?;
        return Ok(Exit::Ok);
    }
    let (color, columns) = (screen.look().color, screen.columns());
    let out = screen.out();
    writeln!(out, "{}", markdown::heading("Words of the language", color))?;
    for word in WORDS {
        writeln!(out, "{}", line(&format!("  {:<34}", word.name), word.doc, columns))?;
    }
    writeln!(out, "\n{}", markdown::heading("Kinds", color))?;
    for kind in KINDS {
        writeln!(out, "{}", line(&format!("  {:<34}", kind.keyword), kind.doc, columns))?;
    }
    for (title, wanted) in [("Diagnostics of the language", "diagnostic"), ("Lints", "lint")] {
        writeln!(out, "\n{}", markdown::heading(title, color))?;
        for (_, code) in codes.iter().filter(|(what, _)| *what == wanted) {
            let severity = code.severity.word();
            let head = format!("  {} {:<29} {severity:<8}", code.code, code.name);
            writeln!(out, "{}", line(&head, code.summary, columns))?;
        }
    }
    writeln!(out, "\ntopoc explain NAME shows a page")?;
    Ok(Exit::Ok)
}
