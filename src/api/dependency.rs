//! `containerDefinitions[].dependsOn`: data only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What another container must have reached before this one starts.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ContainerDependency {
    /// Name of the other container.
    pub container_name: String,

    /// `START`: it has started. `HEALTHY`: its health check has succeeded. `COMPLETE`: it has ended. `SUCCESS`: it has ended
    /// with exit code 0. A container that others wait for with COMPLETE or SUCCESS is not essential.
    pub condition: ContainerCondition,
}

/// What is waited for.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ContainerCondition {
    Start,
    Complete,
    Success,
    Healthy,
}
