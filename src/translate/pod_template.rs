//! Task definition and service -> the template of the service's Pods.

use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec, ResourceRequirements};
use kube::api::ObjectMeta;

use crate::{
    api::task_definition::NetworkMode,
    ecs::{arn::ArnScope, task_definition::TaskDefinition},
};

use super::{
    container,
    labels::{self, Labels},
    names,
};

/// Seconds between SIGTERM and SIGKILL on ECS; the wait before SIGTERM is part of them.
const STOP_TIMEOUT_SECONDS: u32 = 30;

/// What a Pod template is rendered from.
#[derive(Clone, Copy, Debug)]
pub struct TaskTemplate<'a> {
    /// Region and account.
    pub arns: &'a ArnScope,
    /// Name of the EcsCluster.
    pub cluster_object: &'a str,
    /// Name of the EcsService.
    pub service_object: &'a str,
    /// What runs.
    pub task_definition: &'a TaskDefinition,
    /// Its revision.
    pub revision: i64,
    /// Number of the deployment.
    pub deployment: i64,
    /// Names of the EcsSecurityGroups.
    pub security_groups: &'a [String],
    /// Seconds between the withdrawal from endpoints and SIGTERM.
    pub pre_stop_seconds: u32,
}

/// Renders the template.
#[must_use]
pub fn pod_template(task: TaskTemplate<'_>) -> PodTemplateSpec {
    let host_network = task.task_definition.network_mode == Some(NetworkMode::Host);
    let spec = PodSpec {
        containers: containers(task),
        resources: task_resources(task.task_definition),
        host_network: host_network.then_some(true),
        dns_policy: host_network.then(|| "ClusterFirstWithHostNet".into()),
        // A task has the rights of its task role and no others, and sees no variables of its neighbours' Services.
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(i64::from(STOP_TIMEOUT_SECONDS.max(task.pre_stop_seconds + 1))),
        ..Default::default()
    };
    let metadata =
        ObjectMeta { labels: Some(pod_labels(task)), annotations: Some(annotations(task)), ..Default::default() };
    PodTemplateSpec { metadata: Some(metadata), spec: Some(spec) }
}

fn containers(task: TaskTemplate<'_>) -> Vec<k8s_openapi::api::core::v1::Container> {
    let definition = task.task_definition;
    let region = task.arns.region.as_str();
    let environment = [("AWS_REGION", region), ("AWS_DEFAULT_REGION", region), ("AWS_EXECUTION_ENV", "AWS_ECS_EC2")];
    let has_ports = definition.containers.iter().any(|container| !container.ports.is_empty());
    // Without ports nobody has to be told that the task goes away.
    let pre_stop_seconds = if has_ports { task.pre_stop_seconds } else { 0 };
    definition.containers.iter().map(|each| container::container(each, &environment, pre_stop_seconds)).collect()
}

/// The size of the whole task is a hard limit, on the Pod.
fn task_resources(definition: &TaskDefinition) -> Option<ResourceRequirements> {
    let cpu = definition.cpu.map(|cpu| ("cpu".into(), container::task_cpu(cpu)));
    let memory = definition.memory.map(|memory| ("memory".into(), container::memory(memory)));
    let size: std::collections::BTreeMap<_, _> = cpu.into_iter().chain(memory).collect();
    (!size.is_empty()).then(|| ResourceRequirements {
        requests: Some(size.clone()),
        limits: Some(size),
        ..Default::default()
    })
}

fn pod_labels(task: TaskTemplate<'_>) -> Labels {
    let mut labels = labels::of_service(task.cluster_object, task.service_object);
    labels.insert(labels::FAMILY.into(), names::label_value(&task.task_definition.family));
    labels.insert(labels::REVISION.into(), task.revision.to_string());
    labels.insert(labels::DEPLOYMENT.into(), task.deployment.to_string());
    for group in task.security_groups {
        labels.insert(names::security_group_label(group), "true".into());
    }
    labels
}

fn annotations(task: TaskTemplate<'_>) -> Labels {
    let arn = task.arns.task_definition(&task.task_definition.family, task.revision);
    let mut annotations = Labels::from([(labels::TASK_DEFINITION.into(), arn)]);
    let originals = container::original_names(&task.task_definition.containers);
    if !originals.is_empty() {
        let originals = serde_json::to_string(&originals).unwrap_or_default();
        annotations.insert(labels::ORIGINAL_NAMES.into(), originals);
    }
    annotations
}
