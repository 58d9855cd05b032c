//! The status of an EcsTask, in the words of DescribeTasks.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{field_report::FieldOutcome, task::DesiredStatus};

/// What the operator saw of a task.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EcsTaskStatus {
    /// The id: 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,

    /// ARN of the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_arn: Option<String>,

    /// ARN of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_arn: Option<String>,

    /// ARN of the task definition revision that it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition_arn: Option<String>,

    /// The same revision as `family:revision`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition_revision: Option<String>,

    /// Its group: as it was given, else `family:NAME`; `service:NAME` for the tasks of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,

    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<LastStatus>,

    /// `RUNNING`, or `STOPPED` once it is to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_status: Option<DesiredStatus>,

    /// `HEALTHY` or `UNHEALTHY` where an essential container has a health check, else `UNKNOWN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_status: Option<HealthStatus>,

    /// When it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,

    /// When all its containers had started; absent when they never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,

    /// When it was decided that it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping_at: Option<Time>,

    /// When its last container ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_stopped_at: Option<Time>,

    /// When nothing of it was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Time>,

    /// Which kind of cause stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_code: Option<StopCode>,

    /// Why it stopped: in ECS's words, with what Kubernetes said behind them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_reason: Option<String>,

    /// What there is to say of it in a row of at most 100 characters: the beginning of why it is not accepted, why it does not start,
    /// why it is down, or of `stoppedReason`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,

    /// Exit codes of the containers, in their order: `web=137,log=0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_codes: Option<String>,

    /// The containers, in the order of the task definition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<TaskContainer>,

    /// The Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_name: Option<String>,

    /// UID of the Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,

    /// The node that it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,

    /// Addresses of the task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,

    /// Fields that Kubernetes does not do as ECS does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub field_outcomes: Vec<FieldOutcome>,

    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Accepted` and `Stalled`; of a record none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

impl EcsTaskStatus {
    /// Whether nothing of it is left.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.last_status == Some(LastStatus::Stopped)
    }
}

/// How far a task is.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LastStatus {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

/// Whether a task or a container is healthy.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HealthStatus {
    Healthy,
    Unhealthy,
    Unknown,
}

/// Which kind of cause stopped a task.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCode {
    TaskFailedToStart,
    EssentialContainerExited,
    UserInitiated,
    ServiceSchedulerInitiated,
    SpotInterruption,
    TerminationNotice,
    InfrastructureHealth,
}

/// A container of a task.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TaskContainer {
    /// Its name in the task definition.
    pub name: String,

    /// Its name in the Pod, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes_name: Option<String>,

    /// `PENDING`, `RUNNING` or `STOPPED`.
    pub last_status: ContainerLastStatus,

    /// Its exit code; absent when it never ran or nobody saw it end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,

    /// Why it ended or did not start, where that is not just its exit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,

    /// The image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,

    /// Digest of the image that ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,

    /// Its id in the container runtime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_id: Option<String>,

    /// `HEALTHY` or `UNHEALTHY` where it has a health check, else `UNKNOWN`.
    pub health_status: HealthStatus,

    /// How often it was started again in its place, where that happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_count: Option<i32>,
}

/// How far a container is.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ContainerLastStatus {
    Pending,
    Running,
    Stopped,
}
