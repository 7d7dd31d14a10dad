//! What a service hears and answers → traits for its handler, and who calls them.

use serde::Serialize;

use super::{
    Builder,
    docs::code,
    names::{COMMON, Scope, camel, joined, snake, stem},
    naming::Callee,
    publish::once,
};
use crate::topology::{Consumes, DEFAULT_VHOST, KeyPart, Message, Payload, Service, Topology};

/// What the templates of a service call by these names.
const TAKEN: &[&str] = &[
    "Arc",
    "Argument",
    "Binding",
    "Clone",
    "Connections",
    "Declaration",
    "Destination",
    "Err",
    "Exchange",
    "Future",
    "H",
    "Handler",
    "None",
    "Ok",
    "Option",
    "Publisher",
    "Queue",
    "Result",
    "Self",
    "Send",
    "Some",
    "String",
    "Sync",
    "Vec",
];

/// What `handler.rs.hbs` fills in.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Trait {
    pub(super) name: String,
    pub(super) doc: String,
    /// The traits that it rests on.
    pub(super) above: Vec<String>,
    pub(super) methods: Vec<Method>,
    pub(super) answers: Vec<Answering>,
    /// Whether whoever has the traits that it rests on has it too.
    pub(super) blanket: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Method {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) message: String,
    /// Whether it gets the service's publisher.
    pub(super) publishes: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Answering {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) request: String,
    pub(super) response: String,
    pub(super) publishes: bool,
}

/// What `consumer.rs.hbs` fills in: who takes a queue's messages to their handlers.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Consumer {
    pub(super) structure: String,
    pub(super) doc: String,
    /// The trait with the handlers.
    pub(super) of: String,
    pub(super) publishes: bool,
    pub(super) routes: Vec<Route>,
    /// Without routes: the method for whatever comes.
    pub(super) any: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Route {
    pub(super) message: String,
    /// Topic patterns for a message without a type property.
    pub(super) keys: Vec<String>,
    pub(super) method: String,
    /// What a message without payload becomes.
    pub(super) empty: Option<String>,
}

/// Who answers the rpcs of a queue.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Responder {
    pub(super) structure: String,
    pub(super) doc: String,
    pub(super) vhost: String,
    pub(super) queue: String,
    /// The constant of the first rpc, which names the queue.
    pub(super) constant: String,
    /// As written; 0 is no bound.
    pub(super) prefetch: Option<i64>,
    pub(super) concurrency: Option<i64>,
    pub(super) publishes: bool,
    pub(super) rpcs: Vec<Responding>,
    /// Whether a request's name decides who answers.
    pub(super) several: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Responding {
    pub(super) name: String,
    pub(super) method: String,
}

/// All that a service hears and answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Handlers {
    pub(super) traits: Vec<Trait>,
    pub(super) consumers: Vec<Consumer>,
    pub(super) responders: Vec<Responder>,
}

