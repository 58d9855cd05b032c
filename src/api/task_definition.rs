//! TaskDefinition: what a team edits. Each change of its content registers a TaskDefinitionRevision.

use k8s_openapi::apimachinery::pkg::{apis::meta::v1::Condition, util::intstr::IntOrString};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{container_definition::ContainerDefinition, field_report::FieldOutcome};

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

/// The members of RegisterTaskDefinition.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RegisterTaskDefinition {
    /// Name under which the revisions are counted, up to 255 letters, digits, `-` and `_`. Default: the object's name. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[A-Za-z0-9_-]+$"))]
    pub family: Option<String>,

    /// The containers of a task, at most 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    pub container_definitions: Option<Vec<ContainerDefinition>>,

    /// CPU of the whole task, a hard limit: CPU units (`256`, `"256"`) or vCPUs (`".25 vCPU"`). 1024 units are one core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<IntOrString>,

    /// Memory of the whole task, a hard limit: MiB (`512`, `"512"`) or GB (`"0.5 GB"`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<IntOrString>,

    /// How the containers reach the network. Each task has an address of its own in `awsvpc`, `bridge` and when it is
    /// absent; `host` uses the node's network, where no security group acts; `none` lets nothing in or out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<NetworkMode>,

    /// Launch types whose rules the task definition must keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub requires_compatibilities: Option<Vec<Compatibility>>,
}

/// A network mode of ECS.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    Bridge,
    Host,
    Awsvpc,
    None,
}

/// A launch type whose rules a task definition keeps.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Compatibility {
    Ec2,
    Fargate,
    External,
    ManagedInstances,
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

    /// Fields that Kubernetes does not do as ECS does.
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
