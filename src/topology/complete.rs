//! What an entity must say, and what its type does not let it say: asked when all of it has been read.

use super::attributes::Reader;
use crate::{
    diag::{Diagnostic, codes, one_of},
    kind::{Attribute, Definition, KindId, exchange},
    syntax::quote,
};

impl Reader<'_, '_> {
    /// Speaks of what must be said and is not; what stands in a child node is read later.
    pub(super) fn required(&mut self, definition: &Definition) {
        if definition.external {
            return;
        }
        let of_type = definition.text("type").unwrap_or("");
        let missing: Vec<&Attribute> = self
            .kind
            .attributes
            .iter()
            .filter(|attribute| attribute.required || attribute.required_on.contains(&of_type))
            .filter(|attribute| attribute.name != "name" && definition.field(attribute.name).is_none())
            // what is there and cannot be read has been spoken of
            .filter(|attribute| !self.node.children.iter().any(|child| child.is(attribute.name)))
            .collect();
        let Some(first) = missing.first() else { return };
        let names: Vec<String> =
            missing.iter().map(|attribute| format!("`{}`", attribute.spelling())).collect();
        let examples: Vec<String> = missing.iter().map(|a| format!("`{}`", a.example)).collect();
        let mut diagnostic = Diagnostic::new(
            codes::MISSING,
            format!("the {} `{}` has no {}", self.kind.keyword, definition.title(), names.join(", no ")),
        )
        .label(self.node.span, "")
        .help(format!("write {}", examples.join(" and ")));
        if missing.len() == 1 {
            diagnostic = diagnostic.note(first.doc);
        }
        self.report.push(diagnostic);
    }

    /// Speaks of attributes that an exchange of another type has; of queues `arg-wrong-queue-type` does.
    pub(super) fn fits_type(&mut self, definition: &Definition) {
        if self.kind.id != KindId::Exchange {
            return;
        }
        let Some(of_type) = definition.text("type").filter(|of_type| exchange::is_known(of_type)) else {
            return;
        };
        for (name, field) in definition.fields() {
            let Some(attribute) = self.kind.attribute(name).filter(|a| !a.applies_to(of_type)) else {
                continue;
            };
            let others = one_of(attribute.on.iter().copied());
            self.report.push(
                Diagnostic::new(
                    codes::UNKNOWN_ATTRIBUTE,
                    format!("`{name}` is nothing that an exchange of type `{of_type}` has"),
                )
                .label(field.span, format!("only {others} has it"))
                .label(definition.span_of("type"), "")
                .note("the broker stores the argument, shows it and never applies it")
                .help(format!(
                    "remove `{name}`, or write `type={}`",
                    quote(attribute.on.first().unwrap_or(&""))
                )),
            );
        }
    }
}
