//! TaskDefinition: what a team edits. Each change of its content registers a TaskDefinitionRevision.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    field_report::FieldOutcome,
    register_task_definition::{Compatibility, RegisterTaskDefinition},
};

/// A task definition in the shape of RegisterTaskDefinition. Editing it registers the next revision.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "ecs-operator.dev",
    version = "v1alpha1",
    kind = "TaskDefinition",
    plural = "taskdefinitions",
    shortname = "td",
    category = "ecs",
    namespaced,
    status = "TaskDefinitionStatus",
    doc = "An ECS task definition. Editing it registers the next TaskDefinitionRevision.",
    printcolumn(name = "Family", type_ = "string", json_path = ".status.family"),
    printcolumn(name = "Revision", type_ = "integer", json_path = ".status.revision"),
    printcolumn(
        name = "Accepted",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Accepted")].status"#
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = kube::core::Rule::new(
        "(has(self.spec.family) ? self.spec.family : self.metadata.name) == (has(oldSelf.spec.family) ? oldSelf.spec.family : oldSelf.metadata.name)"
    )
    .message("spec.family is immutable: make another TaskDefinition for another family")
)]
#[serde(rename_all = "camelCase")]
pub struct TaskDefinitionSpec {
    /// The members of RegisterTaskDefinition.
    #[serde(flatten)]
    pub definition: RegisterTaskDefinition,
}

/// What the operator made of a task definition.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TaskDefinitionStatus {
    /// The family that the revisions belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,

    /// Number of the newest revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,

    /// ARN of the newest revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition_arn: Option<String>,

    /// When the newest revision was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<Time>,

    /// Launch types that the content of the newest revision allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compatibilities: Vec<Compatibility>,

    /// Fields that Kubernetes does not do as ECS does, those among them that keep the content from being registered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub field_outcomes: Vec<FieldOutcome>,

    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Accepted` and `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
