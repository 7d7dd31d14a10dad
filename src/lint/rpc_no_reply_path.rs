//! An rpc is called, and nobody answers.

use std::collections::BTreeSet;

use super::{Context, Lint, context::Hears, error};
use crate::{
    diag::{Diagnostic, Report},
    topology::{DEFAULT_VHOST, Queue},
};

pub(super) const LINT: Lint = Lint {
    code: error("F005", "rpc-no-reply-path", "An rpc is called, and nobody answers."),
    page: include_str!("rpc_no_reply_path.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let contract = &context.topology.contract;
    let answered: BTreeSet<&str> = contract
        .services
        .iter()
        .flat_map(|service| &service.answers)
        .map(|answers| &*answers.rpc.text)
        .collect();
    let mut told = BTreeSet::new();
    for (service, word) in
        contract.services.iter().flat_map(|service| service.calls.iter().map(move |word| (service, word)))
    {
        let Some(rpc) = contract.rpc(&word.text) else { continue };
        if rpc.definition.external || answered.contains(&*word.text) || !told.insert(&word.text) {
            continue;
        }
        // of a queue that is not declared `unknown-queue` speaks
        let queue = rpc.queue.as_ref().and_then(|queue| {
            context.topology.queue(queue.found.as_deref().unwrap_or(DEFAULT_VHOST), &queue.name.text)
        });
        let Some(queue) = queue.filter(|queue| !queue.0.external) else { continue };
        report.push(
            unanswered(context, queue, &word.text)
                .label(word.span, format!("`{}` waits for its timeout, each time", service.name.text))
                .label(rpc.name.span, "no service says that it answers it"),
        );
    }
}

fn unanswered<'a>(context: &Context<'_, 'a>, queue: Queue<'a>, rpc: &str) -> Diagnostic {
    let consumer = context.hearers(queue).iter().find(|hearer| matches!(hearer.how, Hears::Consumes(_)));
    let help = match consumer {
        Some(consumer) => format!(
            "write `answers {rpc:?}` in `{}`, in place of `consumes {:?}`",
            consumer.service.name.text,
            queue.name()
        ),
        None => format!("write `answers {rpc:?}` in the service that does, or mark the rpc `external`"),
    };
    Diagnostic::new(LINT.code, format!("`{rpc}` is called, and nobody answers"))
        .note("the question is stored and confirmed, and stays in its queue")
        .help(help)
}
