//! `containerDefinitions` of a task definition: data only. What an area of them is made of has a file of its own.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    dependency::ContainerDependency,
    environment::{EnvironmentFile, KeyValuePair, Secret},
    health_check::{ContainerRestartPolicy, HealthCheck, VersionConsistency},
    linux_parameters::{LinuxParameters, SystemControl, Ulimit},
    logging::{FirelensConfiguration, LogConfiguration},
    port_mapping::PortMapping,
    resource_requirement::ResourceRequirement,
    task_definition_kubernetes::ContainerKubernetes,
    volume::{MountPoint, VolumeFrom},
};

/// One container of a task.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("!has(self.memory) || !has(self.memoryReservation) || self.memory >= self.memoryReservation").message("'memory' must be greater than or equal to 'memoryReservation'.").field_path(".memory"))]
pub struct ContainerDefinition {
    /// Name of the container, up to 255 letters, digits, `-` and `_`, unique in the task definition.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[A-Za-z0-9_-]+$"))]
    pub name: String,

    /// Image to run. The schema lets it be absent, so that a pipeline may own it; a task definition without it is not registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,

    /// Credentials of a private registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_credentials: Option<RepositoryCredentials>,

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

    /// Names of other containers, or `name:alias`, that are reached under these names. Only with network mode `bridge`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub links: Option<Vec<String>>,

    /// Ports that the container listens on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 100))]
    pub port_mappings: Option<Vec<PortMapping>>,

    /// Whether the task ends when this container ends. Default: true. At least one container of a task is essential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub essential: Option<bool>,

    /// Whether the container is started again within its task when it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<ContainerRestartPolicy>,

    /// Replaces the ENTRYPOINT of the image (and, as on ECS, drops its CMD).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub entry_point: Option<Vec<String>>,

    /// Replaces the CMD of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub command: Option<Vec<String>>,

    /// Environment variables. `$(NAME)` in a value is passed on as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub environment: Option<Vec<KeyValuePair>>,

    /// Files of environment variables, at most 10. `environment` wins over them, and of several files the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub environment_files: Option<Vec<EnvironmentFile>>,

    /// Environment variables whose values are secrets. They need an `executionRoleArn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    pub secrets: Option<Vec<Secret>>,

    /// Volumes of the task that the container sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub mount_points: Option<Vec<MountPoint>>,

    /// Other containers whose volumes the container sees as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub volumes_from: Option<Vec<VolumeFrom>>,

    /// Options of the Linux kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linux_parameters: Option<LinuxParameters>,

    /// Containers that must have started, be healthy or have ended before this one starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub depends_on: Option<Vec<ContainerDependency>>,

    /// Seconds, at least 2, in which the container must reach what others wait for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2))]
    pub start_timeout: Option<i32>,

    /// Seconds, at least 2, between SIGTERM and SIGKILL; at most 120 with FARGATE. Default: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2))]
    pub stop_timeout: Option<i32>,

    /// Whether the image's tag is resolved once for a deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_consistency: Option<VersionConsistency>,

    /// Host name of the container, and with it of the task; not in `awsvpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,

    /// User of the container's process: `uid`, `uid:gid`, or `root`. Other names would have to be looked up in the image and are
    /// refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,

    /// Directory in which the command runs. Default: that of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,

    /// Whether the container has no network: refused, because the containers of a task share one here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_networking: Option<bool>,

    /// Whether the container has the rights of the node's root. The Namespace's Pod Security level may refuse it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privileged: Option<bool>,

    /// Whether the container cannot write to its own file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readonly_root_filesystem: Option<bool>,

    /// Addresses of DNS servers, for the whole task; not in `awsvpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub dns_servers: Option<Vec<String>>,

    /// Search domains of DNS, for the whole task; not in `awsvpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub dns_search_domains: Option<Vec<String>>,

    /// Host names and their addresses, for the whole task; not in `awsvpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub extra_hosts: Option<Vec<HostEntry>>,

    /// `no-new-privileges`, `apparmor:PROFILE`, `label:VALUE`, `credentialspec:VALUE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub docker_security_options: Option<Vec<String>>,

    /// Whether standard input stays open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interactive: Option<bool>,

    /// Whether the container has a terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudo_terminal: Option<bool>,

    /// Labels of the Docker container: kept in an annotation of the Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker_labels: Option<BTreeMap<String, String>>,

    /// Resource limits of the container's processes: ignored, those of the node hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    pub ulimits: Option<Vec<Ulimit>>,

    /// Where the container's output goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<LogConfiguration>,

    /// Tells whether the container is healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,

    /// Kernel parameters, for the whole task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub system_controls: Option<Vec<SystemControl>>,

    /// Accelerators that the container needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 10))]
    pub resource_requirements: Option<Vec<ResourceRequirement>>,

    /// Marks the container as the log router of its task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firelens_configuration: Option<FirelensConfiguration>,

    /// Credential specifications of Active Directory, at most one; for Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 1))]
    pub credential_specs: Option<Vec<String>>,

    /// What ECS does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<ContainerKubernetes>,
}

/// Credentials of a private registry.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryCredentials {
    /// Name or ARN of a secret. It becomes the pull secret (`kubernetes.io/dockerconfigjson`) of the Namespace that is named
    /// after it.
    #[schemars(length(min = 1, max = 2048))]
    pub credentials_parameter: String,
}

/// A host name and its address.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct HostEntry {
    /// The host name.
    pub hostname: String,
    /// Its address.
    pub ip_address: String,
}
