//! TaskDefinitionRevision: one immutable revision, `web.3` for ECS's `web:3`. Only the operator writes them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::register_task_definition::{Compatibility, RegisterTaskDefinition};

/// The largest number of a revision.
pub const LARGEST_REVISION: i64 = 2_147_483_647;

/// A registered revision of a task definition. All but its state is immutable.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "ecs-operator.dev",
    version = "v1alpha1",
    kind = "TaskDefinitionRevision",
    plural = "taskdefinitionrevisions",
    shortname = "tdr",
    category = "ecs",
    namespaced,
    status = "TaskDefinitionRevisionStatus",
    doc = "A registered revision of an ECS task definition: `web.3` is ECS's `web:3`. Immutable but for its state.",
    selectable = ".spec.family",
    selectable = ".spec.state",
    printcolumn(name = "Family", type_ = "string", json_path = ".spec.family"),
    printcolumn(name = "Revision", type_ = "integer", json_path = ".spec.revision"),
    printcolumn(name = "State", type_ = "string", json_path = ".spec.state"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct TaskDefinitionRevisionSpec {
    /// The family.
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = kube::core::Rule::new("self == oldSelf").message("spec.family of a revision is immutable"))]
    pub family: String,

    /// The number within the family, from 1. A number is never used twice.
    #[schemars(range(min = 1, max = LARGEST_REVISION))]
    #[x_kube(validation = kube::core::Rule::new("self == oldSelf").message("spec.revision is immutable"))]
    pub revision: i64,

    /// `Active`, or `Inactive` once it is deregistered: services that run it go on, new ones cannot name it.
    #[x_kube(validation = kube::core::Rule::new("self == oldSelf || oldSelf == 'Active'").message("spec.state goes from Active to Inactive only: register a new revision instead"))]
    pub state: RevisionState,

    /// The definition with ECS's defaults filled in.
    #[x_kube(validation = kube::core::Rule::new("self == oldSelf").message("spec.definition of a revision is immutable: edit the TaskDefinition, which registers the next revision"))]
    pub definition: RegisterTaskDefinition,
}

/// Whether a revision can still be named by new services and tasks.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevisionState {
    Active,
    Inactive,
}

/// A revision in the words of DescribeTaskDefinition.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TaskDefinitionRevisionStatus {
    /// ARN of the revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition_arn: Option<String>,

    /// `ACTIVE` or `INACTIVE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,

    /// When it was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<Time>,

    /// When it was deregistered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deregistered_at: Option<Time>,

    /// Launch types that its content allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compatibilities: Vec<Compatibility>,
}
