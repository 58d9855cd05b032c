//! EcsCluster: an ECS cluster, which becomes a Namespace. Its rules live in `ecs`, its lifecycle in `decide`.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::service_connect::ClusterServiceConnectDefaults;

/// An ECS cluster. Its services and tasks live in one Namespace, `ecs-<name>` unless `kubernetes.namespace` says otherwise.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "ecs-operator.dev",
    version = "v1alpha1",
    kind = "EcsCluster",
    plural = "ecsclusters",
    shortname = "ecscl",
    category = "ecs",
    status = "EcsClusterStatus",
    doc = "An ECS cluster. Its services and tasks live in one Namespace.",
    printcolumn(name = "Status", type_ = "string", json_path = ".status.status"),
    printcolumn(name = "Namespace", type_ = "string", json_path = ".status.namespace"),
    printcolumn(name = "Services", type_ = "integer", json_path = ".status.activeServicesCount"),
    printcolumn(name = "Running", type_ = "integer", json_path = ".status.runningTasksCount"),
    printcolumn(name = "Pending", type_ = "integer", json_path = ".status.pendingTasksCount"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = kube::core::Rule::new(
        "(has(self.spec.clusterName) ? self.spec.clusterName : self.metadata.name) == (has(oldSelf.spec.clusterName) ? oldSelf.spec.clusterName : oldSelf.metadata.name)"
    )
    .message("spec.clusterName is immutable: make another EcsCluster for another name"),
    validation = kube::core::Rule::new(
        // `namespace` is a reserved word of CEL, which is escaped so.
        "(has(self.spec.kubernetes) && has(self.spec.kubernetes.__namespace__) ? self.spec.kubernetes.__namespace__ : '') == (has(oldSelf.spec.kubernetes) && has(oldSelf.spec.kubernetes.__namespace__) ? oldSelf.spec.kubernetes.__namespace__ : '')"
    )
    .message("spec.kubernetes.namespace is immutable: make another EcsCluster for another Namespace"),
    validation = kube::core::Rule::new(
        "!has(oldSelf.spec.region) || (has(self.spec.region) && self.spec.region == oldSelf.spec.region)"
    )
    .message("spec.region is immutable: a cluster is in one region, so make another EcsCluster for another one"),
    validation = kube::core::Rule::new(
        "!has(oldSelf.spec.vpc) || (has(self.spec.vpc) && self.spec.vpc.id == oldSelf.spec.vpc.id)"
    )
    .message("spec.vpc is immutable: a cluster is in one network, so make another EcsCluster for another one")
)]
#[serde(rename_all = "camelCase")]
pub struct EcsClusterSpec {
    /// Name of the cluster as ECS shows it, up to 255 letters, digits, `-` and `_`. Default: the object's name. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[A-Za-z0-9_-]+$"))]
    pub cluster_name: Option<String>,

    /// Region: tasks that start from now on run on nodes whose label `topology.kubernetes.io/region` has this value. Default: any.
    /// Immutable once it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"))]
    pub region: Option<String>,

    /// The network of the cluster. Rules of security groups may name groups of other clusters of the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,

    /// The subnets that services and tasks may name in `awsvpcConfiguration.subnets`: each stands for some nodes. Without any, the ids
    /// that they name are ignored, and their status says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["id".into()]))]
    #[schemars(length(max = 64))]
    pub subnets: Option<Vec<Subnet>>,

    /// What services have of Service Connect that do not say it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_defaults: Option<ClusterServiceConnectDefaults>,

    /// What ECS does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<EcsClusterKubernetes>,
}

/// A VPC. It exists by being named.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Vpc {
    /// Its id, or any other name. Immutable once it is set: what lets one cluster reach another one is not to change by the way.
    #[schemars(length(min = 1, max = 255))]
    pub id: String,
}

/// A subnet: the nodes in it. Without `availabilityZone` and `nodeSelector` these are all nodes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Subnet {
    /// Id of the subnet, as services and tasks name it: `subnet-0a1b2c`.
    #[schemars(length(min = 1, max = 255))]
    pub id: String,

    /// Value of the label `topology.kubernetes.io/zone` of its nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"))]
    pub availability_zone: Option<String>,

    /// Labels of its nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<BTreeMap<String, String>>,
}

/// The Kubernetes side of a cluster.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EcsClusterKubernetes {
    /// Namespace of the cluster. Default: `ecs-` and the cluster's name. A Namespace that exists already is used only if
    /// it carries the label `ecs-operator.dev/adopt` with the name of this EcsCluster; such a Namespace is never deleted. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,

    /// Pod Security level that a Namespace made for this cluster enforces. Default: `baseline`. The labels of an adopted Namespace are left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_security: Option<PodSecurityLevel>,

    /// How long the records and the Pods of stopped tasks are kept: a number and `s`, `m`, `h` or `d`. Default: `1h`. Of a
    /// service at most 100 records are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{1,7}[smhd]$"))]
    pub stopped_task_retention: Option<String>,
}

/// A level of the Kubernetes Pod Security Standards.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum PodSecurityLevel {
    Privileged,
    #[default]
    Baseline,
    Restricted,
}

/// What the operator saw of a cluster, in the words of DescribeClusters.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EcsClusterStatus {
    /// `ACTIVE`, `PROVISIONING`, `DEPROVISIONING` or `FAILED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ClusterState>,

    /// ARN of the cluster, with the region and account of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_arn: Option<String>,

    /// The Namespace that holds the cluster's services and tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,

    /// Services that are ACTIVE.
    #[serde(default)]
    pub active_services_count: i32,

    /// Tasks whose containers have all started.
    #[serde(default)]
    pub running_tasks_count: i32,

    /// Tasks that are on their way to RUNNING.
    #[serde(default)]
    pub pending_tasks_count: i32,

    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Accepted` and `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// The status of a cluster as ECS names it.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClusterState {
    Active,
    Provisioning,
    Deprovisioning,
    Failed,
}
