//! Services that wait for each other's answers in a circle.

use rustc_hash::FxHashMap;

use super::{Context, Lint, warning};
use crate::{
    diag::{Diagnostic, Report},
    graph::circles,
    syntax::Word,
};

pub(super) const LINT: Lint = Lint {
    code: warning("F006", "rpc-cycle", "Services wait for each other's answers in a circle."),
    page: include_str!("rpc_cycle.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let services = &context.topology.contract.services;
    let mut answering: FxHashMap<&str, Vec<&str>> = FxHashMap::default();
    for service in services {
        for answers in &service.answers {
            answering.entry(&answers.rpc.text).or_default().push(&service.name.text);
        }
    }
    let mut ways: FxHashMap<(&str, &str), &Word> = FxHashMap::default();
    for service in services {
        // one that is not declared is a slip of the pen, and nobody waits for it
        for word in service.calls.iter().filter(|word| context.topology.contract.rpc(&word.text).is_some()) {
            for answerer in answering.get(&*word.text).into_iter().flatten() {
                ways.entry((&service.name.text, answerer)).or_insert(word);
            }
        }
    }
    for circle in circles(ways.keys().copied()) {
        let around: Vec<String> =
            circle.iter().chain(circle.first()).map(|name| format!("`{name}`")).collect();
        let text = match circle.as_slice() {
            [one] => format!("`{one}` calls an rpc that it answers itself"),
            _ => format!("services wait for each other's answers: {}", around.join(" → ")),
        };
        let mut diagnostic = Diagnostic::new(LINT.code, text);
        for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)) {
            if let Some(word) = ways.get(&(*from, *to)) {
                diagnostic = diagnostic.label(word.span, format!("`{from}` waits for `{to}`"));
            }
        }
        report.push(
            diagnostic
                .note("under load every handler of each waits for the next, nobody is left to answer, and all stand still until the timeouts")
                .help("make one of the calls a message that is published, or move what both need into another service"),
        );
    }
}
