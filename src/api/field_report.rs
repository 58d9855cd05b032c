//! What became of a field that a user set: the rows of a loss report, as status shows them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of one field that a user set.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FieldOutcome {
    /// Path of the field below `spec`.
    pub path: String,
    /// Whether Kubernetes does the same, nearly the same, or nothing.
    pub outcome: Outcome,
    /// How it differs, why it is ignored, or what to do instead.
    pub detail: String,
}

/// Whether Kubernetes does what a field asks for.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Mapped,
    Approximated,
    Ignored,
    Refused,
}
