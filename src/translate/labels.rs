//! Labels and annotations of what the operator makes.

use std::collections::BTreeMap;

use crate::{api::register_task_definition::NetworkMode, ecs::task_definition::TaskDefinition};

use super::names;

/// Who made an object; every watch of the operator selects by it.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`].
pub const OPERATOR: &str = "ecs-operator";
/// The EcsCluster.
pub const CLUSTER: &str = "ecs-operator.dev/cluster";
/// The EcsService.
pub const SERVICE: &str = "ecs-operator.dev/service";
/// The EcsTask of a task that runs by itself: the name of its Pod.
pub const TASK: &str = "ecs-operator.dev/task";
/// The family of a task definition.
pub const FAMILY: &str = "ecs-operator.dev/family";
/// The number of a task definition revision.
pub const REVISION: &str = "ecs-operator.dev/revision";
/// The UID of the TaskDefinition that a revision was registered from.
pub const TASK_DEFINITION_UID: &str = "ecs-operator.dev/task-definition-uid";
/// The number of the deployment of a service that a Pod or a Deployment belongs to.
pub const DEPLOYMENT: &str = "ecs-operator.dev/deployment";
/// The network mode of a task, where it is `none`: the policy that cuts such tasks off selects by it.
pub const NETWORK_MODE: &str = "ecs-operator.dev/network-mode";
/// The group of a task; placement constraints ask for it.
pub const TASK_GROUP: &str = "ecs-operator.dev/task-group";
/// The EcsService whose deployments a ControllerRevision keeps. No workload selects by it.
pub const SNAPSHOT_OF: &str = "ecs-operator.dev/snapshot-of";
/// On a Namespace: the EcsCluster that may adopt it. The only label that users write.
pub const ADOPT: &str = "ecs-operator.dev/adopt";
/// Annotation with the original names, in JSON, where Kubernetes took others.
pub const ORIGINAL_NAMES: &str = "ecs-operator.dev/original-names";
/// Annotation of a Pod with what has to be known of its task's containers when their definition is gone, in JSON.
pub const CONTAINERS: &str = "ecs-operator.dev/containers";
/// Annotation of a Pod with what it is to target groups, in JSON.
pub const TARGETS: &str = "ecs-operator.dev/targets";
/// Annotation of a Service with what it is called in Service Connect, in JSON.
pub const SERVICE_CONNECT: &str = "ecs-operator.dev/service-connect";
/// Annotation with the ARN of a task definition revision.
pub const TASK_DEFINITION: &str = "ecs-operator.dev/task-definition";
/// Annotation of the record of a task with the name of its Pod.
pub const POD: &str = "ecs-operator.dev/pod";
/// Annotation of a Pod with the id of the deployment that it belongs to.
pub const DEPLOYMENT_ID: &str = "ecs-operator.dev/deployment-id";

/// Annotation of a ControllerRevision: how far the deployment is, and why it failed.
pub const ROLLOUT: &str = "ecs-operator.dev/rollout";
/// Annotation of the newest ControllerRevision of a service, and of the Service of a target group: what was accepted last of it, in
/// JSON.
pub const LAST_ACCEPTED: &str = "ecs-operator.dev/last-accepted";
/// Annotation that users write on an EcsService: the id of the deployment under way, `ecs-svc/N`, to stop it and to roll it
/// back.
pub const STOP_DEPLOYMENT: &str = "ecs-operator.dev/stop-deployment";

/// Whether objects are looked up by a label in what the operator has seen.
#[must_use]
pub fn is_looked_up(label: &str) -> bool {
    [SERVICE, TASK_DEFINITION_UID].contains(&label) || names::is_label_of_group(label)
}

/// A set of labels or annotations.
pub type Labels = BTreeMap<String, String>;

/// The label that every object of the operator carries.
#[must_use]
pub fn managed() -> Labels {
    Labels::from([(MANAGED_BY.into(), OPERATOR.into())])
}

/// What a service's objects carry.
#[must_use]
pub fn of_service(cluster_object: &str, service_object: &str) -> Labels {
    let mut labels = managed();
    labels.insert(CLUSTER.into(), names::label_value(cluster_object));
    labels.insert(SERVICE.into(), names::workload(service_object));
    labels
}

/// Adds what the Pod of a task carries, whoever started it: what runs, its group, the security groups that hold for it, the
/// target groups that it is registered with.
pub fn add_task(
    labels: &mut Labels,
    task_definition: &TaskDefinition,
    revision: i64,
    group: &str,
    security_groups: &[String],
) {
    labels.insert(FAMILY.into(), names::label_value(&task_definition.family));
    labels.insert(REVISION.into(), revision.to_string());
    labels.extend(of_task_group(group));
    labels.extend(security_groups.iter().map(|group| (names::security_group_label(group), "true".into())));
    let target_groups = task_definition.targets.iter().map(|target| &target.target_group);
    labels.extend(target_groups.map(|group| (names::target_group_label(group), "true".into())));
    if task_definition.network_mode == Some(NetworkMode::None) {
        labels.insert(NETWORK_MODE.into(), "none".into());
    }
}

/// What selects the tasks of a group.
#[must_use]
pub fn of_task_group(group: &str) -> Labels {
    Labels::from([(TASK_GROUP.into(), names::label_value(group))])
}

/// What selects the Pods of a service.
#[must_use]
pub fn service_selector(service_object: &str) -> Labels {
    Labels::from([(SERVICE.into(), names::workload(service_object))])
}

/// What selects the Pod of a task that runs by itself.
#[must_use]
pub fn task_selector(task_object: &str) -> Labels {
    Labels::from([(TASK.into(), names::task_pod(task_object))])
}

/// A label selector in the form of a query: `a=b,c=d`.
#[must_use]
pub fn query(labels: &Labels) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}
