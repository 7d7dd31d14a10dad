//! Something that the oldest broker does not have.

use super::{Context, Lint, error};
use crate::{
    diag::{Diagnostic, Fate, Report, Span},
    kind::{Attribute, Definition, KindId, Provenance, Version, exchange::TYPES, version},
    topology::{Exchange, Queue, QueueType},
};

pub(super) const LINT: Lint = Lint {
    code: error("V001", "feature-too-new", "The oldest broker that the topology names does not have this."),
    page: include_str!("feature_too_new.md"),
    check,
};

/// What is too new, and the first series that has it.
struct TooNew {
    what: String,
    since: Version,
    span: Span,
    /// What to write for older brokers.
    older: String,
    /// What they make of it.
    fate: Fate,
}

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let Some((target, target_span)) = context.topology.target else { return };
    let newer: Vec<(KindId, Vec<&'static Attribute>)> =
        [KindId::Exchange, KindId::Queue, KindId::Policy, KindId::OperatorPolicy]
            .into_iter()
            .map(|kind| {
                let attributes = kind.kind().all_attributes();
                (kind, attributes.filter(|attribute| since(kind, attribute) > target).collect())
            })
            .collect();
    for (kind, attributes) in newer {
        for definition in context.topology.of(kind) {
            if definition.external || definition.provenance != Provenance::Written {
                continue;
            }
            let attributes = attributes.iter().filter_map(|attribute| of_attribute(definition, attribute));
            let words = of_word(context, definition).into_iter().chain(without_limit(definition));
            let words = words.filter(|found| found.since > target);
            for TooNew { what, since, span, older, fate } in attributes.chain(words) {
                let finding = Diagnostic::new(LINT.code, format!("RabbitMQ {target} does not have {what}"))
                    .label(span, format!("RabbitMQ {since} is the first that does"))
                    .label(target_span, "the topology must run on this")
                    .help(format!("{older}, or raise `rabbitmq` to \"{since}\""));
                let word = definition.kind.word().replace('-', " ");
                report.push(match fate {
                    Fate::Refused => {
                        finding.note(format!("the broker refuses the {word}")).refused(definition.subject())
                    }
                    Fate::Ignored => finding
                        .note("the broker stores it, shows it and never reads it")
                        .ignored(definition.subject()),
                });
            }
        }
    }
}

/// The first series in which an entity of a kind may hold an attribute.
fn since(kind: KindId, attribute: &Attribute) -> Version {
    match (kind, attribute.operator) {
        (KindId::OperatorPolicy, Some(operator)) => operator.max(attribute.since),
        (KindId::Queue, _) => attribute.argument_since.unwrap_or(attribute.since),
        _ => attribute.since,
    }
}

fn of_attribute(definition: &Definition, attribute: &Attribute) -> Option<TooNew> {
    let field = definition.field(attribute.name)?;
    let word = definition.kind.word();
    Some(TooNew {
        what: format!("`{}` in {}", attribute.spelling(), crate::diag::with_article(&word.replace('-', " "))),
        since: since(definition.kind, attribute),
        span: field.span,
        older: format!("remove `{}`", attribute.name),
        // a policy with a key that nothing has registered is refused whole (`rabbit_policy:validation`)
        fate: match definition.kind {
            KindId::Policy | KindId::OperatorPolicy => Fate::Refused,
            _ => Fate::Ignored,
        },
    })
}

/// Words and types that came later than the attribute that holds them.
fn of_word(context: &Context<'_, '_>, definition: &Definition) -> Option<TooNew> {
    match definition.kind {
        KindId::Exchange => {
            let name = Exchange(definition).exchange_type();
            let known = TYPES.iter().find(|known| known.name == name)?;
            Some(TooNew {
                what: format!("exchanges of type `{name}`"),
                since: known.since,
                span: definition.span_of("type"),
                older: "write another type".to_owned(),
                fate: Fate::Refused,
            })
        }
        KindId::Queue => {
            let field = definition.field("queue-leader-locator")?;
            let classic = Queue(definition).queue_type(context.topology) == QueueType::Classic;
            classic.then(|| TooNew {
                what: "`queue-leader-locator` on classic queues".to_owned(),
                since: version(4, 0),
                span: field.span,
                older: "write `queue-master-locator`".to_owned(),
                fate: Fate::Refused,
            })
        }
        _ => {
            let word = definition.text("apply-to")?;
            let typed = matches!(word, "classic_queues" | "quorum_queues" | "streams");
            typed.then(|| TooNew {
                what: format!("`apply-to=\"{word}\"`"),
                since: version(3, 12),
                span: definition.span_of("apply-to"),
                older: "write `apply-to=\"queues\"` and a pattern for these names only".to_owned(),
                fate: Fate::Refused,
            })
        }
    }
}

/// Before 4.0 a delivery limit counts from 0 on: `rabbit_policies` refuses one below.
fn without_limit(definition: &Definition) -> Option<TooNew> {
    let limit = definition.field("delivery-limit").filter(|_| definition.kind != KindId::Queue)?;
    limit.value.as_integer().filter(|limit| *limit < 0).map(|limit_value| TooNew {
        what: format!("`delivery-limit {limit_value}` for no limit"),
        since: version(4, 0),
        span: limit.span,
        older: "remove `delivery-limit`: nothing limits deliveries there".to_owned(),
        fate: Fate::Refused,
    })
}
