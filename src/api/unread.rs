//! Objects whose members nobody reads, because what they ask for is refused or ignored as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An object as it was given. Its members are not looked at.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct Unread {
    /// Its members.
    #[serde(flatten)]
    #[schemars(skip)]
    pub members: serde_json::Map<String, serde_json::Value>,
}
