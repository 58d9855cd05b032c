//! EcsService: an ECS service, which becomes a Deployment or a DaemonSet. What the operator says of it is in `service_status`.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    deployment_configuration::DeploymentConfiguration, load_balancer::LoadBalancer,
    service_connect::ServiceConnectConfiguration, service_registry::ServiceRegistry, service_status::EcsServiceStatus,
};

/// A service in the shape of CreateService. The Namespace is the cluster.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "ecs-operator.dev",
    version = "v1alpha1",
    kind = "EcsService",
    plural = "ecsservices",
    shortname = "ecssvc",
    category = "ecs",
    namespaced,
    status = "EcsServiceStatus",
    scale(
        spec_replicas_path = ".spec.desiredCount",
        status_replicas_path = ".status.runningCount",
        label_selector_path = ".status.selector"
    ),
    doc = "An ECS service: keeps a number of tasks of a task definition running.",
    printcolumn(name = "Status", type_ = "string", json_path = ".status.status"),
    printcolumn(name = "Task definition", type_ = "string", json_path = ".status.taskDefinitionRevision"),
    printcolumn(name = "Desired", type_ = "integer", json_path = ".status.desiredCount"),
    printcolumn(name = "Running", type_ = "integer", json_path = ".status.runningCount"),
    printcolumn(name = "Pending", type_ = "integer", json_path = ".status.pendingCount"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = kube::core::Rule::new(
        "(has(self.spec.serviceName) ? self.spec.serviceName : self.metadata.name) == (has(oldSelf.spec.serviceName) ? oldSelf.spec.serviceName : oldSelf.metadata.name)"
    )
    .message("spec.serviceName is immutable: make another EcsService for another name"),
    validation = kube::core::Rule::new(
        "(has(self.spec.schedulingStrategy) ? self.spec.schedulingStrategy : 'REPLICA') == (has(oldSelf.spec.schedulingStrategy) ? oldSelf.spec.schedulingStrategy : 'REPLICA')"
    )
    .message("spec.schedulingStrategy is immutable: delete the EcsService and make it again with the other strategy")
)]
#[x_kube(
    validation = kube::core::Rule::new(
        "!(has(self.schedulingStrategy) && self.schedulingStrategy == 'DAEMON' && has(self.desiredCount))"
    ).message("The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again")
)]
#[serde(rename_all = "camelCase")]
pub struct EcsServiceSpec {
    /// The cluster, by name or ARN. It may be absent: the Namespace says which cluster this is. Another cluster than that is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,

    /// Name of the service, up to 255 letters, digits, `-` and `_`. Default: the object's name. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[A-Za-z0-9_-]+$"))]
    pub service_name: Option<String>,

    /// The task definition: a family (`web`: the newest active revision, followed as it changes), a family and a
    /// revision (`web:3`: pinned), or the ARN of either.
    #[schemars(length(min = 1, max = 400))]
    pub task_definition: String,

    /// How many tasks to run; not with `DAEMON`. When it is absent the operator writes the current number (at first 1) here, because
    /// `kubectl scale` and the HorizontalPodAutoscaler need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000))]
    pub desired_count: Option<i32>,

    /// `REPLICA`: as many tasks as `desiredCount` says. `DAEMON`: one on each node that suits the task definition, without
    /// `desiredCount`. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling_strategy: Option<SchedulingStrategy>,

    /// Network of the tasks; only with network mode `awsvpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,

    /// The target groups that tasks are registered with, at most 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 5))]
    pub load_balancers: Option<Vec<LoadBalancer>>,

    /// The name under which tasks are found one by one, at most 1: a headless Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 1))]
    pub service_registries: Option<Vec<ServiceRegistry>>,

    /// Names under which tasks reach each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_configuration: Option<ServiceConnectConfiguration>,

    /// How a new deployment replaces the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_configuration: Option<DeploymentConfiguration>,

    /// Seconds after the start of a task in which it is not replaced for failing its health checks. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub health_check_grace_period_seconds: Option<i32>,

    /// A new value starts a deployment, even when nothing else has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub force_new_deployment: Option<String>,

    /// What ECS does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<EcsServiceKubernetes>,
}

/// How the tasks of a service are counted and placed.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SchedulingStrategy {
    #[default]
    Replica,
    Daemon,
}

/// Network of the tasks of a service.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct NetworkConfiguration {
    /// Subnets and security groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awsvpc_configuration: Option<AwsVpcConfiguration>,
}

/// Subnets and security groups of a task.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AwsVpcConfiguration {
    /// Ids of subnets of the EcsCluster (`spec.subnets`): the tasks run on nodes of these, spread over their zones. Absent or empty:
    /// on any node. Where the EcsCluster has none, the ids are ignored, and the status says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 16))]
    pub subnets: Option<Vec<String>>,

    /// Names of EcsSecurityGroups of this Namespace, at most 5. Absent or empty, of a service: a group of its own, which lets
    /// anyone reach the container ports and nothing else, and lets everything out. Of a task by itself: the group `default` of
    /// its cluster, whose tasks reach each other and everything outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    #[schemars(length(max = 5))]
    pub security_groups: Option<Vec<String>>,

    /// Public addresses belong to the platform's nodes and load balancers: ignored, and the status says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assign_public_ip: Option<AssignPublicIp>,
}

/// Whether ECS would give the task a public address.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AssignPublicIp {
    Enabled,
    Disabled,
}

/// The Kubernetes side of a service.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EcsServiceKubernetes {
    /// Seconds for which a new task must be ready before it counts as healthy. Default: 0 where an essential container has a
    /// health check or a readiness probe, else 40, as ECS waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3600))]
    pub min_ready_seconds: Option<i32>,

    /// Seconds between the withdrawal of a task with ports from its endpoints and SIGTERM; part of the stop time. Default: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 120))]
    pub pre_stop_seconds: Option<i32>,
}
