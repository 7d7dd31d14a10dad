//! What other languages call the types of payload fields.

use super::contract::FIELD_TYPES;
use crate::diag::{did_you_mean, surely};

/// The type of topoc that a word of another language means.
fn meant(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "str" | "text" | "varchar" | "char" => "string",
        "boolean" => "bool",
        "int" | "integer" | "long" | "int64" | "bigint" => "i64",
        "int32" | "short" | "i8" | "i16" => "i32",
        "uint" | "uint64" | "usize" => "u64",
        "uint32" | "u8" | "u16" => "u32",
        "float" | "double" | "number" | "f32" | "real" => "f64",
        "money" | "numeric" | "bigdecimal" => "decimal",
        "guid" => "uuid",
        "datetime" | "time" | "instant" => "timestamp",
        "binary" | "blob" => "bytes",
        "array" | "vec" | "seq" => "list<T>",
        "object" | "dict" | "hash" => "map<T>",
        _ => return None,
    })
}

/// The type that is certainly meant: another language's word for exactly that, or a slip of the pen. How large a number
/// is or whether it is decimal is not certain of a word that does not say it.
pub(super) fn certain<'a>(word: &str, declared: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let same =
        ["str", "text", "boolean", "int64", "int32", "uint64", "uint32", "double", "guid", "binary", "blob"];
    if let Some(meant) = meant(word) {
        return same.contains(&&*word.to_lowercase()).then_some(meant);
    }
    surely(word, declared.into_iter().chain(FIELD_TYPES.iter().map(|(word, _)| *word)))
}

/// A help line for a word that is no type: what it means, or the types there are.
pub(super) fn help<'a>(word: &str, declared: impl IntoIterator<Item = &'a str>) -> String {
    if let Some(meant) = meant(word) {
        return format!("did you mean `{meant}`?");
    }
    let built_in = FIELD_TYPES.iter().map(|(word, _)| *word);
    did_you_mean(word, declared.into_iter().chain(built_in).chain(["list<T>", "map<T>", "T?"]), "type")
}
