//! EcsService -> Deployment.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::PodTemplateSpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use kube::api::ObjectMeta;
use serde_json::Value;

use crate::ecs::deployment_limits::DeploymentLimits;

use super::{labels, names, owner::Owner, snapshot::Snapshot};

/// What a Deployment is rendered from.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'a> {
    /// The Namespace.
    pub namespace: &'a str,
    /// Name of the EcsCluster.
    pub cluster_object: &'a str,
    /// Name of the EcsService.
    pub service_object: &'a str,
    /// The EcsService.
    pub owner: &'a Owner,
    /// How many tasks.
    pub desired_count: u32,
    /// How a deployment may move.
    pub limits: DeploymentLimits,
    /// Seconds for which a task must be ready before it counts; `None` for ECS's time.
    pub min_ready_seconds: Option<u32>,
}

/// Renders the Deployment around the Pod template of a snapshot, which goes in as it was stored.
#[must_use]
pub fn deployment(workload: Workload<'_>, snapshot: &Snapshot) -> Value {
    let mut deployment_labels = labels::of_service(workload.cluster_object, workload.service_object);
    deployment_labels.insert(labels::DEPLOYMENT.into(), snapshot.number.to_string());
    let min_ready_seconds = min_ready_seconds(workload, snapshot);
    let deployment = Deployment {
        metadata: ObjectMeta {
            name: Some(names::workload(workload.service_object)),
            namespace: Some(workload.namespace.into()),
            labels: Some(deployment_labels),
            owner_references: Some(vec![workload.owner.reference()]),
            ..Default::default()
        },
        spec: Some(DeploymentSpec {
            replicas: Some(number(workload.desired_count)),
            min_ready_seconds: Some(number(min_ready_seconds)),
            // Kubernetes wants more time for progress than a task needs to count.
            progress_deadline_seconds: Some(number(PROGRESS_DEADLINE_SECONDS + min_ready_seconds)),
            selector: LabelSelector {
                match_labels: Some(labels::service_selector(workload.service_object)),
                ..Default::default()
            },
            strategy: Some(strategy(workload.limits)),
            template: PodTemplateSpec::default(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut body = serde_json::to_value(deployment).unwrap_or_default();
    body["spec"]["template"] = snapshot.content.template.clone();
    body
}

/// The same Deployment, paused: no task of a template that is not running yet is started.
#[must_use]
pub fn paused(mut deployment: Value) -> Value {
    deployment["spec"]["paused"] = true.into();
    deployment
}

/// Seconds for which ECS lets a task run before it counts as healthy when nothing checks its health.
const UNCHECKED_SECONDS: u32 = 40;

fn min_ready_seconds(workload: Workload<'_>, snapshot: &Snapshot) -> u32 {
    let of_ecs = if snapshot.content.checks_health { 0 } else { UNCHECKED_SECONDS };
    workload.min_ready_seconds.unwrap_or(of_ecs)
}

/// Seconds without progress after which Kubernetes calls a deployment stuck, beside the time that a task needs to count.
const PROGRESS_DEADLINE_SECONDS: u32 = 600;

/// Absolute numbers: percentages would be rounded the other way.
fn strategy(limits: DeploymentLimits) -> DeploymentStrategy {
    let (surge, unavailable) = match limits {
        DeploymentLimits::Rolling { surge, unavailable } => (surge, unavailable),
        // The template does not change while a deployment is blocked, so this moves nothing; both zero is refused.
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

fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
