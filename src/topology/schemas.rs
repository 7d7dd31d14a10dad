//! JSON Schemas that payloads name.

use serde_json::Value as Json;

use super::{Payload, Topology};
use crate::{
    diag::{Diagnostic, Report, SourceMap, codes},
    syntax::{Sources, Word, relative, unreadable},
};

/// The schema that a payload names, relative to the file that says so.
///
/// # Errors
/// When the file cannot be read, or holds no JSON.
pub(crate) fn read(path: &Word, sources: &SourceMap, from: &dyn Sources) -> Result<Json, Box<Diagnostic>> {
    let file = sources.get(path.span.file).map_or("", |file| file.name.as_str());
    let file = relative(file, &path.text);
    let bytes = from.read(&file).map_err(|error| unreadable(&file, error, Some(path)))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Box::new(
            Diagnostic::new(codes::BAD_VALUE, format!("`{file}` is no JSON: {error}"))
                .label(path.span, "named here")
                .help("a schema is a JSON file, such as `{ \"type\": \"object\" }`"),
        )
    })
}

/// Looks at every schema that a payload names: `generate` is late to find that one is missing.
pub(crate) fn check(topology: &Topology, sources: &SourceMap, from: &dyn Sources, report: &mut Report) {
    for message in &topology.contract.messages {
        if let Payload::Schema(path) = &message.payload
            && let Err(diagnostic) = read(path, sources, from)
        {
            report.push(*diagnostic);
        }
    }
}
