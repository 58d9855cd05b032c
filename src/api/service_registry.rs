//! `serviceRegistries` of a service: the name under which its tasks are found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A service of Cloud Map, which becomes a headless Service of Kubernetes.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceRegistry {
    /// The name under which tasks are found in the Namespace, by itself or as the last part of an ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 400))]
    pub registry_arn: Option<String>,

    /// The port of SRV records; one of the task's ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,

    /// The container whose port SRV records have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub container_name: Option<String>,

    /// That port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub container_port: Option<i32>,
}
