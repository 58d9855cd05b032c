//! Task definition and service -> the template of the service's Pods.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::api::ObjectMeta;

use crate::ecs::{
    arn::ArnScope, kubernetes_version::KubernetesVersion, role::RolesOfTask, subnet::Location, task::group_of_service,
    task_definition::TaskDefinition,
};

use super::{
    labels::{self, Labels},
    pod::{self, Runs, Task},
};

/// What a Pod template is rendered from.
#[derive(Clone, Copy, Debug)]
pub struct TaskTemplate<'a> {
    /// Region and account.
    pub arns: &'a ArnScope,
    /// Name of the EcsCluster.
    pub cluster_object: &'a str,
    /// Name of the EcsService.
    pub service_object: &'a str,
    /// Its name in ECS.
    pub service_name: &'a str,
    /// What runs.
    pub task_definition: &'a TaskDefinition,
    /// What its roles bring.
    pub roles: &'a RolesOfTask,
    /// Its revision.
    pub revision: i64,
    /// Number of the deployment.
    pub deployment: i64,
    /// Its id in ECS's form.
    pub deployment_id: &'a str,
    /// Names of the EcsSecurityGroups.
    pub security_groups: &'a [String],
    /// Where the tasks run.
    pub location: &'a Location,
    /// Seconds between the withdrawal from endpoints and SIGTERM.
    pub pre_stop_seconds: u32,
    /// What the Kubernetes cluster can do.
    pub version: KubernetesVersion,
}

/// Renders the template.
#[must_use]
pub fn pod_template(template: TaskTemplate<'_>) -> PodTemplateSpec {
    let task = Task {
        arns: template.arns,
        task_definition: template.task_definition,
        roles: template.roles,
        runs: Runs::InService { pre_stop_seconds: template.pre_stop_seconds },
        location: template.location,
        spread_with: &labels::service_selector(template.service_object),
        version: template.version,
    };
    let mut annotations = pod::annotations(task, template.revision);
    annotations.insert(labels::DEPLOYMENT_ID.into(), template.deployment_id.into());
    let metadata =
        ObjectMeta { labels: Some(pod_labels(template)), annotations: Some(annotations), ..Default::default() };
    PodTemplateSpec { metadata: Some(metadata), spec: Some(pod::spec(task)) }
}

fn pod_labels(template: TaskTemplate<'_>) -> Labels {
    let mut labels = labels::of_service(template.cluster_object, template.service_object);
    let group = group_of_service(template.service_name);
    labels::add_task(&mut labels, template.task_definition, template.revision, &group, template.security_groups);
    labels.insert(labels::DEPLOYMENT.into(), template.deployment.to_string());
    labels
}
