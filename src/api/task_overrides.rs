//! `overrides` of RunTask: data only.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{
    environment::{EnvironmentFile, KeyValuePair},
    resource_requirement::ResourceRequirement,
    runtime::EphemeralStorage,
};

/// What a run of a task does otherwise than its definition says: at most 8192 characters as JSON. What is absent or an empty
/// list stays as the definition has it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TaskOverride {
    /// Overrides of containers of the task definition, each named once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 10))]
    pub container_overrides: Option<Vec<ContainerOverride>>,

    /// CPU of the whole task: CPU units (`256`) or vCPUs (`".25 vCPU"`). On Fargate one of its sizes, together with `memory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<IntOrString>,

    /// Memory of the whole task: MiB (`512`) or GB (`"0.5 GB"`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<IntOrString>,

    /// Name or ARN of the role that the containers have: an EcsRole of the Namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_role_arn: Option<String>,

    /// Name or ARN of the role that pulls images and reads secrets. The kubelet does both, with the `imagePullSecrets` of the EcsRole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<String>,

    /// Disk of the task; only on Fargate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<EphemeralStorage>,
}

/// What a container of this run does otherwise than its definition says.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ContainerOverride {
    /// The container, which has to be in the task definition. Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,

    /// Its arguments, instead of those of the definition or the image: `command` of ECS, `args` of Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub command: Option<Vec<String>>,

    /// Variables that are added to those of the definition, or take their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub environment: Option<Vec<KeyValuePair>>,

    /// Files of variables, instead of those of the definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 10))]
    pub environment_files: Option<Vec<EnvironmentFile>>,

    /// CPU units: 1024 are one core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<i32>,

    /// Most memory, in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<i32>,

    /// Memory that is set aside, in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_reservation: Option<i32>,

    /// Accelerators, instead of all those of the definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub resource_requirements: Option<Vec<ResourceRequirement>>,
}
