//! Payload types that a service has of its own.

use topoc_runtime::codegen::serde::{Deserialize, Serialize};

/// What the message `Sketch` carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(crate = "topoc_runtime::codegen::serde")]
pub struct Sketch {
    /// Its lines.
    pub lines: Vec<(f64, f64)>,
}
