//! The status of an EcsService, in the words of DescribeServices.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field_report::FieldOutcome;

/// What the operator saw of a service.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EcsServiceStatus {
    /// `ACTIVE`, or `DRAINING` while a deleted service still has tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ServiceState>,

    /// ARN of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_arn: Option<String>,

    /// ARN of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_arn: Option<String>,

    /// ARN of the task definition revision that the PRIMARY deployment runs: of a failed one that was rolled back the earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<String>,

    /// The same revision as `family:revision`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition_revision: Option<String>,

    /// How many tasks the service is to have.
    #[serde(default)]
    pub desired_count: i32,

    /// Tasks whose containers have all started and that are not being stopped.
    #[serde(default)]
    pub running_count: i32,

    /// Tasks that are on their way to RUNNING.
    #[serde(default)]
    pub pending_count: i32,

    /// The deployment that is to run (PRIMARY: the newest, or the one that was rolled back to) and others that still have tasks (ACTIVE).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<ServiceDeployment>,

    /// How a deployment that is started now would differ from the one that runs, which keeps what it was started with: a newer operator,
    /// a changed cluster, target group or role; or why it would be refused. Absent where it would not differ, and until the service is
    /// `Ready`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_due: Option<String>,

    /// The last events, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<ServiceEvent>,

    /// EcsSecurityGroups of the tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,

    /// Fields that Kubernetes does not do as ECS does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub field_outcomes: Vec<FieldOutcome>,

    /// Label selector of the tasks' Pods, for the scale subresource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,

    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Accepted`, `Ready`, `Reconciling` and `Stalled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// The status of a service as ECS names it.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServiceState {
    Active,
    Draining,
}

/// One deployment of a service.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceDeployment {
    /// `ecs-svc/` and a number.
    pub id: String,
    /// `PRIMARY` or `ACTIVE`.
    pub status: DeploymentStatus,
    /// ARN of the task definition revision.
    pub task_definition: String,
    /// How many tasks the deployment is to have.
    pub desired_count: i32,
    /// Its running tasks.
    pub running_count: i32,
    /// Its pending tasks.
    pub pending_count: i32,
    /// Its tasks that failed: since a task last became healthy, or since it began where the circuit breaker counts so.
    #[serde(default)]
    pub failed_tasks: i32,
    /// Ids of the tasks that have been counted as failed and are still there: none is counted twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failing_tasks: Vec<String>,
    /// When the newest of its healthy tasks became so, as it was when the first failure was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_healthy_at: Option<Time>,
    /// How often its tasks failed to start since one last did: those that failed together once.
    #[serde(default)]
    pub failed_starts: i32,
    /// Tasks that were made up to then are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_starts_up_to: Option<Time>,
    /// No further task of it is made before: nodes have refused the last ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_start_at: Option<Time>,
    /// How often its tasks ended within a minute since one last did not: those that ended together once.
    #[serde(default)]
    pub quick_ends: i32,
    /// Tasks that were made up to then are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quick_ends_up_to: Option<Time>,
    /// The names under which its tasks are reached in Service Connect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_connect_resources: Vec<ServiceConnectServiceResource>,
    /// How far it is.
    pub rollout_state: RolloutState,
    /// The same in ECS's words.
    pub rollout_state_reason: String,
    /// When it was first seen.
    pub created_at: Time,
    /// When its rollout state last changed.
    pub updated_at: Time,
}

/// A name of Service Connect.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceConnectServiceResource {
    /// The name in the namespace.
    pub discovery_name: String,
}

/// Whether a deployment is the one that is to run.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentStatus {
    Primary,
    Active,
}

/// How far a deployment is.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RolloutState {
    InProgress,
    Completed,
    Failed,
}

/// A service event of ECS.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceEvent {
    /// When it happened.
    pub created_at: Time,
    /// What happened, in ECS's words.
    pub message: String,
}
