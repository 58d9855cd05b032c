//! Task definition -> the Pod of a task that runs by itself. It is started once.

use k8s_openapi::api::core::v1::Pod;
use kube::api::ObjectMeta;

use crate::ecs::{arn::ArnScope, kubernetes_version::KubernetesVersion, task_definition::TaskDefinition};

use super::{
    labels, names,
    pod::{self, Runs, Task},
};

/// What the Pod of a task by itself is rendered from.
#[derive(Clone, Copy, Debug)]
pub struct TaskPod<'a> {
    /// Name of the Pod.
    pub name: &'a str,
    /// The Namespace.
    pub namespace: &'a str,
    /// Region and account.
    pub arns: &'a ArnScope,
    /// Name of the EcsCluster.
    pub cluster_object: &'a str,
    /// What runs.
    pub task_definition: &'a TaskDefinition,
    /// Its revision.
    pub revision: i64,
    /// The group of the task.
    pub group: &'a str,
    /// Names of the EcsSecurityGroups.
    pub security_groups: &'a [String],
    /// What the Kubernetes cluster can do.
    pub version: KubernetesVersion,
}

/// Renders the Pod.
#[must_use]
pub fn task_pod(task: TaskPod<'_>) -> Pod {
    let definition = task.task_definition;
    let mut pod_labels = labels::managed();
    pod_labels.insert(labels::CLUSTER.into(), names::label_value(task.cluster_object));
    labels::add_task(&mut pod_labels, definition, task.revision, task.group, task.security_groups);
    Pod {
        metadata: ObjectMeta {
            name: Some(task.name.into()),
            namespace: Some(task.namespace.into()),
            labels: Some(pod_labels),
            annotations: Some(pod::annotations(definition, task.revision, task.arns)),
            ..Default::default()
        },
        spec: Some(pod::spec(Task {
            arns: task.arns,
            task_definition: definition,
            runs: Runs::Alone,
            version: task.version,
        })),
        status: None,
    }
}
