//! Each folder in tests/plan is a case: what is (`live.json`, with the record of what was applied in it), what is to be
//! (`desired.kdl`), perhaps what queues hold (`held.json`, as `GET /api/queues` answers), how much
//! is published to exchanges of vhost `shop` (`published.json`), the vhosts that somebody who is no administrator sees into (`seen`, a line each) and `adopt`. The snapshot shows
//! the source and the plan.
#![expect(clippy::disallowed_methods, reason = "cases are files")]

use std::{fs, path::Path};

use topoc::{
    broker::Secrets,
    kind::{Identity, KindId},
    plan::{Held, Live, Pair, Shown, human, plan},
    syntax::{Inputs, MemorySources},
};

fn case(folder: &Path) -> String {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let desired = read("desired.kdl").expect("the glob found it");
    let sources = MemorySources::default().with("desired.kdl", desired.clone());
    let compiled = topoc::compile(&["desired.kdl".to_owned()], &sources, &Inputs::default());
    let said: Vec<_> = compiled.report.diagnostics().iter().map(|found| &found.message).collect();
    assert!(!compiled.report.has_errors(), "{said:?}");
    let mut live = Live::from_text(&read("live.json").expect("live.json"), None).expect("definitions");
    live.held =
        read("held.json").map(|text| Held::from_json(&serde_json::from_str(&text).expect("held.json")));
    if let Some(published) = read("published.json") {
        let rates: std::collections::BTreeMap<String, Option<f64>> =
            serde_json::from_str(&published).expect("published.json");
        let exchange = |name: &str| Identity {
            kind: KindId::Exchange,
            vhost: Some("shop".into()),
            parts: vec![name.into()],
        };
        live.published = rates.into_iter().map(|(name, rate)| (exchange(&name), rate)).collect();
    }
    if let Some(seen) = read("seen") {
        live.hide(
            &[KindId::User, KindId::Permission, KindId::TopicPermission, KindId::UserLimits],
            "only an administrator may see it",
        );
        live.seen = Some(seen.lines().map(Into::into).collect());
    }
    let secrets = Secrets::from_variables([("SECRET".to_owned(), "x".to_owned())]);
    let plan = plan(Pair {
        live: &live,
        desired: &compiled.topology,
        same_secret: &|desired, live, attribute| secrets.same(desired, live, attribute),
        adopt: folder.join("adopt").exists(),
    });
    let shown = human(&plan, &compiled.sources, Shown { all: false, paint: &|_, sign| sign.to_owned() });
    let phases: Vec<String> = plan
        .steps
        .iter()
        .enumerate()
        .map(|(id, step)| {
            format!(
                "  {id} in {} after {:?}: {}",
                step.phase,
                step.needs,
                topoc::diag::visible(&step.title())
            )
        })
        .collect();
    let order = phases.join("\n");
    format!("{desired}\n──── plan: {} of {}\n{shown}──── order\n{order}\n", plan.totals(), plan.compared)
}

#[test]
fn cases() {
    insta::glob!("plan/*/desired.kdl", |path| {
        let folder = path.parent().unwrap();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_suffix("");
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("plan", case(folder)));
    });
}
