//! What topoc says that a broker refuses is refused by a real one, and what it does not say so of is taken.
//!
//! The cases are every example of every lint's page, every argument on every type of queue and every key in a policy, by
//! the examples of the language's own description, and `tests/readiness/*.kdl`. None of them says what to expect: topoc
//! is asked for the broker's series, and the broker by declaring each entity.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value as Json;
use topoc::{
    broker::Request,
    diag::{Fate, Severity, Span, Subject},
    kind::{
        self, Definition, KindId, Place, Segment, Type, VERSIONS, Version as Series, exchange::is_predeclared,
    },
    lint::LINTS,
    syntax::{Inputs, MemorySources},
    topology::Topology,
};
use topoc_test_support::{Api, Broker, Options, Shared, Version, Vhost, available_or_skip};

/// Types of exchanges whose plugins ship with no broker, or are not on here.
const ABSENT: [&str; 2] = ["x-delayed-message", "x-jms-topic"];

struct Case {
    name: String,
    text: String,
    /// Whether it is one of many alike, which need no vhost of their own.
    is_made: bool,
}

fn written(name: impl Into<String>, text: impl Into<String>) -> Case {
    Case { name: name.into(), text: text.into(), is_made: false }
}

fn made(name: impl Into<String>, text: impl Into<String>) -> Case {
    Case { name: name.into(), text: text.into(), is_made: true }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for lint in LINTS {
        for (index, block) in lint.page.split("```kdl\n").skip(1).enumerate() {
            let text = block.split("```").next().unwrap();
            cases.push(written(format!("{} {}", lint.code.name, ["example", "instead"][index.min(1)]), text));
        }
    }
    for attribute in KindId::Queue.kind().attributes {
        if !matches!(attribute.place, Place::Argument(_)) || attribute.name == "type" {
            continue;
        }
        for queue in kind::queue::TYPES {
            let text = format!("queue \"q\" type=\"{queue}\" {{ {} }}", attribute.example);
            cases.push(made(format!("{} on a {queue} queue", attribute.name), text));
        }
    }
    values(&mut cases);
    for policy in [KindId::Policy, KindId::OperatorPolicy] {
        let attributes: Vec<_> = policy.kind().all_attributes().collect();
        for attribute in attributes {
            if !matches!(policy.kind().place(attribute), Place::Key(_)) {
                continue;
            }
            // the keys of mirroring count beside `ha-mode` only
            let text = match attribute.name {
                "ha-params" => "ha-mode \"exactly\"; ha-params 2".to_owned(),
                name if name.starts_with("ha-") && name != "ha-mode" => {
                    format!("ha-mode \"all\"; {}", attribute.example)
                }
                _ => attribute.example.to_owned(),
            };
            let text = format!("{} \"p\" pattern=\"^q$\" {{ {text} }}", policy.word());
            cases.push(made(format!("{} in a {}", attribute.name, policy.word()), text));
        }
    }
    for path in std::fs::read_dir("tests/readiness").into_iter().flatten().map(|entry| entry.unwrap().path())
    {
        if path.extension().is_some_and(|extension| extension == "kdl") {
            cases.push(written(path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    cases
}

/// Values at and beyond the bounds of what arguments and keys may be, and values of other types.
fn values(cases: &mut Vec<Case>) {
    let places = [
        (KindId::Queue, "queue \"v\" type=\"TYPE\""),
        (KindId::Exchange, "exchange \"v\" type=\"TYPE\""),
        (KindId::Policy, "policy \"v\" pattern=\"^v$\""),
        (KindId::OperatorPolicy, "operator-policy \"v\" pattern=\"^v$\""),
    ];
    for (kind, node) in places {
        let attributes: Vec<_> =
            kind.kind().all_attributes().filter(|found| found.within.is_none()).collect();
        for attribute in attributes {
            if !matches!(kind.kind().place(attribute), Place::Argument(_) | Place::Key(_))
                || attribute.name.starts_with("ha-")
                || attribute.name == "type"
            {
                continue;
            }
            let of_type = attribute.on.first().copied().unwrap_or(if kind == KindId::Queue {
                "quorum"
            } else {
                "direct"
            });
            for value in of_values(attribute.ty) {
                let text = format!("{} {{ {} {value} }}", node.replace("TYPE", of_type), attribute.name);
                cases.push(made(format!("{} {value} of a {}", attribute.name, kind.word()), text));
            }
        }
    }
}

fn of_values(ty: Type) -> Vec<String> {
    let text = |word: &str| format!("{word:?}");
    match ty {
        Type::Integer(min, max)
        | Type::Duration(min, max)
        | Type::Seconds(min, max)
        | Type::Size(min, max) => {
            let numbers =
                [min.checked_sub(1), Some(min), Some(max), max.checked_add(1)].into_iter().flatten();
            numbers
                .map(|number| number.to_string())
                .chain(["#true".to_owned(), text("many"), text("5")])
                .collect()
        }
        Type::Bool => vec!["#false".to_owned(), text("yes"), "1".to_owned()],
        Type::OneOf(words) => {
            words.iter().copied().chain(["nonsense"]).map(text).chain(["5".to_owned()]).collect()
        }
        Type::Age => {
            ["7D", "90s", "0D", "7X", "7", ""].map(text).into_iter().chain(["5".to_owned()]).collect()
        }
        Type::Text | Type::Exchange | Type::Queue => vec![text("word"), "5".to_owned(), "#true".to_owned()],
        _ => Vec::new(),
    }
}

/// What a series makes of a topology, as topoc has it; none where it cannot be read.
fn said(text: &str, series: Series) -> Option<(Topology, BTreeMap<Subject, &'static str>)> {
    let sources = MemorySources::default().with("topology.kdl", text);
    let mut compiled = topoc::compile(&["topology.kdl".to_owned()], &sources, &Inputs::default());
    if compiled.report.count(Severity::Error) > 0 {
        return None;
    }
    compiled.topology.target = Some((series, Span::NONE));
    compiled.topology.levels.clear();
    compiled.lint();
    let found = compiled.report.into_diagnostics().into_iter();
    let refused = found.filter_map(|found| match found.fate {
        Some((Fate::Refused, subject)) => Some((subject, found.code.name)),
        _ => None,
    });
    Some((compiled.topology, refused.collect()))
}

/// Topologies on a shared broker, each of their vhosts under a name of its own.
struct Bench {
    shared: &'static Shared,
    vhosts: BTreeMap<Arc<str>, Vhost>,
    /// What is not there, or not as described: nothing can be said of what leads to it.
    missing: BTreeSet<(Arc<str>, String)>,
}

impl Bench {
    fn new(shared: &'static Shared) -> Self {
        Self { shared, vhosts: BTreeMap::new(), missing: BTreeSet::new() }
    }

    /// Takes away what a case has declared, so that the next one finds nothing.
    fn clear(&mut self, topology: &Topology) {
        self.missing.clear();
        for definition in DECLARED.into_iter().rev().flat_map(|kind| topology.of(kind)) {
            let vhost = definition.vhost.as_ref().and_then(|vhost| self.vhosts.get(vhost)).unwrap();
            self.shared.api().ask("DELETE", &path(definition, vhost.name()), None).unwrap();
        }
    }

    /// Declares an entity: why it is refused, if it is; none where this broker cannot be asked.
    fn declare(&mut self, definition: &Definition) -> Option<Option<String>> {
        let vhost = definition.vhost.clone()?;
        let absent = [definition.text("type"), definition.text("delayed-type")].into_iter().flatten();
        let absent = absent.into_iter().any(|of_type| ABSENT.contains(&of_type));
        let ends = ["source", "destination"].iter().filter_map(|end| definition.text(end));
        let loose = definition.kind == KindId::Binding
            && ends.into_iter().any(|end| self.missing.contains(&(vhost.clone(), end.to_owned())));
        if absent || loose || definition.has_void() {
            self.missing.insert((vhost, definition.name().to_owned()));
            return None;
        }
        let shared = self.shared;
        let name = self.vhosts.entry(vhost.clone()).or_insert_with(|| shared.vhost()).name().to_owned();
        let refusal = ask(&shared.api(), definition, &name);
        if refusal.is_some() {
            self.missing.insert((vhost, definition.name().to_owned()));
        }
        Some(refusal)
    }
}

/// Why a broker refuses an entity in a vhost, if it does.
fn ask(api: &Api, definition: &Definition, vhost: &str) -> Option<String> {
    let body = kind::to_wire_value(definition, &|_, _| Ok("amqp://127.0.0.1:1".to_owned())).unwrap();
    let method = if definition.kind == KindId::Binding { "POST" } else { "PUT" };
    let (status, answer) = api.ask(method, &path(definition, vhost), Some(&Json::Object(body))).unwrap();
    (status >= 300).then(|| format!("{status} {answer}"))
}

fn path(definition: &Definition, vhost: &str) -> String {
    let wire = definition.kind.kind().wire.unwrap();
    let segments: Vec<&str> = wire
        .path
        .iter()
        .map(|segment| match segment {
            Segment::Word(word) => *word,
            Segment::Vhost => vhost,
            Segment::Field("destination-type") if definition.text("destination-type") == Some("exchange") => {
                "e"
            }
            Segment::Field("destination-type") => "q",
            Segment::Field("source") if definition.text("source") == Some("") => "amq.default",
            Segment::Field(field) => definition.text(field).unwrap_or(""),
        })
        .collect();
    Request::get(&segments).path()
}

const DECLARED: [KindId; 8] = [
    KindId::FederationUpstream,
    KindId::FederationUpstreamSet,
    KindId::Shovel,
    KindId::Policy,
    KindId::OperatorPolicy,
    KindId::Exchange,
    KindId::Queue,
    KindId::Binding,
];

fn compare(shared: &'static Shared) {
    let series = Series::parse(shared.version().as_str()).unwrap();
    let (mut wrong, mut refusals, mut taken) = (Vec::new(), 0, 0);
    let mut common = Bench::new(shared);
    for case in cases() {
        let Some((topology, refused)) = said(&case.text, series) else { continue };
        let mut own = Bench::new(shared);
        let bench = if case.is_made { &mut common } else { &mut own };
        for definition in DECLARED.into_iter().flat_map(|kind| topology.of(kind)) {
            let subject = definition.subject();
            let claim = refused.get(&subject);
            // who declares what every vhost has is not refused by AMQP, and is by the management API
            if is_predeclared(definition.name()) && claim.is_none() {
                continue;
            }
            let Some(outcome) = bench.declare(definition) else { continue };
            if definition.external {
                continue;
            }
            match (claim, outcome) {
                (Some(_), Some(_)) => refusals += 1,
                (None, None) => taken += 1,
                (Some(lint), None) => {
                    wrong.push(format!(
                        "{}: {lint} says that {subject:?} is refused, and it is not",
                        case.name
                    ));
                }
                (None, Some(why)) => {
                    wrong.push(format!("{}: {subject:?} is refused, and nothing says so: {why}", case.name));
                }
            }
        }
        if case.is_made {
            common.clear(&topology);
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), refusals + taken + wrong.len(), wrong.join("\n"));
    assert!(refusals > 40 && taken > 200, "{refusals} refused and {taken} taken are too few to say anything");
}

#[test]
fn what_is_said_to_be_refused_is_and_nothing_else_is() {
    compare(Shared::get());
}

#[test]
fn what_is_said_to_be_refused_is_and_nothing_else_is_rabbitmq_4_0() {
    if let Some(shared) = Shared::get_or_skip(Version::V4_0) {
        compare(shared);
    }
}

/// 4.0 permits what later releases deny, unless its configuration says otherwise: then it shows what they do.
#[test]
fn what_is_said_to_be_denied_is_denied_rabbitmq_4_0() {
    if !available_or_skip(Version::V4_0) {
        return;
    }
    let extra_conf = "deprecated_features.permit.transient_nonexcl_queues = false\n\
                      deprecated_features.permit.queue_master_locator = false\n";
    let denying = Broker::start_with(Options { version: Version::V4_0, extra_conf, ..Options::default() });
    let newest = *VERSIONS.last().unwrap();
    let mut seen = BTreeSet::new();
    for case in cases() {
        let Some((topology, _)) = said(&case.text, newest) else { continue };
        for (feature, subject) in denied(&case.text, newest) {
            let definition = topology.definitions().iter().find(|found| found.subject() == subject).unwrap();
            let why = ask(&denying.api(), definition, "/");
            let why = why.unwrap_or_else(|| panic!("{}: {subject:?} is not denied", case.name));
            assert!(why.contains("deprecated"), "{}: {subject:?}: {why}", case.name);
            seen.insert((feature, definition.kind));
        }
    }
    let wanted = [
        ("queue_master_locator", KindId::Policy),
        ("queue_master_locator", KindId::Queue),
        ("transient_nonexcl_queues", KindId::Queue),
    ];
    assert_eq!(seen, BTreeSet::from(wanted));
}

/// What is said to be denied by a deprecated feature that the configuration can permit, with the feature.
fn denied(text: &str, series: Series) -> Vec<(&'static str, Subject)> {
    let sources = MemorySources::default().with("topology.kdl", text);
    let mut compiled = topoc::compile(&["topology.kdl".to_owned()], &sources, &Inputs::default());
    compiled.topology.target = Some((series, Span::NONE));
    compiled.lint();
    let found =
        compiled.report.into_diagnostics().into_iter().filter(|found| found.code.name == "feature-denied");
    found
        .filter_map(|found| {
            let help = found.help?;
            let features = ["transient_nonexcl_queues", "queue_master_locator"];
            let feature =
                features.into_iter().find(|feature| help.contains(&format!("permit.{feature} = true")))?;
            Some((feature, found.fate?.1))
        })
        .collect()
}
