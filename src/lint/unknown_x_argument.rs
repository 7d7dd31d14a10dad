//! An argument's name is a slip of the pen away from one that the broker knows.

use super::{Context, Lint, error};
use crate::{
    diag::{Change, Diagnostic, Report, surely},
    kind::{Attribute, Definition, KindId, Place},
};

/// Arguments that plugins read and topoc has no attribute for.
const PLUGINS: &[&str] =
    &["x-message-deduplication", "x-cache-size", "x-cache-ttl", "x-cache-persistence", "x-modulus"];

pub(super) const LINT: Lint = Lint {
    code: error("N007", "unknown-x-argument", "An argument's name is nearly one that the broker knows."),
    page: include_str!("unknown_x_argument.md"),
    check,
};

fn check(context: &Context<'_, '_>, report: &mut Report) {
    let holders = [KindId::Exchange, KindId::Queue].into_iter().flat_map(|kind| context.topology.of(kind));
    for holder in holders.filter(|holder| !holder.external) {
        for (name, field) in &holder.arguments {
            let Some((near, edit)) = meant(holder, name) else { continue };
            let attribute = attribute(holder, near).filter(|attribute| field.value.is_of(attribute.ty));
            let certain = surely(name, arguments(holder)) == Some(near);
            report.push(
                Diagnostic::new(
                    LINT.code,
                    format!(
                        "the {} `{}` has an argument `{name}`, which nothing reads",
                        holder.kind.word(),
                        holder.name()
                    ),
                )
                .label(field.span, format!("`{near}` was meant?"))
                .note("the broker stores any argument that starts with `x-`, shows it and never applies it")
                .help(edit)
                .mend(
                    attribute
                        .filter(|_| certain)
                        .map(|meant| Change::Unwrap(field.span, meant.name.to_owned())),
                ),
            );
        }
    }
}

/// The attribute of an argument, where it stands by itself and is not said.
fn attribute(holder: &Definition, wire: &str) -> Option<&'static Attribute> {
    let is_it = |attribute: &&Attribute| matches!(attribute.place, Place::Argument(name) if name == wire);
    let attribute = holder.kind.kind().attributes.iter().find(is_it)?;
    let apart = attribute.within.is_none() && !attribute.implied;
    (apart && holder.field(attribute.name).is_none()).then_some(attribute)
}

/// The arguments that the broker and its plugins know.
fn arguments(holder: &Definition) -> impl Iterator<Item = &'static str> {
    let known = holder.kind.kind().attributes.iter().filter_map(|attribute| match attribute.place {
        Place::Argument(wire) => Some(wire),
        Place::Body(_) | Place::Key(_) | Place::Nowhere => None,
    });
    known.chain(PLUGINS.iter().copied())
}

/// The argument that was meant, and how it is written.
fn meant(holder: &Definition, name: &str) -> Option<(&'static str, String)> {
    const NEAR: usize = 2;
    // short names are near to everything
    if name.len() < 6 || PLUGINS.contains(&name) {
        return None;
    }
    let known = holder.kind.kind().attributes.iter().filter_map(|attribute| match attribute.place {
        Place::Argument(wire) => Some((wire, format!("write the attribute `{}`", attribute.example))),
        Place::Body(_) | Place::Key(_) | Place::Nowhere => None,
    });
    let plugins = PLUGINS.iter().map(|wire| (*wire, format!("write `argument \"{wire}\" …`")));
    let near = known.chain(plugins).map(|(wire, edit)| (strsim::damerau_levenshtein(name, wire), wire, edit));
    near.filter(|(distance, ..)| *distance <= NEAR).min().map(|(_, wire, edit)| (wire, edit))
}
