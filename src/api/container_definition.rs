//! `containerDefinitions` of a task definition: data only.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::port_mapping::PortMapping;

/// One container of a task.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ContainerDefinition {
    /// Name of the container, up to 255 letters, digits, `-` and `_`, unique in the task definition.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[A-Za-z0-9_-]+$"))]
    pub name: String,

    /// Image to run. The schema lets it be absent, so that a pipeline may own it; a task definition without it is not registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,

    /// CPU units that are reserved for the container; 1024 units are one core. The container may use more when there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub cpu: Option<i32>,

    /// Hard limit of memory in MiB, at least 6: a container that exceeds it is killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 6, max = 100_000_000))]
    pub memory: Option<i32>,

    /// Memory in MiB that is reserved for the container, at least 6 and at most `memory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 6, max = 100_000_000))]
    pub memory_reservation: Option<i32>,

    /// Whether the task ends when this container ends. Default: true. At least one container of a task is essential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub essential: Option<bool>,

    /// Ports that the container listens on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 100))]
    pub port_mappings: Option<Vec<PortMapping>>,

    /// Environment variables. `$(NAME)` in a value is passed on as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub environment: Option<Vec<KeyValuePair>>,

    /// Replaces the ENTRYPOINT of the image (and, as on ECS, drops its CMD).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub entry_point: Option<Vec<String>>,

    /// Replaces the CMD of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub command: Option<Vec<String>>,

    /// Directory in which the command runs. Default: that of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
}

/// An environment variable.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct KeyValuePair {
    /// Name of the variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,

    /// Its value. Default: the empty string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}
