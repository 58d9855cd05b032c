//! The members of RegisterTaskDefinition: data only. What an area of them is made of has a file of its own.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    container_definition::ContainerDefinition,
    placement::PlacementConstraint,
    runtime::{
        EphemeralStorage, InferenceAccelerator, IpcMode, PidMode, ProxyConfiguration, RuntimePlatform, Tag,
        TrustedExecutionConfiguration,
    },
    task_definition_kubernetes::TaskDefinitionKubernetes,
    volume::Volume,
};

/// The members of RegisterTaskDefinition.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RegisterTaskDefinition {
    /// Name under which the revisions are counted, up to 255 letters, digits, `-` and `_`. Default: the object's name. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[A-Za-z0-9_-]+$"))]
    pub family: Option<String>,

    /// Name or ARN of the role that the containers have: an EcsRole of the Namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_role_arn: Option<String>,

    /// Name or ARN of the role that pulls images and reads secrets for the task. The kubelet does both, with the `imagePullSecrets` of the EcsRole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<String>,

    /// How the containers reach the network. Each task has an address of its own in `awsvpc`, `bridge` and when it is
    /// absent; `host` uses the node's network, where no security group acts; `none` lets nothing in or out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<NetworkMode>,

    /// The containers of a task, at most 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 10))]
    pub container_definitions: Option<Vec<ContainerDefinition>>,

    /// Volumes that containers mount, at most 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 100))]
    pub volumes: Option<Vec<Volume>>,

    /// Conditions on the nodes that a task may run on, at most 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub placement_constraints: Option<Vec<PlacementConstraint>>,

    /// Launch types whose rules the task definition must keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub requires_compatibilities: Option<Vec<Compatibility>>,

    /// CPU of the whole task, a hard limit: CPU units (`256`, `"256"`) or vCPUs (`".25 vCPU"`). 1024 units are one core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<IntOrString>,

    /// Memory of the whole task, a hard limit: MiB (`512`, `"512"`) or GB (`"0.5 GB"`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<IntOrString>,

    /// Tags of the task definition, at most 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub tags: Option<Vec<Tag>>,

    /// Whose processes the containers see: `task` for those of each other, `host` for those of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid_mode: Option<PidMode>,

    /// With whom the containers share memory: `task` (what a Pod does), `host` for the node, `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipc_mode: Option<IpcMode>,

    /// A proxy of App Mesh: its container runs, and no traffic is redirected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_configuration: Option<ProxyConfiguration>,

    /// Elastic Inference accelerators: retired, and refused as ECS does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub inference_accelerators: Option<Vec<InferenceAccelerator>>,

    /// Storage of a FARGATE task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<EphemeralStorage>,

    /// Operating system and processor that the tasks need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_platform: Option<RuntimePlatform>,

    /// Whether fault injection is allowed: ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_fault_injection: Option<bool>,

    /// How far the tasks are kept apart from others on their node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_execution_configuration: Option<TrustedExecutionConfiguration>,

    /// What ECS does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<TaskDefinitionKubernetes>,
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
