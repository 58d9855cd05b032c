//! EcsTask: a task that somebody runs by itself, and the record of a service's task. What the operator says of it is in
//! `task_status`, what a run overrides of its definition in `task_overrides`.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{runtime::Tag, service::NetworkConfiguration, task_overrides::TaskOverride, task_status::EcsTaskStatus};

/// A task in the shape of RunTask with a count of 1. It becomes one Pod, which is never started a second time.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "ecs-operator.dev",
    version = "v1alpha1",
    kind = "EcsTask",
    plural = "ecstasks",
    shortname = "ecstask",
    category = "ecs",
    namespaced,
    status = "EcsTaskStatus",
    doc = "An ECS task: one that runs by itself, or the record of a service's task. Deleting it stops the task.",
    selectable = ".spec.group",
    printcolumn(name = "Group", type_ = "string", json_path = ".status.group"),
    printcolumn(name = "Task definition", type_ = "string", json_path = ".status.taskDefinitionRevision"),
    printcolumn(name = "Last status", type_ = "string", json_path = ".status.lastStatus"),
    printcolumn(name = "Health", type_ = "string", json_path = ".status.healthStatus"),
    printcolumn(name = "Started", type_ = "date", json_path = ".status.startedAt"),
    printcolumn(name = "Stopped", type_ = "date", json_path = ".status.stoppedAt"),
    printcolumn(name = "Exit", type_ = "string", json_path = ".status.exitCodes"),
    printcolumn(name = "Stop code", type_ = "string", json_path = ".status.stopCode"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.reason"),
    printcolumn(name = "Pod", type_ = "string", json_path = ".status.podName", priority = 1),
    printcolumn(name = "Node", type_ = "string", json_path = ".status.nodeName", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = kube::core::Rule::new(
        "self.spec.taskDefinition == oldSelf.spec.taskDefinition && (has(self.spec.group) ? self.spec.group : '') == (has(oldSelf.spec.group) ? oldSelf.spec.group : '') && (has(self.spec.startedBy) ? self.spec.startedBy : '') == (has(oldSelf.spec.startedBy) ? oldSelf.spec.startedBy : '')"
    )
    .message("spec.taskDefinition, spec.group and spec.startedBy are immutable: a task is run once, so make another EcsTask"),
    validation = kube::core::Rule::new(
        "has(self.spec.overrides) == has(oldSelf.spec.overrides) && (!has(self.spec.overrides) || self.spec.overrides == oldSelf.spec.overrides)"
    )
    .message("spec.overrides is immutable: a task is run once, so make another EcsTask"),
    validation = kube::core::Rule::new(
        "has(self.spec.networkConfiguration) == has(oldSelf.spec.networkConfiguration) && (!has(self.spec.networkConfiguration) || self.spec.networkConfiguration == oldSelf.spec.networkConfiguration)"
    )
    .message("spec.networkConfiguration is immutable: a task is run once, so make another EcsTask"),
    validation = kube::core::Rule::new(
        "!(has(oldSelf.spec.desiredStatus) && oldSelf.spec.desiredStatus == 'STOPPED') || (has(self.spec.desiredStatus) && self.spec.desiredStatus == 'STOPPED')"
    )
    .message("spec.desiredStatus stays STOPPED: a stopped task does not run again, so make another EcsTask")
)]
#[serde(rename_all = "camelCase")]
pub struct EcsTaskSpec {
    /// The cluster, by name or ARN. It may be absent: the Namespace says which cluster this is. Another cluster than that is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,

    /// The task definition: a family (`web`: the newest active revision at the start), a family and a revision (`web:3`), or
    /// the ARN of either.
    #[schemars(length(min = 1, max = 400))]
    pub task_definition: String,

    /// An EcsTask is one task: 1, or absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1))]
    pub count: Option<i32>,

    /// What this run does otherwise than its definition says. The outcome has to keep the rules of a task definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overrides: Option<TaskOverride>,

    /// The group of the task. Default: `family:` and the family. `service:` is for the tasks of services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub group: Option<String>,

    /// Who started it: a word of your own. The tasks of a service have the id of their deployment here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub started_by: Option<String>,

    /// Network of the task; only with network mode `awsvpc`. A task that names no security group has the group `default` of its
    /// cluster, whose tasks reach each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,

    /// `STOPPED` stops the task, as StopTask does. It stays stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_status: Option<DesiredStatus>,

    /// Why it is stopped: `stoppedReason` of the status. Default: `Task stopped by user`. What was told first stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub reason: Option<String>,

    /// Tags of the task, at most 50. They are kept here; its Pod does not carry them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 50))]
    pub tags: Option<Vec<Tag>>,

    /// What ECS does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<EcsTaskKubernetes>,
}

/// What a task is to be.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DesiredStatus {
    Running,
    Stopped,
}

/// The Kubernetes side of a task.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EcsTaskKubernetes {
    /// Seconds after its stop in which the EcsTask is deleted. Absent: it stays until its author deletes it. Its Pod goes after
    /// `kubernetes.stoppedTaskRetention` of the cluster at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 31_536_000))]
    pub ttl_seconds_after_stopped: Option<i32>,
}
