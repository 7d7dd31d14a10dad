//! Systems as people write them, each with every finding that its owner gets to see. A finding that the owner would
//! shrug at is a lint that cries wolf.

use topoc::{
    diag::Severity,
    syntax::{Inputs, MemorySources},
};

#[test]
fn owners_see_what_they_would_mend() {
    insta::glob!("topologies/*.kdl", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let sources = MemorySources::default().with("topology.kdl", text);
        let compiled = topoc::check(&["topology.kdl".to_owned()], &sources, &Inputs::default());
        let mut lines = Vec::new();
        for severity in [Severity::Error, Severity::Warning, Severity::Hint] {
            for finding in compiled.report.diagnostics().iter().filter(|d| d.severity == severity) {
                let place = compiled.sources.line_of(finding.primary()).unwrap_or_default();
                lines.push(format!(
                    "{}[{}] {place}: {}",
                    severity.word(),
                    finding.code.name,
                    finding.message
                ));
            }
        }
        insta::assert_snapshot!(lines.join("\n"));
    });
}
