//! EcsService -> the workload that runs its tasks: a Deployment, or a DaemonSet for one task on each node.

use k8s_openapi::{
    api::{
        apps::v1::{
            DaemonSet, DaemonSetSpec, DaemonSetUpdateStrategy, Deployment, DeploymentSpec, DeploymentStrategy,
            RollingUpdateDaemonSet, RollingUpdateDeployment,
        },
        core::v1::PodTemplateSpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use kube::api::ObjectMeta;
use serde_json::Value;

use crate::{api::service::SchedulingStrategy, ecs::deployment_limits::DeploymentLimits};

use super::{labels, names, owner::Owner, snapshot::Snapshot};

/// What a workload is rendered from.
#[derive(Clone, Copy, Debug)]
pub struct ServiceWorkload<'a> {
    /// The Namespace.
    pub namespace: &'a str,
    /// Name of the EcsCluster.
    pub cluster_object: &'a str,
    /// Name of the EcsService.
    pub service_object: &'a str,
    /// The EcsService.
    pub owner: &'a Owner,
    /// Whether it is a Deployment or a DaemonSet.
    pub scheduling: SchedulingStrategy,
    /// How many tasks; a DaemonSet counts nodes instead.
    pub desired_count: u32,
    /// How a deployment may move.
    pub limits: DeploymentLimits,
    /// Seconds for which a task must be ready before it counts; `None` for ECS's time.
    pub min_ready_seconds: Option<u32>,
    /// No task of a template that is not running yet is started.
    pub is_paused: bool,
}

/// Renders the workload around the Pod template of a snapshot, which goes in as it was stored.
#[must_use]
pub fn service_workload(workload: ServiceWorkload<'_>, snapshot: &Snapshot) -> Value {
    let rendered = match workload.scheduling {
        SchedulingStrategy::Replica => serde_json::to_value(deployment(workload, snapshot)),
        SchedulingStrategy::Daemon => serde_json::to_value(daemon_set(workload, snapshot)),
    };
    let mut body = rendered.unwrap_or_default();
    body["spec"]["template"] = snapshot.content.template.clone();
    body
}

fn deployment(workload: ServiceWorkload<'_>, snapshot: &Snapshot) -> Deployment {
    let min_ready_seconds = min_ready_seconds(workload, snapshot);
    Deployment {
        metadata: metadata(workload, snapshot),
        spec: Some(DeploymentSpec {
            replicas: Some(number(workload.desired_count)),
            min_ready_seconds: Some(number(min_ready_seconds)),
            // Kubernetes wants more time for progress than a task needs to count.
            progress_deadline_seconds: Some(number(PROGRESS_DEADLINE_SECONDS + min_ready_seconds)),
            paused: workload.is_paused.then_some(true),
            selector: selector(workload),
            strategy: Some(deployment_strategy(workload)),
            template: PodTemplateSpec::default(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn daemon_set(workload: ServiceWorkload<'_>, snapshot: &Snapshot) -> DaemonSet {
    DaemonSet {
        metadata: metadata(workload, snapshot),
        spec: Some(DaemonSetSpec {
            min_ready_seconds: Some(number(min_ready_seconds(workload, snapshot))),
            selector: selector(workload),
            update_strategy: Some(daemon_set_strategy(workload)),
            template: PodTemplateSpec::default(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn metadata(workload: ServiceWorkload<'_>, snapshot: &Snapshot) -> ObjectMeta {
    let mut workload_labels = labels::of_service(workload.cluster_object, workload.service_object);
    workload_labels.insert(labels::DEPLOYMENT.into(), snapshot.number.to_string());
    ObjectMeta {
        name: Some(names::workload(workload.service_object)),
        namespace: Some(workload.namespace.into()),
        labels: Some(workload_labels),
        owner_references: Some(vec![workload.owner.reference()]),
        ..Default::default()
    }
}

fn selector(workload: ServiceWorkload<'_>) -> LabelSelector {
    LabelSelector { match_labels: Some(labels::service_selector(workload.service_object)), ..Default::default() }
}

/// Seconds for which ECS lets a task run before it counts as healthy when nothing checks its health.
const UNCHECKED_SECONDS: u32 = 40;

fn min_ready_seconds(workload: ServiceWorkload<'_>, snapshot: &Snapshot) -> u32 {
    let of_ecs = if snapshot.content.checks_health { 0 } else { UNCHECKED_SECONDS };
    workload.min_ready_seconds.unwrap_or(of_ecs)
}

/// Seconds without progress after which Kubernetes calls a deployment stuck, beside the time that a task needs to count.
const PROGRESS_DEADLINE_SECONDS: u32 = 600;

/// Absolute numbers: percentages would be rounded the other way.
fn deployment_strategy(workload: ServiceWorkload<'_>) -> DeploymentStrategy {
    let (surge, unavailable) = match workload.limits {
        DeploymentLimits::Rolling { surge, unavailable } => (surge, unavailable),
        // While a deployment is blocked it is paused, or there is nothing to replace: this moves nothing. Both zero is refused,
        // and a surge would be a share of what a paused Deployment may have.
        DeploymentLimits::Blocked if workload.is_paused => (0, 1),
        DeploymentLimits::Blocked => (1, 0),
    };
    DeploymentStrategy {
        type_: Some("RollingUpdate".into()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(number(surge))),
            max_unavailable: Some(IntOrString::Int(number(unavailable))),
        }),
    }
}

/// ECS stops the old task of a node before it starts the new one. A DaemonSet that is paused replaces nothing that runs.
fn daemon_set_strategy(workload: ServiceWorkload<'_>) -> DaemonSetUpdateStrategy {
    if workload.is_paused {
        return DaemonSetUpdateStrategy { type_: Some("OnDelete".into()), rolling_update: None };
    }
    let unavailable = match workload.limits {
        DeploymentLimits::Rolling { unavailable, .. } => unavailable.max(1),
        DeploymentLimits::Blocked => 1,
    };
    DaemonSetUpdateStrategy {
        type_: Some("RollingUpdate".into()),
        rolling_update: Some(RollingUpdateDaemonSet {
            max_surge: Some(IntOrString::Int(0)),
            max_unavailable: Some(IntOrString::Int(number(unavailable))),
        }),
    }
}

fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