/// One queue, or none: everything is in `Handler`. Several: a trait for each queue, and `Handler` rests on them.
pub(super) fn handlers(builder: &Builder<'_>, service: &Service, publishes: bool) -> Handlers {
    let mut handlers = Handlers::default();
    if service.consumes.is_empty() && service.answers.is_empty() {
        return handlers;
    }
    let several = service.consumes.len() > 1;
    let mut scope = Scope::new(TAKEN);
    let mut handler = Trait {
        name: "Handler".to_owned(),
        doc: format!("What {} does with what it gets.", code(&service.name.text)),
        above: Vec::new(),
        methods: Vec::new(),
        answers: Vec::new(),
        blanket: several && service.answers.is_empty(),
    };
    let mut methods = Scope::new(COMMON);
    for consumes in &service.consumes {
        let queue = &*consumes.queue.name.text;
        let wish = camel(queue);
        if several {
            methods = Scope::new(COMMON);
        }
        let (heard, routes, any) = heard(builder, consumes, publishes, &mut methods);
        let of = if several {
            let name = scope.take(&[&wish, &joined(&wish, "Queue")]);
            let doc = format!("What {} hears from {}.", code(&service.name.text), code(queue));
            let (above, answers) = (Vec::new(), Vec::new());
            handler.above.push(name.clone());
            handlers.traits.push(Trait {
                name: name.clone(),
                doc,
                above,
                methods: heard,
                answers,
                blanket: false,
            });
            name
        } else {
            handler.methods = heard;
            "Handler".to_owned()
        };
        let structure = if several {
            scope.take(&[&joined(&of, "Consumer")])
        } else {
            scope.take(&[&wish, &joined(&wish, "Consumer")])
        };
        let doc = format!("Takes what comes from {} to its handler.", code(queue));
        handlers.consumers.push(Consumer { structure, doc, of, publishes, routes, any });
    }
    for answers in &service.answers {
        let Some(rpc) = builder.topology.contract.rpc(&answers.rpc.text) else { continue };
        let name = &*rpc.name.text;
        let method = methods.take(&[&snake(name), &format!("answer_{}", stem(&snake(name)))]);
        let payload = |word: &Option<crate::syntax::Word>| {
            word.as_ref().map_or(String::new(), |word| builder.naming.declared(&word.text).to_owned())
        };
        handler.answers.push(Answering {
            name: method.clone(),
            doc: format!("Answers {}.", code(name)),
            request: payload(&rpc.request),
            response: payload(&rpc.response),
            publishes,
        });
        let Some((queue, vhost)) = rpc.queue.as_ref().and_then(|q| Some((&q.name.text, q.found.as_ref()?)))
        else {
            continue;
        };
        let responding = Responding { name: name.to_owned(), method };
        let same = |found: &&mut Responder| *found.queue == **queue && *found.vhost == **vhost;
        if let Some(responder) = handlers.responders.iter_mut().find(same) {
            // two consumers of one queue would take each other's requests
            responder.several = true;
            responder.concurrency = responder.concurrency.max(answers.concurrency);
            responder.prefetch = match (responder.prefetch, answers.prefetch) {
                (Some(0), _) | (_, Some(0)) => Some(0),
                (one, other) => one.max(other),
            };
            responder.rpcs.push(responding);
            continue;
        }
        let wish = camel(name);
        handlers.responders.push(Responder {
            structure: scope.take(&[&wish, &joined(&wish, "Rpc")]),
            doc: format!("Takes requests from {} to the handler.", code(queue)),
            vhost: vhost.to_string(),
            queue: queue.to_string(),
            constant: builder.naming.constant(Callee::Rpc, name).to_owned(),
            prefetch: answers.prefetch,
            concurrency: answers.concurrency,
            publishes,
            rpcs: vec![responding],
            several: false,
        });
    }
    handlers.traits.push(handler);
    handlers
}

/// The handlers of a queue's messages, and how a message finds its own.
fn heard(
    builder: &Builder<'_>,
    consumes: &Consumes,
    publishes: bool,
    names: &mut Scope,
) -> (Vec<Method>, Vec<Route>, Option<String>) {
    let contract = &builder.topology.contract;
    let queue = &*consumes.queue.name.text;
    let messages: Vec<&Message> =
        once(&consumes.on).filter_map(|word| contract.message(&word.text)).collect();
    if messages.is_empty() {
        let name = names.take(&[&snake(queue)]);
        let doc = format!("Whatever comes from {}.", code(queue));
        let message = "topoc_runtime::Delivery".to_owned();
        let method = Method { name: name.clone(), doc, message, publishes };
        return (vec![method], Vec::new(), Some(name));
    }
    let patterns: Vec<Option<String>> =
        messages.iter().map(|message| pattern(builder.topology, message)).collect();
    let mut methods = Vec::new();
    let mut routes = Vec::new();
    for (message, pattern) in messages.iter().zip(&patterns) {
        let wish = snake(&message.name.text);
        let name = names.take(&[&wish, &format!("on_{}", stem(&wish))]);
        let payload = builder.naming.message(message);
        methods.push(Method {
            name: name.clone(),
            doc: format!("{} from {}.", code(&message.name.text), code(queue)),
            message: format!("super::{payload}"),
            publishes,
        });
        // a key that two messages share does not tell them apart
        let telling = patterns.iter().filter(|other| *other == pattern).count() == 1;
        routes.push(Route {
            message: message.name.text.to_string(),
            keys: pattern.iter().filter(|_| telling).cloned().collect(),
            method: name,
            empty: matches!(message.payload, Payload::Empty).then(|| format!("super::{payload} {{}}")),
        });
    }
    // the exact key is asked before the pattern that also matches it
    routes.sort_by_key(|route| route.keys.iter().map(|key| key.matches('*').count()).sum::<usize>());
    (methods, routes, None)
}

/// The topic pattern that all keys of a message match; none for a message that is published nowhere, or to a super
/// stream, where the key is a partition.
fn pattern(topology: &Topology, message: &Message) -> Option<String> {
    let exchange = message.exchange.as_ref()?;
    let vhost = exchange.found.as_deref().unwrap_or(DEFAULT_VHOST);
    if !topology.partitions(vhost, &exchange.name.text).is_empty() {
        return None;
    }
    let mut key = String::new();
    for part in message.key_parts() {
        match part {
            KeyPart::Text(text) => key.push_str(text),
            // cannot stand in a name of a key
            KeyPart::Parameter(_) => key.push('\0'),
        }
    }
    let words = key.split('.').map(|word| if word.contains('\0') { "*" } else { word });
    Some(words.collect::<Vec<_>>().join("."))
}
