//! Health checks of containers and the restart policy: data only.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A command that tells whether the container is healthy. It becomes a readiness probe: a container that fails it gets no
/// traffic and is not restarted.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// `["CMD", program, arguments...]` runs a program, `["CMD-SHELL", command]` a command in the container's shell. Exit code
    /// 0 is healthy.
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub command: Vec<String>,

    /// Seconds between two checks, and before the first one: 5 to 300. Default: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 5, max = 300))]
    pub interval: Option<i32>,

    /// Seconds after which a check has failed: 2 to 60. Default: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 60))]
    pub timeout: Option<i32>,

    /// Failures in a row that make the container unhealthy: 1 to 10. Default: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10))]
    pub retries: Option<i32>,

    /// Seconds after the start in which failures do not count: 0 to 300. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 300))]
    pub start_period: Option<i32>,
}

/// Whether a container that has ended is started again within its task.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRestartPolicy {
    /// Whether it is.
    pub enabled: bool,

    /// Exit codes after which it is not, at most 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 50))]
    pub ignored_exit_codes: Option<Vec<i32>>,

    /// Seconds for which it must have run to be started again: 60 to 1800. Default: 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 1800))]
    pub restart_attempt_period: Option<i32>,
}

/// Whether the tag of an image is resolved once for a deployment.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum VersionConsistency {
    Enabled,
    Disabled,
}
