//! What is the same in a queue, an exchange and a policy, as it is written.

use super::{Attribute, Type, Value};
use crate::{diag::digits, syntax::quote};

/// Keys of a policy as they are written, a line each; those that are said together in one.
#[must_use]
pub fn written_keys(keys: &[(&'static Attribute, Value)]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut open = None;
    for (attribute, value) in keys {
        let value = kdl(value, attribute.ty);
        let Some(within) = attribute.within else {
            lines.push(format!("{} {value}", attribute.name));
            continue;
        };
        if open != Some(within.node) {
            lines.push(within.node.to_owned());
            open = Some(within.node);
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(
                &within.property.map_or(format!(" {value}"), |property| format!(" {property}={value}")),
            );
        }
    }
    lines.join("\n")
}

fn kdl(value: &Value, ty: Type) -> String {
    match (value, ty) {
        (Value::Integer(_), Type::Duration(..) | Type::Seconds(..) | Type::Size(..)) => {
            quote(&value.show(ty))
        }
        (Value::Integer(number), _) if *number >= 10_000 => digits(*number).replace(' ', "_"),
        (Value::Text(text), _) => quote(text),
        (Value::Bool(bool), _) => format!("#{bool}"),
        _ => value.show(ty),
    }
}
